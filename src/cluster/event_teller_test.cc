#include "cluster/event_teller.h"

#include <gtest/gtest.h>

#include <atomic>

#include "cluster/api_server_for_test.h"
#include "cluster/heard_for_test.h"
#include "cluster/pod_mirror.h"
#include "sys/file.h"

namespace duet::cluster {
namespace {

using Request = ApiServerForTest::Request;
using Connection = ApiServerForTest::Connection;

class EventTellerTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *sys::make_temporary_directory(testing::TempDir(), "events-");
    store_ = *store::Store::open(folder_ + "/objects.db", clock_);
    const Json pod = {{"metadata", {{"name", "web"}, {"namespace", "default"}, {"uid", "u-1"}}},
                      {"spec", {{"nodeName", "edge"}, {"containers", Json::array()}}}};
    ASSERT_TRUE(store_->create(stored_pod(*read_cluster_pod(pod), nullptr, {})).ok());
    Json other = pod;
    other["metadata"]["name"] = "hello";
    other["metadata"]["uid"] = "u-2";
    other["spec"]["nodeName"] = "edge-wasm";
    ASSERT_TRUE(store_->create(stored_pod(*read_cluster_pod(other), nullptr, {})).ok());
    ASSERT_TRUE(store_
                    ->create({{object::Kind::kPod, "default", "own"},
                              "",
                              0,
                              R"({"metadata":{"name":"own"},"spec":{}})"})
                    .ok());
  }
  void TearDown() override {
    stop_.request_stop();
    teller_.reset();
    store_.reset();
    (void)sys::remove_tree(folder_);
  }
  void start(EventTeller::Options options) {
    options.log = [](const std::string&) {};
    teller_ = EventTeller::start(*store_, api_, clock_, std::move(options));
    teller_->set_online(true);
  }
  void record(const std::string& pod, const std::string& uid, const std::string& reason) {
    ASSERT_TRUE(
        store_->record_event({object::Kind::kPod, "default", pod}, uid, "Warning", reason, "why")
            .ok());
  }
  bool answer(const Request& request, Connection& connection) {
    heard_.note(request.line.substr(0, request.line.find(" HTTP")) + " " + request.body);
    const bool again = taken_ && request.line.starts_with("POST");
    return connection.write(ApiServerForTest::with_body(
        again ? 409 : status_.load(), R"({"kind":"Status","reason":"AlreadyExists"})"));
  }
  bool hears(const std::string& part, std::size_t times = 1) {
    return heard_.wait_for({part}, times);
  }
  bool heard(const std::string& part) { return heard_.count({part}) > 0; }

  HeardForTest heard_;
  std::atomic<int> status_ = 201;
  std::atomic<bool> taken_ = false;  // every name of an Event is
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
  EXPECT_TRUE(heard_.wait_for(
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
  EXPECT_EQ(heard_.count({"POST"}), 2U);
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
  EXPECT_EQ(heard_.count({"POST"}), 3U);
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
  EXPECT_EQ(heard_.count({"Refused"}), 1U);
}

}  // namespace
}  // namespace duet::cluster
