#include "base/site_paths.h"

#include <gtest/gtest.h>

namespace duet {
namespace {

TEST(SitePaths, OfRootAreTheSystems) {
  const SitePaths paths = site_paths({.uid = 0, .home = "/root", .xdg_runtime_dir = "/run/user/0"});
  EXPECT_EQ(paths.state, "/var/lib/duet");
  EXPECT_EQ(paths.run, "/run/duet");
  EXPECT_EQ(paths.logs, "/var/log/pods");
  EXPECT_EQ(paths.socket, "/run/duet/duet.sock");
  EXPECT_EQ(paths.images(), "/var/lib/duet/images");
}

TEST(SitePaths, OfAUserFollowXdg) {
  const SitePaths paths =
      site_paths({.uid = 7, .xdg_state_home = "/s", .xdg_runtime_dir = "/run/user/7"});
  EXPECT_EQ(paths.state, "/s/duet");
  EXPECT_EQ(paths.socket, "/run/user/7/duet/duet.sock");
  EXPECT_EQ(paths.logs, "/s/duet/logs");
}

TEST(SitePaths, RelativeVariablesAreIgnored) {
  const SitePaths paths =
      site_paths({.uid = 7, .home = "/home/u", .xdg_state_home = "s", .xdg_runtime_dir = "r"});
  EXPECT_EQ(paths.state, "/home/u/.local/state/duet");
  EXPECT_EQ(paths.run, "/tmp/duet-7");
  EXPECT_EQ(site_paths({.uid = 7}).state, "/tmp/duet-7/state");
}

TEST(SitePaths, OverridesWin) {
  const SitePaths paths = site_paths({.uid = 0}, "/data", "/scratch");
  EXPECT_EQ(paths.state, "/data");
  EXPECT_EQ(paths.logs, "/data/logs");
  EXPECT_EQ(paths.socket, "/scratch/duet.sock");
}

}  // namespace
}  // namespace duet
