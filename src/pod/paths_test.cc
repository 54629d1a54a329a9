#include "pod/paths.h"

#include <gtest/gtest.h>

namespace duet::pod {
namespace {

TEST(Paths, IdsCarryTheirAttempt) {
  const std::string id = container_id("1234-uid", "web-1", 12);
  EXPECT_EQ(attempt_of(id, "1234-uid", "web-1"), 12);
  EXPECT_EQ(attempt_of(id, "1234-uid", "web"), -1) << "web's own ID would have a number next";
  EXPECT_EQ(attempt_of(id, "other", "web-1"), -1);
  EXPECT_EQ(attempt_of("1234-uid-web-1-x", "1234-uid", "web-1"), -1);
}

TEST(Paths, LogsAreWhereTheKubeletHasThem) {
  const PodPaths paths({"/state", "/run", "/logs"}, {object::Kind::kPod, "shop", "api"}, "uid");
  EXPECT_EQ(paths.log("main", 3), "/logs/shop_api_uid/main/3.log");
  EXPECT_EQ(paths.cgroup("main"), "/duet/poduid/main");
}

}  // namespace
}  // namespace duet::pod
