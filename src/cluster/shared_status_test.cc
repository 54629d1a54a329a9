#include "cluster/shared_status.h"

#include <gtest/gtest.h>

#include <atomic>

#include "cluster/store_and_server_for_test.h"

namespace duet::cluster {
namespace {

using Request = ApiServerForTest::Request;
using Connection = ApiServerForTest::Connection;

object::ObjectKey ingress(const std::string& name) {
  return {object::Kind::kIngress, "shop", name};
}
Json says(const std::string& what) { return {{"status", {{"says", what}}}}; }

class SharedStatusTest : public testing::Test {
 protected:
  void TearDown() override {
    sides_.stop.request_stop();
    status_.reset();
  }
  void start(std::int64_t pause_ms) {
    status_ = SharedStatus::start(
        *sides_.store, api_, sides_.clock, sides_.random,
        {.spread_ms = 10, .pause_ms = pause_ms, .log = [this](const std::string& line) {
           sides_.heard.note(line);
         }});
  }

  std::atomic<int> answered_ = 200;
  StoreAndServerForTest sides_{[this](const Request&, Connection& connection) {
    return connection.write(ApiServerForTest::with_body(answered_, R"({"kind":"Status"})"));
  }};
  ApiClient api_{sides_.access, sides_.clock, sides_.random, sides_.stop.get_token()};
  std::unique_ptr<SharedStatus> status_;
};

TEST_F(SharedStatusTest, IsWrittenWhereItIsAnotherAndNotAtOnceAgain) {
  constexpr std::int64_t kHourMs = 3'600'000;
  start(kHourMs);
  status_->see(ingress("same"), std::nullopt);
  status_->see(ingress("web"), says("here"));
  ASSERT_TRUE(sides_.heard.wait_for(
      {"PATCH", "/v1/namespaces/shop/ingresses/web/status", says("here").dump()}));
  status_->see(ingress("web"), says("elsewhere"));
  status_->see(ingress("other"), says("here"));
  ASSERT_TRUE(sides_.heard.wait_for({"PATCH", "/other/status"}));
  EXPECT_EQ(sides_.heard.count({"/web/status"}), 1U);
  EXPECT_EQ(sides_.heard.count({"/same/status"}), 0U);
}

TEST_F(SharedStatusTest, WithoutTheRightTheLogSaysSoOnceAndItIsTriedAgain) {
  answered_ = 403;
  start(20);
  status_->see(ingress("web"), says("here"));
  status_->see(ingress("other"), says("here"));
  EXPECT_TRUE(sides_.heard.wait_for({"PATCH", "/web/"}, 2));
  EXPECT_TRUE(sides_.heard.wait_for({"PATCH", "/other/"}, 2));
  EXPECT_EQ(sides_.heard.count({"ingresses", "route-rights.yaml"}), 1U);
}

// The watch brings what it is now.
TEST_F(SharedStatusTest, AfterAConflictTheNextOneNeedNotWait) {
  constexpr std::int64_t kHourMs = 3'600'000;
  answered_ = 409;
  start(kHourMs);
  status_->see(ingress("web"), says("here"));
  ASSERT_TRUE(sides_.heard.wait_for({"PATCH", "here"}));
  status_->see(ingress("other"), says("here"));
  ASSERT_TRUE(
      sides_.heard.wait_for({"PATCH", "/other/"}));  // the answer about the first one has come
  answered_ = 200;
  status_->see(ingress("web"), says("there"));
  EXPECT_TRUE(sides_.heard.wait_for({"PATCH", "/web/", "there"}));
}

TEST_F(SharedStatusTest, AServerThatFailsIsAskedAgain) {
  answered_ = 500;
  start(20);
  status_->see(ingress("web"), says("here"));
  EXPECT_TRUE(sides_.heard.wait_for({"PATCH"}, 2));
}

}  // namespace
}  // namespace duet::cluster
