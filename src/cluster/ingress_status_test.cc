#include "cluster/ingress_status.h"

#include <gtest/gtest.h>

#include <atomic>

#include "cluster/api_server_for_test.h"
#include "cluster/heard_for_test.h"
#include "sys/file.h"

namespace duet::cluster {
namespace {

using Request = ApiServerForTest::Request;
using Connection = ApiServerForTest::Connection;

Json ingress(const std::string& name, const Json& answered = Json::array()) {
  return {{"metadata", {{"name", name}, {"namespace", "shop"}}},
          {"status", {{"loadBalancer", {{"ingress", answered}}}}}};
}

TEST(IngressStatusPatch, SaysWhereTheIngressIsAnswered) {
  const auto by_ip = ingress_status_patch(ingress("web"), "192.0.2.7");
  ASSERT_TRUE(by_ip);
  EXPECT_EQ(by_ip->dump(), R"({"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.7"}]}}})");
  const auto by_name = ingress_status_patch({{"metadata", Json::object()}}, "shop.example");
  ASSERT_TRUE(by_name);
  EXPECT_EQ(by_name->dump(),
            R"({"status":{"loadBalancer":{"ingress":[{"hostname":"shop.example"}]}}})");
  EXPECT_FALSE(ingress_status_patch(ingress("web", {{{"ip", "192.0.2.7"}}}), "192.0.2.7"));
  EXPECT_TRUE(ingress_status_patch(ingress("web", {{{"ip", "192.0.2.8"}}}), "192.0.2.7"));
}

class IngressStatusTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *sys::make_temporary_directory(testing::TempDir(), "ingresses-");
    store_ = *store::Store::open(folder_ + "/objects.db", clock_);
  }
  void TearDown() override {
    stop_.request_stop();
    status_.reset();
    store_.reset();
    (void)sys::remove_tree(folder_);
  }
  void start(std::int64_t pause_ms) {
    status_ = IngressStatus::start(*store_, api_, clock_, random_,
                                   {.address = "192.0.2.7",
                                    .spread_ms = 10,
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
  std::unique_ptr<IngressStatus> status_;
};

TEST_F(IngressStatusTest, IsWrittenWhereItIsAnotherAndNotAtOnceAgain) {
  constexpr std::int64_t kHourMs = 3'600'000;
  start(kHourMs);
  status_->see(ingress("same", {{{"ip", "192.0.2.7"}}}));
  status_->see(ingress("web"));
  ASSERT_TRUE(heard_.wait_for({"PATCH", "/namespaces/shop/ingresses/web/status", "192.0.2.7"}));
  status_->see(ingress("web", {{{"ip", "192.0.2.8"}}}));
  status_->see(ingress("other"));
  ASSERT_TRUE(heard_.wait_for({"PATCH", "/other/status"}));
  EXPECT_EQ(heard_.count({"/web/status"}), 1U);
  EXPECT_EQ(heard_.count({"/same/status"}), 0U);
}

TEST_F(IngressStatusTest, WithoutTheRightTheLogSaysSoAndItIsTriedAgain) {
  answered_ = 403;
  start(20);
  status_->see(ingress("web"));
  EXPECT_TRUE(heard_.wait_for({"PATCH"}, 2));
  EXPECT_TRUE(heard_.wait_for({"route-rights.yaml"}));
}

TEST_F(IngressStatusTest, AServerThatFailsIsAskedAgain) {
  answered_ = 500;
  start(20);
  status_->see(ingress("web"));
  EXPECT_TRUE(heard_.wait_for({"PATCH"}, 2));
}

}  // namespace
}  // namespace duet::cluster
