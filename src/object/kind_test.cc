#include "object/kind.h"

#include <gtest/gtest.h>

namespace duet::object {
namespace {

TEST(Kind, IsFoundByApiVersionAndName) {
  EXPECT_EQ(find_kind("v1", "Pod"), Kind::kPod);
  EXPECT_EQ(find_kind("gateway.networking.k8s.io/v1", "HTTPRoute"), Kind::kHttpRoute);
  EXPECT_EQ(find_kind("apps/v1", "Pod"), std::nullopt);
  EXPECT_EQ(find_kind("v1", "pod"), std::nullopt);
}

TEST(Kind, EveryWordOfATableIsUnderstood) {
  for (const KindInfo& info : all_kinds()) {
    EXPECT_EQ(kind_info(info.kind).name, info.name);
    EXPECT_EQ(kind_from_word(info.name), info.kind);
    EXPECT_EQ(kind_from_word(info.plural), info.kind);
    if (!info.short_name.empty()) {
      EXPECT_EQ(kind_from_word(info.short_name), info.kind);
    }
  }
}

TEST(Kind, WordsHaveNoCaseAndMayNameTheirGroup) {
  EXPECT_EQ(kind_from_word("PODS"), Kind::kPod);
  EXPECT_EQ(kind_from_word("deployments.apps"), Kind::kDeployment);
  EXPECT_EQ(kind_from_word("httproute.gateway.networking.k8s.io"), Kind::kHttpRoute);
  EXPECT_EQ(kind_from_word("pods.apps"), std::nullopt);
  EXPECT_EQ(kind_from_word("pods."), std::nullopt);
  EXPECT_EQ(kind_from_word(""), std::nullopt);
  EXPECT_EQ(kind_from_word("jobs"), std::nullopt);
}

TEST(Kind, DescribesAKeyForMessages) {
  EXPECT_EQ(describe({Kind::kPod, "default", "web"}), "pod default/web");
  EXPECT_EQ(describe({Kind::kNamespace, "", "shop"}), "namespace shop");
}

}  // namespace
}  // namespace duet::object
