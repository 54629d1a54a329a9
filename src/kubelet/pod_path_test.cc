#include "kubelet/pod_path.h"

#include <gtest/gtest.h>

namespace duet::kubelet {
namespace {

TEST(PodPath, NamesPodAndContainer) {
  const auto logs = parse_pod_path("default/web/main", PodPathForm::kContainer);
  ASSERT_TRUE(logs);
  EXPECT_EQ(logs->pod, (object::ObjectKey{object::Kind::kPod, "default", "web"}));
  EXPECT_EQ(logs->container, "main");

  const auto exec = parse_pod_path("default/web/u-1/main", PodPathForm::kUidOrContainer);
  ASSERT_TRUE(exec);
  EXPECT_EQ(exec->uid, "u-1");
  EXPECT_EQ(exec->container, "main");
  EXPECT_EQ(parse_pod_path("default/web/main", PodPathForm::kUidOrContainer)->uid, "");

  EXPECT_EQ(parse_pod_path("default/web", PodPathForm::kUid)->pod.name, "web");
  EXPECT_EQ(parse_pod_path("default/web/u-1", PodPathForm::kUid)->uid, "u-1");
  EXPECT_EQ(parse_pod_path("default/w%65b", PodPathForm::kUid)->pod.name, "web");
}

TEST(PodPath, TakesNoOtherForm) {
  for (const char* bad : {"", "default", "default/", "/web/main", "a/b/c/d/e", "a//b", "a/%zz/c"}) {
    for (const auto form :
         {PodPathForm::kContainer, PodPathForm::kUidOrContainer, PodPathForm::kUid}) {
      EXPECT_FALSE(parse_pod_path(bad, form)) << bad;
    }
  }
  EXPECT_FALSE(parse_pod_path("a/b", PodPathForm::kContainer));
  EXPECT_FALSE(parse_pod_path("a/b/c/d", PodPathForm::kContainer));
  EXPECT_FALSE(parse_pod_path("a/b/c/d", PodPathForm::kUid));
}

}  // namespace
}  // namespace duet::kubelet
