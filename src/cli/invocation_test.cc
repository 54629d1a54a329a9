#include "cli/invocation.h"

#include <gtest/gtest.h>

#include "cli/run_options.h"
#include "cli/targets.h"
#include "cli/verbs.h"

namespace duet::cli {
namespace {

Result<Invocation> parse(std::vector<std::string> words) { return parse_command_line(words); }

std::string error_of(std::vector<std::string> words) {
  const auto result = parse(std::move(words));
  return result.ok() ? "" : result.error().message();
}

TEST(CommandLine, ReadsFlagsInEveryForm) {
  const auto one = parse({"get", "pods", "-owide", "-n", "shop", "--selector=app=a", "-A"});
  ASSERT_TRUE(one.ok()) << one.error().message();
  EXPECT_EQ(one->verb->name, "get");
  EXPECT_EQ(one->words, std::vector<std::string>{"pods"});
  EXPECT_EQ(one->value("output"), "wide");
  EXPECT_EQ(one->ns(), "shop");
  EXPECT_EQ(one->value("selector"), "app=a");
  EXPECT_TRUE(one->has("all-namespaces"));

  const auto before =
      parse({"--namespace=x", "exec", "-it", "pod", "-c=main", "--", "sh", "-c", "ls"});
  ASSERT_TRUE(before.ok()) << before.error().message();
  EXPECT_TRUE(before->has("stdin"));
  EXPECT_TRUE(before->has("tty"));
  EXPECT_EQ(before->value("container"), "main");
  EXPECT_EQ(before->trailing, (std::vector<std::string>{"sh", "-c", "ls"}));

  const auto off = parse({"delete", "pod", "a", "--wait=false"});
  ASSERT_TRUE(off.ok());
  EXPECT_FALSE(off->has("wait"));
}

TEST(CommandLine, OfRunEndsAtItsWord) {
  for (const auto& words :
       {std::vector<std::string>{"run", "-e", "A=b", "x.wasm", "-v", "--", "y"},
        std::vector<std::string>{"run", "-e", "A=b", "x.wasm", "--", "-v", "--", "y"}}) {
    const auto run = parse(words);
    ASSERT_TRUE(run.ok());
    EXPECT_EQ(run->words, std::vector<std::string>{"x.wasm"});
    EXPECT_EQ(run->trailing, (std::vector<std::string>{"-v", "--", "y"}));
    EXPECT_EQ(run->values("env"), std::vector<std::string>{"A=b"});
  }
}

TEST(CommandLine, SuggestsWhatWasMeant) {
  EXPECT_NE(error_of({"gte", "pods"}).find("did you mean \"get\""), std::string::npos);
  EXPECT_NE(error_of({"get", "--outptu", "yaml"}).find("did you mean \"--output\""),
            std::string::npos);
  EXPECT_NE(error_of({"image", "puhl", "x"}).find("did you mean \"image pull\""),
            std::string::npos);
  EXPECT_EQ(error_of({"frobnicate"}).find("did you mean"), std::string::npos);
  EXPECT_NE(error_of({"get", "-o"}).find("needs a value"), std::string::npos);
  EXPECT_NE(error_of({"get", "-o", "xml"}).find("wide|yaml|json|name"), std::string::npos);
  EXPECT_NE(error_of({"get", "-Z"}).find("-Z"), std::string::npos);
}

TEST(CommandLine, TakesWhatKubectlsFlagsTake) {
  EXPECT_TRUE(parse({"apply", "--dry-run", "-f", "x"})->has("dry-run"));
  EXPECT_EQ(parse({"apply", "--dry-run=server", "-f", "x"})->value("dry-run"), "server");
  EXPECT_NE(error_of({"apply", "--dry-run=maybe"}).find("server|client|none"), std::string::npos);
  EXPECT_EQ(*parse({"logs", "web", "--tail=-1"})->number("tail", 7), 7);
  EXPECT_FALSE(parse({"logs", "web", "--tail=-2"})->number("tail", 7).ok());
}

TEST(CommandLine, HelpIsAVerbToo) {
  EXPECT_EQ(parse({})->verb->name, "help");
  const auto help = parse({"image", "pull", "--help"});
  EXPECT_EQ(help->verb->name, "help");
  EXPECT_EQ(help->words, std::vector<std::string>{"image pull"});
  EXPECT_EQ(parse({"image"})->words, std::vector<std::string>{"image"});
}

TEST(CommandLine, EveryVerbCanBeFoundAndTellsAll) {
  for (const Verb& verb : all_verbs()) {
    EXPECT_EQ(find_verb(all_verbs(), verb.name), &verb);
    EXPECT_FALSE(verb.summary.empty()) << verb.name;
    EXPECT_FALSE(verb.summary.ends_with('.')) << verb.name;
    EXPECT_NE(verb.run == nullptr, verb.verbs.empty()) << verb.name;
    for (const Flag& flag : verb.flags) {
      EXPECT_FALSE(flag.help.empty() || flag.help.ends_with('.')) << verb.name << flag.name;
    }
  }
}

TEST(Targets, AreReadAsKubectlDoes) {
  using object::Kind;
  EXPECT_EQ(parse_targets({"po"}).value(), (std::vector<Target>{{Kind::kPod, ""}}));
  EXPECT_EQ(parse_targets({"pods,svc"}).value(),
            (std::vector<Target>{{Kind::kPod, ""}, {Kind::kService, ""}}));
  EXPECT_EQ(parse_targets({"pod", "a", "b"}).value(),
            (std::vector<Target>{{Kind::kPod, "a"}, {Kind::kPod, "b"}}));
  EXPECT_EQ(parse_targets({"deploy/a", "svc/b"}).value(),
            (std::vector<Target>{{Kind::kDeployment, "a"}, {Kind::kService, "b"}}));
  EXPECT_EQ(parse_targets({"all"})->size(), 3);
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"widgets"}, {"pod/"}, {"/x"}, {"pod/a", "b"}, {"pod", "svc/b"}, {"pods,"}, {""}}) {
    EXPECT_FALSE(parse_targets(words).ok()) << words[0];
  }
  EXPECT_NE(parse_targets({"pdos"}).error().message().find("pods"), std::string::npos);
}

TEST(Mounts, AreHostAndGuest) {
  const auto mount = parse_mount("/tmp::/data:ro");
  ASSERT_TRUE(mount.ok());
  EXPECT_EQ(*mount, (RunMount{"/tmp", "/data", true}));
  EXPECT_EQ(parse_mount("/tmp")->guest_path, "/tmp");
  EXPECT_EQ(parse_mount("/tmp::data")->guest_path, "/data");
  EXPECT_FALSE(parse_mount("").ok());
  EXPECT_FALSE(parse_mount("::/x").ok());
  EXPECT_FALSE(parse_mount("/does-not-exist::/x").ok());
}

}  // namespace
}  // namespace duet::cli
