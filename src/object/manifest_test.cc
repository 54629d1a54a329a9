#include "object/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "object/codec.h"
#include "object/field_table.h"

namespace duet::object {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> texts_of(const Manifest& manifest) {
  std::vector<std::string> out;
  for (const Problem& problem : manifest.problems) {
    out.push_back(problem.describe());
  }
  return out;
}

constexpr const char* kPrimer = R"(apiVersion: v1
kind: Pod
metadata:
  name: hello-wasm
spec:
  containers:
  - name: hello-wasm
    image: webassembly.azurecr.io/hello-wasm:v1
  nodeSelector:
    kubernetes.io/arch: wasm32-wasi
  tolerations:
  - key: "kubernetes.io/arch"
    operator: "Equal"
    value: "wasm32-wasi"
    effect: "NoSchedule"
)";

TEST(Manifest, ThePrimersIsAccepted) {
  const Manifest manifest = parse_manifest(kPrimer, "hello-wasm.yaml");
  EXPECT_THAT(texts_of(manifest), IsEmpty());
  ASSERT_EQ(manifest.objects.size(), 1U);
  EXPECT_EQ(manifest.objects[0].object.key, (ObjectKey{Kind::kPod, "default", "hello-wasm"}));
  EXPECT_EQ(manifest.objects[0].line, 1);
  const auto pod = decode_pod(manifest.objects[0].object.json);
  ASSERT_TRUE(pod.ok());
  EXPECT_EQ(pod->spec.containers.at(0).image_pull_policy, "IfNotPresent");
  EXPECT_EQ(pod->spec.node_selector.at("kubernetes.io/arch"), "wasm32-wasi");
  EXPECT_EQ(pod->spec.tolerations.at(0).effect, "NoSchedule");
}

TEST(Manifest, ObjectsKeepTheirOrderAndGetTheNamespace) {
  const Manifest manifest = parse_manifest(
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n"
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {k: v}\n---\n"
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
      "f.yaml", "site");
  EXPECT_THAT(texts_of(manifest), IsEmpty());
  ASSERT_EQ(manifest.objects.size(), 3U);
  EXPECT_EQ(manifest.objects[0].object.key, (ObjectKey{Kind::kNamespace, "", "shop"}));
  EXPECT_EQ(manifest.objects[1].object.key.ns, "shop");
  EXPECT_EQ(manifest.objects[2].object.key.ns, "site");
  EXPECT_EQ(manifest.objects[2].line, 10);
  EXPECT_EQ(json::parse(manifest.objects[2].object.json)["metadata"]["namespace"], "site");
}

TEST(Manifest, AListGivesItsItems) {
  const Manifest manifest = parse_manifest(
      "apiVersion: v1\nkind: List\nitems:\n"
      "- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n- 3\n"
      "- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n",
      "f.yaml");
  EXPECT_EQ(manifest.objects.size(), 1U);
  EXPECT_THAT(texts_of(manifest),
              ElementsAre("f.yaml:5:3: items[1]: expected an object with apiVersion, kind and "
                          "metadata",
                          "f.yaml:6:54: items[2].metadata.name: configmap default/a is at line 4 "
                          "already"));
}

TEST(Manifest, WhatTheNodeWritesIsLeftOutSilently) {
  const Manifest manifest = parse_manifest(
      "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  uid: x\n  resourceVersion: '3'\n"
      "  creationTimestamp: null\n  managedFields: [{manager: kubectl}]\n"
      "spec:\n  containers: [{name: a, image: i, resources: {}}]\nstatus: {phase: Running}\n",
      "f.yaml");
  EXPECT_THAT(texts_of(manifest), IsEmpty());
  EXPECT_EQ(manifest.objects.at(0).object.json,
            R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a","namespace":"default"},)"
            R"("spec":{"containers":[{"image":"i","name":"a","resources":{}}]}})");
}

TEST(Manifest, JsonWithEscapesOfItsOwnIsRead) {
  const Manifest manifest = parse_manifest(
      R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"k":"\ud83d\ude00"}})",
      "f.json");
  EXPECT_THAT(texts_of(manifest), IsEmpty());
  EXPECT_EQ(json::parse(manifest.objects.at(0).object.json)["data"]["k"], "\xf0\x9f\x98\x80");
}

TEST(Manifest, OnlyBrokenObjectsAreLeftOut) {
  const Manifest manifest = parse_manifest(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n"
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\nmetadata: {name: c}\n---\n"
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {nam: d}\n",
      "f.yaml");
  ASSERT_EQ(manifest.objects.size(), 1U);
  EXPECT_FALSE(manifest.ok());
  EXPECT_THAT(texts_of(manifest),
              ElementsAre("f.yaml:8:1: duplicate key \"metadata\"",
                          "f.yaml:12:11: metadata.name: is required and missing; give the object "
                          "a name",
                          "f.yaml:12:12: metadata.nam: unknown field, did you mean \"name\"?"));
}

TEST(ParseObject, GivesFieldsWithoutPlaces) {
  EXPECT_TRUE(
      parse_object(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}})").ok());
  EXPECT_THAT(
      texts_of(parse_object(R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":3}})")),
      ElementsAre("metadata.name: expected a string, found the integer 3; write it in quotes"));
  EXPECT_THAT(texts_of(parse_object("{")), ElementsAre("not JSON"));
  EXPECT_THAT(texts_of(parse_object("[" + std::string(1'000'000, '['))),
              ElementsAre("JSON is nested deeper than 128 levels"));
  std::string wide = "[0";
  for (int i = 0; i < 300'000; ++i) {
    wide += ",0";
  }
  EXPECT_THAT(texts_of(parse_object(wide + "]")),
              ElementsAre("the object has more than 200000 values"));
  EXPECT_THAT(texts_of(parse_object(std::string(5 << 20, ' '))),
              ElementsAre("the object has 5242880 bytes; at most 4194304 are read"));
}

std::string round_trip(const json& value) {
  const Manifest manifest = parse_manifest(to_yaml(value.dump()), "f.yaml");
  return manifest.objects.empty()
             ? manifest.problems.at(0).describe() + "\n" + to_yaml(value.dump())
             : manifest.objects[0].object.json;
}

TEST(ToYaml, WritesAsKubectlDoes) {
  EXPECT_EQ(to_yaml(R"({"kind":"Pod","apiVersion":"v1","spec":{"containers":[{"name":"a",
      "args":["x","8"],"env":[]}],"x":{}},"metadata":{"annotations":{"a/b":"l1\nl2\n"}}})"),
            R"(apiVersion: v1
kind: Pod
metadata:
  annotations:
    a/b: |
      l1
      l2
spec:
  containers:
  - args:
    - x
    - "8"
    env: []
    name: a
  x: {}
)");
  EXPECT_EQ(to_yaml("no json"), "no json");
}

TEST(ToYaml, EveryTextComesBack) {
  const std::vector<std::string> texts = {"",
                                          " ",
                                          "a",
                                          "a b",
                                          " a",
                                          "a ",
                                          "yes",
                                          "null",
                                          "~",
                                          "1",
                                          "1.5",
                                          "0x1",
                                          "1e3",
                                          "-",
                                          "- a",
                                          "?",
                                          "a: b",
                                          "a:",
                                          "a #b",
                                          "#a",
                                          "'",
                                          "\"",
                                          "\\",
                                          "{a",
                                          "[a",
                                          "*a",
                                          "&a",
                                          "!a",
                                          "%a",
                                          "@a",
                                          "`a",
                                          "|",
                                          ">",
                                          "<<",
                                          "=",
                                          "---",
                                          "...",
                                          "\n",
                                          "a\n",
                                          "a\n\n",
                                          "a\nb",
                                          "a\n\nb\n",
                                          " a\nb",
                                          "\ta\nb",
                                          "a\tb",
                                          "a\r\nb",
                                          "a\x01",
                                          "\x7f",
                                          "\xc2\x85",
                                          "\xe2\x80\xa8x",
                                          "\xef\xbb\xbfx",
                                          "\xef\xbf\xbf",
                                          "\xf0\x9f\x98\x80",
                                          "a\n  b\n c\n",
                                          "a \nb",
                                          "a\n \nb",
                                          "a, b",
                                          "a]",
                                          "2001-01-01",
                                          ".inf",
                                          std::string("\0", 1)};
  json data = json::object();
  for (size_t i = 0; i < texts.size(); ++i) {
    data["k" + std::to_string(i)] = texts[i];
  }
  const json value = {{"apiVersion", "v1"},
                      {"data", data},
                      {"kind", "ConfigMap"},
                      {"metadata", {{"name", "a"}, {"namespace", "default"}}}};
  EXPECT_EQ(round_trip(value), value.dump());
}

TEST(FieldTable, IsTheOneInTheDocumentation) {
  const char* source = std::getenv("DUET_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run the test through ctest";
  std::ifstream file(std::string(source) + "/docs/kubernetes.md");
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(text.str() == field_table_markdown())
      << "docs/kubernetes.md is not what the tables say; write it anew:\n"
         "  ninja -C build duet-fields && build/duet-fields > docs/kubernetes.md";
}

}  // namespace
}  // namespace duet::object
