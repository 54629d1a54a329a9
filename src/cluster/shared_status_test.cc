#include "cluster/shared_status.h"

#include <gtest/gtest.h>

#include <atomic>

#include "cluster/api_server_for_test.h"
#include "cluster/heard_for_test.h"
#include "sys/file.h"

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
  void SetUp() override {
    folder_ = *sys::make_temporary_directory(testing::TempDir(), "statuses-");
    store_ = *store::Store::open(folder_ + "/objects.db", clock_);
  }
  void TearDown() override {
    stop_.request_stop();
    status_.reset();
    store_.reset();
    (void)sys::remove_tree(folder_);
  }
  void start(std::int64_t pause_ms) {
    status_ = SharedStatus::start(*store_, api_, clock_, random_,
                                  {.spread_ms = 10,
                                   .pause_ms = pause_ms,
                                   .log = [this](const std::string& line) { heard_.note(line); }});
  }
  bool answer(const Request& request, Connection& connection) {
    heard_.note(request.line.substr(0, request.line.find(" HTTP")) + " " + request.body);
    return connection.write(ApiServerForTest::with_body(answered_, R"({"kind":"Status"})"));
  }

  HeardForTest heard_;
  std::atomic<int> answered_ = 200;
  std::string folder_;
  sys::SystemClock clock_;
  sys::SeededRandom random_{1};
  std::stop_source stop_;
  ApiServerForTest server_{[this](const Request& request, Connection& connection) {
    return answer(request, connection);
  }};
  CurrentAccess access_{server_.access()};
  ApiClient api_{access_, clock_, random_, stop_.get_token()};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<SharedStatus> status_;
};

TEST_F(SharedStatusTest, IsWrittenWhereItIsAnotherAndNotAtOnceAgain) {
  constexpr std::int64_t kHourMs = 3'600'000;
  start(kHourMs);
  status_->see(ingress("same"), std::nullopt);
  status_->see(ingress("web"), says("here"));
  ASSERT_TRUE(
      heard_.wait_for({"PATCH", "/v1/namespaces/shop/ingresses/web/status", says("here").dump()}));
  status_->see(ingress("web"), says("elsewhere"));
  status_->see(ingress("other"), says("here"));
  ASSERT_TRUE(heard_.wait_for({"PATCH", "/other/status"}));
  EXPECT_EQ(heard_.count({"/web/status"}), 1U);
  EXPECT_EQ(heard_.count({"/same/status"}), 0U);
}

TEST_F(SharedStatusTest, WithoutTheRightTheLogSaysSoOnceAndItIsTriedAgain) {
  answered_ = 403;
  start(20);
  status_->see(ingress("web"), says("here"));
  status_->see(ingress("other"), says("here"));
  EXPECT_TRUE(heard_.wait_for({"PATCH", "/web/"}, 2));
  EXPECT_TRUE(heard_.wait_for({"PATCH", "/other/"}, 2));
  EXPECT_EQ(heard_.count({"ingresses", "route-rights.yaml"}), 1U);
}

// The watch brings what it is now.
TEST_F(SharedStatusTest, AfterAConflictTheNextOneNeedNotWait) {
  constexpr std::int64_t kHourMs = 3'600'000;
  answered_ = 409;
  start(kHourMs);
  status_->see(ingress("web"), says("here"));
  ASSERT_TRUE(heard_.wait_for({"PATCH", "here"}));
  status_->see(ingress("other"), says("here"));
  ASSERT_TRUE(heard_.wait_for({"PATCH", "/other/"}));  // the answer about the first one has come
  answered_ = 200;
  status_->see(ingress("web"), says("there"));
  EXPECT_TRUE(heard_.wait_for({"PATCH", "/web/", "there"}));
}

TEST_F(SharedStatusTest, AServerThatFailsIsAskedAgain) {
  answered_ = 500;
  start(20);
  status_->see(ingress("web"), says("here"));
  EXPECT_TRUE(heard_.wait_for({"PATCH"}, 2));
}

}  // namespace
}  // namespace duet::cluster
