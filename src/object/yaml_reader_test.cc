#include "object/yaml_reader.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "object/yaml_scalar.h"

namespace duet::object {
namespace {

using nlohmann::json;

YamlStream read(const std::string& text, const ManifestLimits& limits = {}) {
  return read_yaml(text, "f.yaml", limits);
}

// The first document as JSON, or the first problem.
std::string json_of(const std::string& text) {
  const YamlStream stream = read(text);
  if (!stream.problems.empty()) {
    return stream.problems[0].describe();
  }
  return stream.documents.empty() ? "" : to_json(stream.documents[0].root).dump();
}

// What sigs.k8s.io/yaml 1.6 makes of the same scalars.
TEST(YamlScalar, IsReadAsKubernetesReadsIt) {
  const std::pair<const char*, const char*> cases[] = {
      {"y", "true"},
      {"Y", "true"},
      {"yes", "true"},
      {"No", "false"},
      {"on", "true"},
      {"OFF", "false"},
      {"TRUE", "true"},
      {"tRue", "\"tRue\""},
      {"~", "null"},
      {"Null", "null"},
      {"nULL", "\"nULL\""},
      {"1", "1"},
      {"-1", "-1"},
      {"+1", "1"},
      {"0x10", "16"},
      {"0o17", "15"},
      {"017", "15"},
      {"08", "8"},
      {"0b11", "3"},
      {"-0b11", "-3"},
      {"1_000", "1000"},
      {"_1", "\"_1\""},
      {"1.5", "1.5"},
      {"1.0", "1"},
      {"1e3", "1000"},
      {"1.5e-2", "0.015"},
      {".5", "0.5"},
      {"5.", "5"},
      {"-.5", "-0.5"},
      {"+.5", "0.5"},
      {"1e", "\"1e\""},
      {"1.2.3", "\"1.2.3\""},
      {"0x", "\"0x\""},
      {"-9223372036854775808", "-9223372036854775808"},
      {"9223372036854775807", "9223372036854775807"},
      {"2001-01-01", "\"2001-01-01\""},
      {"12:30", "\"12:30\""},
      {"!!str 5", "\"5\""},
      {"!!int \"5\"", "5"},
      {"!!float 5", "5"},
      {"!!binary aGk=", "\"hi\""},
      {"\"5\"", "\"5\""},
      {"'yes'", "\"yes\""},
      {"=", "\"=\""},
      {"0_8", "8"},
      {"12e03", "12000"},
      {"0X1F", "31"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(json_of("v: " + std::string(text)), "{\"v\":" + std::string(expected) + "}") << text;
  }
}

TEST(YamlScalar, WrongTagsAreErrors) {
  EXPECT_EQ(json_of("a: !!int x"), "f.yaml:1:4: \"x\" is tagged as an integer and is none");
  EXPECT_EQ(json_of("a: !!bool 3"), "f.yaml:1:4: \"3\" is tagged as a boolean and is none");
  EXPECT_EQ(json_of("a: !Ref x"), "f.yaml:1:4: the tag \"!Ref\" is not known");
  EXPECT_EQ(json_of("a: .inf"),
            "f.yaml:1:4: \".inf\" is a number that JSON does not have; quote it");
}

TEST(Yaml, KeysAreStrings) {
  EXPECT_EQ(json_of("1: a\nyes: b\n0x10: c\n"), R"({"1":"a","16":"c","true":"b"})");
  EXPECT_EQ(json_of("? [a]\n: b\n"), "f.yaml:1:3: a key must be a string, not a list or a map");
  EXPECT_EQ(json_of("~: a\n"), "f.yaml:1:1: a key is missing before the \":\"");
}

TEST(Yaml, ReadsStylesAndLineEnds) {
  EXPECT_EQ(json_of("a: |\n  x\n  y\nb: >-\n  p\n  q\n"), R"({"a":"x\ny\n","b":"p q"})");
  EXPECT_EQ(json_of("a:\r\n  - b\r\n  - c: d\r\n"), R"({"a":["b",{"c":"d"}]})");
  EXPECT_EQ(json_of("\xef\xbb\xbf"
                    "a: b\n"),
            R"({"a":"b"})");
  EXPECT_EQ(json_of("%YAML 1.1\n---\na: b\n"), R"({"a":"b"})");
  EXPECT_EQ(json_of("# nothing\n"), "");
  EXPECT_EQ(json_of(""), "");
}

TEST(Yaml, MarksCountFromOneInCharacters) {
  const YamlStream stream = read("# \xc3\xa9\n\xc3\xa9\xc3\xa9: {b: [1, x]}\n");
  const MarkedNode& root = stream.documents.at(0).root;
  EXPECT_EQ(root.members[0].mark.line, 2);
  EXPECT_EQ(root.members[0].mark.column, 1);
  const MarkedNode& item = root.members[0].value.members[0].value.items[1];
  EXPECT_EQ(item.mark.line, 2);
  EXPECT_EQ(item.mark.column, 13);
}

TEST(Yaml, SeveralDocumentsWithEmptyOnesBetween) {
  const YamlStream stream = read("---\na: 1\n---\n---\n# x\n---\nb: 2\n...\n");
  ASSERT_EQ(stream.documents.size(), 2U);
  EXPECT_TRUE(stream.problems.empty());
  EXPECT_EQ(stream.documents[1].root.mark.line, 7);
}

TEST(Yaml, AliasesAndMergeKeys) {
  EXPECT_EQ(json_of("v: &a [1, 2]\nw: *a\n"), R"({"v":[1,2],"w":[1,2]})");
  EXPECT_EQ(json_of("v: &a {p: 1, q: 2}\nw: {<<: *a, q: 3}\n"),
            R"({"v":{"p":1,"q":2},"w":{"p":1,"q":3}})");
  EXPECT_EQ(json_of("u: &a {p: 1}\nv: &b {p: 2, r: 1}\nw: {<<: [*a, *b]}\n"),
            R"({"u":{"p":1},"v":{"p":2,"r":1},"w":{"p":1,"r":1}})");
  EXPECT_EQ(json_of("a: \"<<\"\n\"<<\": b\n"), R"({"<<":"b","a":"<<"})");
  EXPECT_EQ(json_of("a: {<<: 3}\n"), "f.yaml:1:9: \"<<\" merges a map or a list of maps");
  EXPECT_EQ(json_of("a: *b\n"), "f.yaml:1:4: the alias *b names no anchor before it");
  EXPECT_EQ(json_of("a: &b [*b]\n"), "f.yaml:1:8: the alias *b stands within what it names");
  EXPECT_EQ(json_of("a: &b 1\n---\nc: *b\n"), "f.yaml:3:4: the alias *b names no anchor before it");
}

TEST(Yaml, DuplicateKeysAreErrorsAndReadingGoesOn) {
  const YamlStream stream = read("a: 1\nb:\n  c: 1\n  c: 2\na: 2\n---\nd: 1\n");
  ASSERT_EQ(stream.problems.size(), 2U);
  EXPECT_EQ(stream.problems[0].describe(), "f.yaml:4:3: duplicate key \"c\"");
  EXPECT_EQ(stream.problems[1].describe(), "f.yaml:5:1: duplicate key \"a\"");
  ASSERT_EQ(stream.documents.size(), 2U);
  EXPECT_FALSE(stream.documents[0].sound);
  EXPECT_TRUE(stream.documents[1].sound);
}

TEST(Yaml, SyntaxErrorsSayWhereAndWhat) {
  const std::pair<const char*, const char*> cases[] = {
      {"a: [1, 2\nb: 3\n",
       "f.yaml:2:2: not YAML: did not find expected ',' or ']' while parsing a flow sequence that "
       "starts at line 1"},
      {"a:\n\t- b\n", "f.yaml:2:1: a tab cannot stand here: indent with spaces"},
      {"a: b: c\n", "f.yaml:1:5: not YAML: mapping values are not allowed in this context"},
      {"a: \"x\n",
       "f.yaml:2:1: not YAML: found unexpected end of stream while scanning a quoted scalar that "
       "starts at line 1"},
      {"a: b\xff\n", "f.yaml:1:5: not UTF-8: invalid leading UTF-8 octet; save the file as UTF-8"},
      {"x: y\na: \x01\n", "f.yaml:2:4: control characters are not allowed in YAML"},
      {"a: @b\n",
       "f.yaml:1:4: not YAML: found character that cannot start any token while scanning for the "
       "next token that starts at line 1"},
  };
  for (const auto& [text, expected] : cases) {
    EXPECT_EQ(json_of(text), expected) << text;
  }
}

TEST(YamlLimits, SizeIsRefusedUnread) {
  const YamlStream stream = read(std::string(100'000'000, 'x'));
  ASSERT_EQ(stream.problems.size(), 1U);
  EXPECT_EQ(stream.problems[0].describe(),
            "f.yaml: the manifest has 100000000 bytes; at most 4194304 are read");
}

TEST(YamlLimits, AMillionAliasesAreRefused) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 1; j < 10; ++j) {
      bomb += ", " + last;
    }
    bomb += "]\n";
  }
  EXPECT_EQ(read(bomb).problems.at(0).message,
            "the manifest has more than 200000 values once its aliases are expanded");
  std::string flat = "a: &a x\nb:\n";
  for (int i = 0; i < 1'000'000; ++i) {
    flat += "- *a\n";
  }
  ManifestLimits limits;
  limits.size_bytes = 10 << 20;
  EXPECT_EQ(read(flat, limits).problems.at(0).message,
            "the manifest has more than 200000 values once its aliases are expanded");
}

TEST(YamlLimits, AliasesOfLongTextAreRefused) {
  std::string bomb = "a: &a " + std::string(1'000'000, 'x') + "\nb:\n";
  for (int i = 0; i < 1000; ++i) {
    bomb += "- *a\n";
  }
  EXPECT_EQ(read(bomb).problems.at(0).message,
            "the manifest has more than 16777216 bytes of text once its aliases are expanded");
}

TEST(YamlLimits, DepthIsBounded) {
  EXPECT_EQ(json_of(std::string(65, '[') + std::string(65, ']')),
            "f.yaml:1:65: nested deeper than 64 levels");
  EXPECT_TRUE(read(std::string(64, '[') + std::string(64, ']')).problems.empty());
  EXPECT_EQ(json_of(std::string(1'000'000, '[')), "f.yaml:1:65: nested deeper than 64 levels");
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  EXPECT_EQ(json_of("a: &a " + deep + "\nb: " + std::string(30, '[') + "*a"),
            "f.yaml:2:34: nested deeper than 64 levels once the alias *a is expanded");
}

TEST(YamlLimits, DocumentsAreCounted) {
  std::string text;
  for (int i = 0; i < 1001; ++i) {
    text += "---\na: 1\n";
  }
  EXPECT_EQ(read(text).problems.at(0).message, "the manifest has more than 1000 documents");
}

TEST(YamlLimits, ProblemsAreBoundedAndTheLastWordIsTheEnd) {
  std::string text = "a: 1\n";
  for (int i = 0; i < 200; ++i) {
    text += "a: 1\n";
  }
  const YamlStream stream = read(text + "---\nb: [\n");
  EXPECT_EQ(stream.problems.size(), 50U);
  EXPECT_EQ(stream.problems.back().message.rfind("not YAML", 0), 0U);
}

}  // namespace
}  // namespace duet::object
