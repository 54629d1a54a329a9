#include "cli/candidates.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace duet::cli {
namespace {

using Words = std::vector<std::string>;

// A node with a pod, a deployment and an image in each of two namespaces.
NamesOnNode node(const Invocation&) {
  return {.objects = [](object::Kind kind, const std::string& ns) -> Words {
            switch (kind) {
              case object::Kind::kNamespace:
                return {"default", "shop"};
              case object::Kind::kPod:
                return {"pod-of-" + ns};
              case object::Kind::kDeployment:
                return {"deployment-of-" + ns};
              default:
                return {};
            }
          },
          .images = [] { return Words{"shop.example/api:v1"}; }};
}

Words words_after(const Words& line) {
  Words out;
  for (const auto& one : find_candidates(line, node).words) {
    out.push_back(one.word);
  }
  return out;
}

bool has(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(Candidates, AreVerbsFirst) {
  EXPECT_EQ(words_after({"de"}), (Words{"describe", "delete"}));
  EXPECT_TRUE(has(words_after({""}), "image"));
  EXPECT_EQ(words_after({"image", "p"}), (Words{"pull", "pack"}));
  EXPECT_EQ(words_after({"-n", "shop", "ge"}), (Words{"get"}));
  EXPECT_EQ(words_after({"nonsense", "ge"}), (Words{"get"}));
}

TEST(Candidates, OfKindsAndNames) {
  EXPECT_EQ(words_after({"get", "pod"}), (Words{"pods"}));
  EXPECT_EQ(words_after({"get", "po", ""}), (Words{"pod-of-default"}));
  EXPECT_EQ(words_after({"get", "-n", "shop", "pods", ""}), (Words{"pod-of-shop"}));
  EXPECT_EQ(words_after({"delete", "deploy/"}), (Words{"deploy/deployment-of-default"}));
  EXPECT_EQ(words_after({"-n=shop", "logs", "pod"}), (Words{"pod-of-shop"}));
  EXPECT_EQ(words_after({"exec", "deploy/d"}), (Words{"deploy/deployment-of-default"}));
  EXPECT_EQ(words_after({"logs", "pod-of-default", ""}), Words{});
  EXPECT_EQ(words_after({"image", "rm", "shop"}), (Words{"shop.example/api:v1"}));
}

TEST(Candidates, OfFlagsAndTheirValues) {
  EXPECT_EQ(words_after({"get", "pods", "--outp"}), (Words{"--output"}));
  EXPECT_TRUE(has(words_after({"image", "pull", "-"}), "--plain-http"));
  EXPECT_TRUE(has(words_after({"get", "-"}), "--namespace"));
  EXPECT_EQ(words_after({"get", "-o", "y"}), (Words{"yaml"}));
  EXPECT_EQ(words_after({"get", "--output=j"}), (Words{"--output=json"}));
  EXPECT_EQ(words_after({"get", "-o=j"}), (Words{"-o=json"}));
  EXPECT_EQ(words_after({"get", "pods", "-n", ""}), (Words{"default", "shop"}));
  EXPECT_EQ(words_after({"get", "--namespace=s"}), (Words{"--namespace=shop"}));
  EXPECT_TRUE(find_candidates({"apply", "-f", ""}, node).files);
  EXPECT_FALSE(find_candidates({"get", "pods", ""}, node).files);
}

TEST(Candidates, ArePassedOnToPrograms) {
  EXPECT_TRUE(find_candidates({"run", "x.wasm", ""}, node).files);
  EXPECT_EQ(words_after({"exec", "web", "--", ""}), Words{});
  EXPECT_EQ(words_after({}), Words{});
}

}  // namespace
}  // namespace duet::cli
