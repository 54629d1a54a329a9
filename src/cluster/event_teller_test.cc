#include "cluster/event_teller.h"

#include <gtest/gtest.h>

#include <atomic>

#include "cluster/pod_mirror.h"
#include "cluster/store_and_server_for_test.h"

namespace duet::cluster {
namespace {

using Request = ApiServerForTest::Request;
using Connection = ApiServerForTest::Connection;

class EventTellerTest : public testing::Test {
 protected:
  void SetUp() override {
    const Json pod = {{"metadata", {{"name", "web"}, {"namespace", "default"}, {"uid", "u-1"}}},
                      {"spec", {{"nodeName", "edge"}, {"containers", Json::array()}}}};
    ASSERT_TRUE(sides_.store->create(stored_pod(*read_cluster_pod(pod), nullptr, {})).ok());
    Json other = pod;
    other["metadata"]["name"] = "hello";
    other["metadata"]["uid"] = "u-2";
    other["spec"]["nodeName"] = "edge-wasm";
    ASSERT_TRUE(sides_.store->create(stored_pod(*read_cluster_pod(other), nullptr, {})).ok());
    ASSERT_TRUE(sides_.store
                    ->create({{object::Kind::kPod, "default", "own"},
                              "",
                              0,
                              R"({"metadata":{"name":"own"},"spec":{}})"})
                    .ok());
  }
  void TearDown() override {
    sides_.stop.request_stop();
    teller_.reset();
  }
  void start(EventTeller::Options options) {
    options.log = [](const std::string&) {};
    teller_ = EventTeller::start(*sides_.store, api_, sides_.clock, std::move(options));
    teller_->set_online(true);
  }
  void record(const std::string& pod, const std::string& uid, const std::string& reason) {
    ASSERT_TRUE(
        sides_.store
            ->record_event({object::Kind::kPod, "default", pod}, uid, "Warning", reason, "why")
            .ok());
  }
  bool answer(const Request& request, Connection& connection) {
    const bool again = taken_ && request.line.starts_with("POST");
    return connection.write(ApiServerForTest::with_body(
        again ? 409 : status_.load(), R"({"kind":"Status","reason":"AlreadyExists"})"));
  }
  bool hears(const std::string& part, std::size_t times = 1) {
    return sides_.heard.wait_for({part}, times);
  }
  bool heard(const std::string& part) { return sides_.heard.count({part}) > 0; }

  std::atomic<int> status_ = 201;
  std::atomic<bool> taken_ = false;  // every name of an Event is
  StoreAndServerForTest sides_{[this](const Request& request, Connection& connection) {
    return answer(request, connection);
  }};
  ApiClient api_{sides_.access, sides_.clock, sides_.random, sides_.stop.get_token()};
  std::unique_ptr<EventTeller> teller_;
};

TEST_F(EventTellerTest, TellsWhatHappenedToPodsOfTheClusterAlone) {
  start({});
  record("own", "", "Mine");
  record("web", "u-0", "Another");
  record("web", "u-1", "BackOff");
  ASSERT_TRUE(hears(R"("reason":"BackOff")"));
  EXPECT_TRUE(heard("POST /api/v1/namespaces/default/events "));
  EXPECT_TRUE(heard(R"("host":"edge")"));
  EXPECT_FALSE(heard("resourceVersion"));
  record("web", "u-1", "BackOff");
  EXPECT_TRUE(hears(R"("count":2)"));
  EXPECT_TRUE(heard("PATCH /api/v1/namespaces/default/events/"));
  EXPECT_FALSE(heard("Mine"));
  EXPECT_FALSE(heard("Another"));
}

TEST_F(EventTellerTest, EachIsToldAsOfItsPodsNode) {
  start({});
  record("hello", "u-2", "Started");
  EXPECT_TRUE(sides_.heard.wait_for(
      {R"("reason":"Started")", R"("host":"edge-wasm")", R"("reportingInstance":"edge-wasm")"}));
}

TEST_F(EventTellerTest, WhatAnAgentBeforeToldIsCountedOn) {
  taken_ = true;
  start({});
  record("web", "u-1", "BackOff");
  EXPECT_TRUE(hears("POST"));
  EXPECT_TRUE(hears("PATCH"));
}

TEST_F(EventTellerTest, WithoutALineNothingIsSentAndAfterwardsAll) {
  start({});
  teller_->set_online(false);
  record("web", "u-1", "Cut");
  record("web", "u-1", "CutAgain");
  teller_->set_online(true);
  EXPECT_TRUE(hears(R"("reason":"Cut")"));
  EXPECT_TRUE(hears(R"("reason":"CutAgain")"));
}

TEST_F(EventTellerTest, ManyGoOneAfterTheOther) {
  start({.burst = 2, .refill_ms = 3'600'000});
  for (const char* reason : {"A", "B", "C", "D", "E"}) {
    record("web", "u-1", reason);
  }
  ASSERT_TRUE(hears("POST", 2));
  teller_.reset();
  EXPECT_EQ(sides_.heard.count({"POST"}), 2U);
}

TEST_F(EventTellerTest, APodThatTalksTooMuchWaitsAndOthersDoNot) {
  start({.pod_burst = 2, .pod_refill_ms = 3'600'000, .pod_limit = 2});
  for (const char* reason : {"A", "B", "C", "D"}) {
    record("web", "u-1", reason);
  }
  ASSERT_TRUE(hears("POST", 2));
  record("hello", "u-2", "Mine");
  ASSERT_TRUE(hears("Mine"));
  teller_.reset();
  EXPECT_EQ(sides_.heard.count({"POST"}), 3U);
}

TEST_F(EventTellerTest, WhatFailsIsSentAgainAndWhatIsRefusedIsNot) {
  status_ = 500;
  start({.retry_ms = 1});
  record("web", "u-1", "Lost");
  ASSERT_TRUE(hears("Lost", 2));
  status_ = 403;
  record("web", "u-1", "Refused");
  ASSERT_TRUE(hears("Refused"));
  status_ = 201;
  record("web", "u-1", "Last");
  ASSERT_TRUE(hears("Last"));
  EXPECT_EQ(sides_.heard.count({"Refused"}), 1U);
}

}  // namespace
}  // namespace duet::cluster
