#include "route/gateway_process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "sys/clock.h"
#include "sys/file.h"

// Gateways that do not come up.
namespace duet::route {
namespace {

class GatewayProcessTest : public testing::Test {
 protected:
  GatewayProcessTest() {
    cache_ = std::move(*wasm::CodeCache::open(
        {.directory = directory_ + "/cache", .key_file = directory_ + "/key"}, clock_));
  }
  ~GatewayProcessTest() override { std::filesystem::remove_all(directory_); }

  // A gateway that does what `script` says, and notes its start.
  GatewayProcess gateway(const std::string& script, std::int64_t wait_ms, std::int64_t limit_ms) {
    const std::string path = directory_ + "/gateway";
    std::ofstream(path) << "#!/bin/sh\necho $$ >>" << starts_ << "\n" << script << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return {{.executable = path,
             .run_directory = directory_ + "/run",
             .start_wait_ms = wait_ms,
             .start_limit_ms = limit_ms},
            *cache_};
  }
  // The process ids of those that were started; waits until there are `count` at least.
  std::vector<pid_t> starts(std::size_t count) const {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    for (;;) {
      std::ifstream file(starts_);
      std::vector<pid_t> pids(std::istream_iterator<pid_t>(file), {});
      if (pids.size() >= count || std::chrono::steady_clock::now() >= until) {
        return pids;
      }
    }
  }
  static bool is_alive(pid_t pid) { return ::kill(pid, 0) == 0; }

  const std::string directory_ = *sys::make_temporary_directory("/tmp", "duet-gateway-process-");
  const std::string starts_ = directory_ + "/starts";
  sys::SystemClock clock_;
  std::unique_ptr<wasm::CodeCache> cache_;
};

constexpr std::int64_t kLongMs = 600'000;

TEST_F(GatewayProcessTest, OneThatEndsIsToldAtOnce) {
  GatewayProcess process = gateway("exit 3", kLongMs, kLongMs);
  const Status served = process.serve({});
  ASSERT_FALSE(served.ok());
  EXPECT_NE(served.error().message().find("ended with exit code 3, see "), std::string::npos)
      << served.error().message();
  EXPECT_FALSE(process.serve({}).ok());
  EXPECT_EQ(starts(2).size(), 2U);
}

TEST_F(GatewayProcessTest, OneThatSaysNothingIsWaitedForOnce) {
  GatewayProcess process = gateway("exec sleep 1000", 1, kLongMs);
  for (int i = 0; i < 3; ++i) {
    const Status served = process.serve({});
    ASSERT_FALSE(served.ok());
    EXPECT_EQ(served.error().code(), ErrorCode::kUnavailable);
  }
  const std::vector<pid_t> pids = starts(1);
  ASSERT_EQ(pids.size(), 1U);
  EXPECT_TRUE(is_alive(pids.front()));
  EXPECT_TRUE(process.stop(0).ok());
  EXPECT_FALSE(is_alive(pids.front()));
}

TEST_F(GatewayProcessTest, OneThatSaysNothingForLongIsEnded) {
  GatewayProcess process = gateway("exec sleep 1000", 1, 1'000);
  EXPECT_EQ(process.serve({}).error().code(), ErrorCode::kUnavailable);
  const std::vector<pid_t> pids = starts(1);
  ASSERT_EQ(pids.size(), 1U);
  Status served;
  do {
    served = process.serve({});
  } while (served.error().code() == ErrorCode::kUnavailable);
  EXPECT_NE(served.error().message().find("was ended"), std::string::npos);
  EXPECT_FALSE(is_alive(pids.front()));
  EXPECT_FALSE(process.serve({}).ok());
  EXPECT_EQ(starts(2).size(), 2U);
}

}  // namespace
}  // namespace duet::route
