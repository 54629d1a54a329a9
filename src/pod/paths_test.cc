#include "pod/paths.h"

#include <gtest/gtest.h>

#include "sys/file.h"

namespace duet::pod {
namespace {

TEST(Paths, IdsCarryTheirAttempt) {
  const std::string id = container_id("1234-uid", "web-1", 12);
  EXPECT_EQ(attempt_of(id, "1234-uid", "web-1"), 12);
  EXPECT_EQ(attempt_of(id, "1234-uid", "web"), -1) << "web's own ID would have a number next";
  EXPECT_EQ(attempt_of(id, "other", "web-1"), -1);
  EXPECT_EQ(attempt_of("1234-uid-web-1-x", "1234-uid", "web-1"), -1);
}

TEST(Paths, IdsCarryTheirContainer) {
  EXPECT_EQ(container_of(container_id("1234-uid", "web-1", 12), "1234-uid"), "web-1");
  EXPECT_EQ(container_of("1234-uid-web-x", "1234-uid"), "");
  EXPECT_EQ(container_of("1234-uid-7", "1234-uid"), "") << "no name between";
  EXPECT_EQ(container_of("other-web-0", "1234-uid"), "");
}

TEST(Paths, LogsAreWhereTheKubeletHasThem) {
  const PodPaths paths({"/state", "/run", "/logs"}, {object::Kind::kPod, "shop", "api"}, "uid");
  EXPECT_EQ(paths.log("main", 3), "/logs/shop_api_uid/main/3.log");
  EXPECT_EQ(paths.cgroup("main"), "/duet/poduid/main");
}

TEST(Paths, LogsTellWhosePodItWas) {
  const std::string logs = sys::make_temporary_directory("/tmp", "duet-paths-").value();
  ASSERT_TRUE(sys::make_directories(logs + "/shop_api-1_uid-1/main").ok());
  ASSERT_TRUE(sys::make_directories(logs + "/shop_front_uid-2").ok());
  const auto key = key_of_logs({"/state", "/run", logs}, "uid-1");
  EXPECT_EQ(key.ns, "shop");
  EXPECT_EQ(key.name, "api-1");
  EXPECT_EQ(key_of_logs({"/state", "/run", logs}, "uid-3").name, "");
  EXPECT_TRUE(sys::remove_tree(logs).ok());
}

}  // namespace
}  // namespace duet::pod
