#include "cluster/pod_source.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "cluster/store_and_server_for_test.h"

namespace duet::cluster {
namespace {

using Request = ApiServerForTest::Request;
using Connection = ApiServerForTest::Connection;

Json cluster_pod(const std::string& name, const std::string& uid) {
  return {{"metadata", {{"name", name}, {"namespace", "default"}, {"uid", uid}}},
          {"spec", {{"containers", {{{"name", "main"}, {"image", "a:1"}}}}}},
          {"status", {{"phase", "Pending"}}}};
}

Json bound_pod(const std::string& name, const std::string& uid, const std::string& node) {
  Json pod = cluster_pod(name, uid);
  pod["spec"]["nodeName"] = node;
  return pod;
}

class PodSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    needed_ = std::make_unique<NeededObjects>(*sides_.store, std::set<std::string>{"edge"});
    start();
  }
  void start(int request_limit = PodSource::kRequestLimit) {
    source_.reset();
    source_ =
        PodSource::start(*sides_.store, *needed_, api_, sides_.access, sides_.clock, sides_.random,
                         {.node_name = "edge",
                          .other_node = "edge-wasm",
                          .request_limit = request_limit,
                          .log = [this](const std::string& line) { log(line); }});
  }
  void TearDown() override {
    sides_.stop.request_stop();
    source_.reset();
  }

  bool answer(const Request& request, Connection& connection) {
    if (request.line.find("watch=1") != std::string::npos) {
      return connection.write(ApiServerForTest::watch_head() + watched(request));
    }
    if (request.line.find("/configmaps?") != std::string::npos) {
      return connection.write(ApiServerForTest::with_body(200, listed(request)));
    }
    if (request.line.find("/serviceaccounts/") != std::string::npos) {
      return connection.write(ApiServerForTest::with_body(
          201, R"({"spec":{"expirationSeconds":3600},"status":{"token":"a.b.c"}})"));
    }
    if (request.line.starts_with("PATCH")) {
      meet();
    }
    return connection.write(ApiServerForTest::with_body(200, "{}"));
  }
  // Nobody's status is answered before those of `meeting_` pods have come.
  void meet() {
    constexpr std::chrono::seconds kPatience{60};
    std::unique_lock lock(meeting_mutex_);
    ++met_;
    meeting_changed_.notify_all();
    if (!meeting_changed_.wait_for(lock, kPatience, [this] { return met_ >= meeting_; })) {
      alone_ = true;
    }
  }
  static bool asks_for(const Request& request, const std::string& name) {
    return request.line.find("metadata.name%3D" + name + "&") != std::string::npos;
  }
  // The ConfigMap "settings" is there and another by its watch, "later" is not there.
  static std::string listed(const Request& request) {
    const std::string settings =
        R"({"metadata":{"name":"settings","namespace":"default"},"data":{"a":"old"}})";
    return R"({"metadata":{"resourceVersion":"3"},"items":[)" +
           (asks_for(request, "settings") ? settings : "") + "]}";
  }
  static std::string watched(const Request& request) {
    return !asks_for(request, "settings")
               ? ""
               : ApiServerForTest::chunk(
                     R"({"type":"MODIFIED","object":{"metadata":{"name":"settings","namespace":"default",)"
                     R"("resourceVersion":"4"},"data":{"a":"new"}}})"
                     "\n");
  }
  void log(const std::string& line) { sides_.heard.note("log " + line); }
  // Waits until a request or a line of the log has all `parts`.
  bool hears(const std::vector<std::string>& parts) { return sides_.heard.wait_for(parts); }
  bool heard(const std::string& part) { return sides_.heard.count({part}) > 0; }
  static object::ObjectKey key(const std::string& name) {
    return {object::Kind::kPod, "default", name};
  }
  // Waits until `holds`, looking with every change of a pod.
  bool comes(const std::function<bool()>& holds) {
    const auto watch =
        sides_.store->watch({object::Kind::kPod, object::Kind::kConfigMap, object::Kind::kSecret});
    for (int i = 0; i < 100 && !holds(); ++i) {
      const auto event = (*watch)->next(60'000);
      if (!event.ok() || !event->has_value()) {
        return holds();
      }
    }
    return holds();
  }
  // A pod that is here already.
  void keep(const Json& pod) {
    ASSERT_TRUE(sides_.store->create(stored_pod(*read_cluster_pod(pod), nullptr, {})).ok());
  }
  bool has(const std::string& name, const std::string& uid = "") {
    const auto pod = sides_.store->get(key(name));
    return pod.ok() && (uid.empty() || pod->uid == uid);
  }
  Json metadata(const std::string& name) {
    return Json::parse(sides_.store->get(key(name))->json)["metadata"];
  }

  StoreAndServerForTest sides_{[this](const Request& request, Connection& connection) {
    return answer(request, connection);
  }};
  ApiClientPool api_{sides_.access, sides_.clock, sides_.random, sides_.stop.get_token(),
                     PodSource::kRequestLimit};
  std::mutex meeting_mutex_;
  std::condition_variable meeting_changed_;
  int meeting_ = 0;
  int met_ = 0;
  std::atomic<bool> alone_ = false;
  std::unique_ptr<NeededObjects> needed_;
  std::unique_ptr<PodSource> source_;
};

TEST_F(PodSourceTest, BringsPodsAndTellsTheirStatus) {
  source_->replace({cluster_pod("web", "u-1")});
  ASSERT_TRUE(comes([&] { return has("web", "u-1"); }));
  ASSERT_TRUE(sides_.store->update_status(key("web"), "u-1", R"({"phase":"Running"})").ok());
  EXPECT_TRUE(hears({"PATCH /api/v1/namespaces/default/pods/web/status", R"("uid":"u-1")",
                     R"("phase":"Running")"}));
}

TEST_F(PodSourceTest, APodThatIsDeletedEndsHereFirst) {
  source_->replace({cluster_pod("web", "u-1")});
  ASSERT_TRUE(comes([&] { return has("web"); }));
  Json deleting = cluster_pod("web", "u-1");
  deleting["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  deleting["metadata"]["deletionGracePeriodSeconds"] = 7;
  source_->change(ApiWatch::Type::kModified, deleting);
  ASSERT_TRUE(comes([&] { return metadata("web").contains("deletionTimestamp"); }));
  EXPECT_EQ(metadata("web")["deletionGracePeriodSeconds"], 7);
  EXPECT_FALSE(heard("DELETE"));
  ASSERT_TRUE(sides_.store->finish_delete(key("web"), "u-1").ok());
  EXPECT_TRUE(hears({"DELETE /api/v1/namespaces/default/pods/web", R"("gracePeriodSeconds":0)",
                     R"("uid":"u-1")"}));
  // Before it goes it changes once more; that is no reason to ask again.
  source_->change(ApiWatch::Type::kModified, deleting);
  source_->change(ApiWatch::Type::kAdded, cluster_pod("next", "u-2"));
  ASSERT_TRUE(comes([&] { return has("next"); }));
  source_.reset();
  EXPECT_EQ(sides_.heard.count({"DELETE"}), 1U);
}

TEST_F(PodSourceTest, APodThatTheClusterHasNoMoreIsStoppedWithItsGrace) {
  source_->replace({cluster_pod("web", "u-1"), cluster_pod("stays", "u-2")});
  ASSERT_TRUE(comes([&] { return has("web") && has("stays"); }));
  source_->replace({cluster_pod("stays", "u-2")});
  ASSERT_TRUE(comes([&] { return metadata("web").contains("deletionTimestamp"); }));
  EXPECT_EQ(metadata("web")["deletionGracePeriodSeconds"], 30);
  EXPECT_FALSE(metadata("stays").contains("deletionTimestamp"));
}

TEST_F(PodSourceTest, AnotherPodOfTheNameComesWhenTheFirstIsGone) {
  source_->replace({cluster_pod("web", "u-1")});
  ASSERT_TRUE(comes([&] { return has("web", "u-1"); }));
  source_->replace({cluster_pod("web", "u-2")});
  ASSERT_TRUE(comes([&] { return metadata("web").contains("deletionTimestamp"); }));
  ASSERT_TRUE(sides_.store->finish_delete(key("web"), "u-1").ok());
  EXPECT_TRUE(comes([&] { return has("web", "u-2"); }));
}

TEST_F(PodSourceTest, PodsOfTheMachinesOtherNodeAreLeftAlone) {
  keep(bound_pod("theirs", "u-1", "edge-wasm"));
  source_->replace({bound_pod("web", "u-2", "edge")});
  ASSERT_TRUE(sides_.store->update_status(key("theirs"), "u-1", R"({"phase":"Running"})").ok());
  ASSERT_TRUE(comes([&] { return has("web"); }));
  ASSERT_TRUE(sides_.store->update_status(key("web"), "u-2", R"({"phase":"Running"})").ok());
  ASSERT_TRUE(hears({"PATCH /api/v1/namespaces/default/pods/web/status"}));
  source_->replace({bound_pod("last", "u-3", "edge")});
  ASSERT_TRUE(comes([&] { return has("last"); }));
  EXPECT_FALSE(metadata("theirs").contains("deletionTimestamp"));
  EXPECT_FALSE(heard("pods/theirs"));
}

TEST_F(PodSourceTest, PodsOfANodeThatThisMachineIsNoMoreGo) {
  keep(bound_pod("left", "u-1", "edge-before"));
  source_->replace({});
  EXPECT_TRUE(comes([&] { return metadata("left").contains("deletionTimestamp"); }));
}

TEST_F(PodSourceTest, APodThatLeavesTheOtherNodeIsGoneFirst) {
  keep(bound_pod("web", "u-1", "edge-wasm"));
  source_->replace({bound_pod("web", "u-2", "edge"), bound_pod("zeta", "u-3", "edge")});
  ASSERT_TRUE(comes([&] { return has("zeta"); }));  // by its name after web
  EXPECT_TRUE(has("web", "u-1"));
  EXPECT_FALSE(metadata("web").contains("deletionTimestamp"));
  ASSERT_TRUE(sides_.store->remove(key("web"), {.grace_period_seconds = 0, .uid = "u-1"}).ok());
  EXPECT_TRUE(comes([&] { return has("web", "u-2"); }));
}

TEST_F(PodSourceTest, WhatIsOverDoesNotRunAgain) {
  Json over = cluster_pod("over", "u-1");
  over["status"]["phase"] = "Succeeded";
  source_->replace({over, cluster_pod("web", "u-2")});
  ASSERT_TRUE(comes([&] { return has("web"); }));
  EXPECT_FALSE(has("over"));
}

TEST_F(PodSourceTest, PodsOfTheSiteItselfAreLeftAlone) {
  const object::Object own{key("own"), "", 0, R"({"metadata":{"name":"own"},"spec":{}})"};
  ASSERT_TRUE(sides_.store->create(own).ok());
  source_->replace({cluster_pod("own", "u-1"), cluster_pod("web", "u-2")});
  EXPECT_TRUE(hears({"log cluster: pod default/own is not started"}));
  ASSERT_TRUE(comes([&] { return has("web"); }));
  EXPECT_FALSE(metadata("own").contains("deletionTimestamp"));
}

TEST_F(PodSourceTest, WhatAPodNamesIsFetchedAndGoesWithIt) {
  Json pod = cluster_pod("web", "u-1");
  pod["spec"]["volumes"] = {{{"name", "a"}, {"configMap", {{"name", "settings"}}}},
                            {{"name", "b"}, {"configMap", {{"name", "later"}}}}};
  source_->replace({pod});
  const object::ObjectKey settings{object::Kind::kConfigMap, "default", "settings"};
  ASSERT_TRUE(comes([&] { return has("web") && sides_.store->get(settings).ok(); }));
  source_->change(ApiWatch::Type::kDeleted, pod);
  ASSERT_TRUE(comes([&] { return metadata("web").contains("deletionTimestamp"); }));
  ASSERT_TRUE(sides_.store->finish_delete(key("web"), "u-1").ok());
  EXPECT_TRUE(comes([&] { return !sides_.store->get(settings).ok(); }));
}

TEST_F(PodSourceTest, WhatAPodNamesFollowsTheCluster) {
  Json pod = cluster_pod("web", "u-1");
  pod["spec"]["volumes"] = {{{"name", "a"}, {"configMap", {{"name", "settings"}}}}};
  source_->replace({pod});
  const object::ObjectKey settings{object::Kind::kConfigMap, "default", "settings"};
  EXPECT_TRUE(comes([&] {
    const auto stored = sides_.store->get(settings);
    return stored.ok() && stored->json.find("new") != std::string::npos;
  }));
}

TEST_F(PodSourceTest, APodStartsWithItsToken) {
  Json pod = cluster_pod("web", "u-1");
  pod["spec"]["volumes"] = Json::parse(R"([{"name": "kube-api-access-x", "projected": {"sources": [
      {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}]}}])");
  source_->replace({pod});
  ASSERT_TRUE(comes([&] { return has("web"); }));
  EXPECT_TRUE(hears({"POST /api/v1/namespaces/default/serviceaccounts/default/token",
                     R"("uid":"u-1")", R"("expirationSeconds":3607)"}));
  const auto secrets = sides_.store->list(object::Kind::kSecret, "default");
  ASSERT_EQ(secrets->objects.size(), 1U);
  EXPECT_NE(secrets->objects[0].json.find("YS5iLmM="), std::string::npos);
  EXPECT_NE(sides_.store->get(key("web"))->json.find(secrets->objects[0].key.name),
            std::string::npos);
  // It goes with the pod.
  source_->change(ApiWatch::Type::kDeleted, pod);
  ASSERT_TRUE(comes([&] { return metadata("web").contains("deletionTimestamp"); }));
  ASSERT_TRUE(sides_.store->finish_delete(key("web"), "u-1").ok());
  EXPECT_TRUE(comes([&] { return sides_.store->list(object::Kind::kSecret)->objects.empty(); }));
}

TEST_F(PodSourceTest, SeveralPodsAreToldOfAtATime) {
  meeting_ = 3;
  source_->replace({cluster_pod("a", "u-a"), cluster_pod("b", "u-b"), cluster_pod("c", "u-c")});
  for (const std::string name : {"a", "b", "c"}) {
    ASSERT_TRUE(comes([&] { return has(name); }));
    ASSERT_TRUE(sides_.store->update_status(key(name), "u-" + name, R"({"phase":"Running"})").ok());
  }
  for (const std::string name : {"a", "b", "c"}) {
    EXPECT_TRUE(hears({"PATCH /api/v1/namespaces/default/pods/" + name + "/status"}));
  }
  EXPECT_FALSE(alone_);
}

TEST_F(PodSourceTest, OfOnePodNothingIsToldBeforeWhatWasBefore) {
  source_->replace({cluster_pod("web", "u-1")});
  ASSERT_TRUE(comes([&] { return has("web"); }));
  constexpr int kTimes = 50;
  for (int i = 1; i <= kTimes; ++i) {
    const Json status = {{"message", std::to_string(i)}};
    ASSERT_TRUE(sides_.store->update_status(key("web"), "u-1", status.dump()).ok());
  }
  const std::string before = R"("message":")";
  ASSERT_TRUE(hears({"PATCH", before + std::to_string(kTimes) + "\""}));
  int last = 0;
  for (const std::string& text : sides_.heard.all({"PATCH"})) {
    const int told = std::stoi(text.substr(text.find(before) + before.size()));
    EXPECT_GE(told, last);
    last = told;
  }
  EXPECT_EQ(last, kTimes);
}

TEST_F(PodSourceTest, WhatWasToldIsNotToldAgainUnlessTheServerSaysOtherwise) {
  start(1);
  const Json pending = cluster_pod("web", "u-1");
  source_->replace({pending});
  ASSERT_TRUE(comes([&] { return has("web"); }));
  const auto tell = [&](const char* status) {
    ASSERT_TRUE(sides_.store->update_status(key("web"), "u-1", status).ok());
  };
  tell(R"({"phase":"Running"})");
  ASSERT_TRUE(hears({"PATCH", R"("phase":"Running")"}));
  source_->set_online(true);  // looks at it again
  tell(R"({"phase":"Running","message":"more"})");
  ASSERT_TRUE(hears({"PATCH", "more"}));
  EXPECT_EQ(sides_.heard.count({"PATCH"}), 2U);
  source_->change(ApiWatch::Type::kModified, pending);
  EXPECT_TRUE(sides_.heard.wait_for({"PATCH", "more"}, 2));
}

TEST_F(PodSourceTest, WithoutALineNothingIsSentAndAfterwardsAll) {
  start(1);
  source_->replace({cluster_pod("web", "u-1")});
  ASSERT_TRUE(comes([&] { return has("web"); }));
  source_->set_online(false);
  ASSERT_TRUE(sides_.store->update_status(key("web"), "u-1", R"({"phase":"Running"})").ok());
  source_->change(ApiWatch::Type::kAdded, cluster_pod("other", "u-2"));
  ASSERT_TRUE(comes([&] { return has("other"); }));  // one thread: web was looked at before
  EXPECT_FALSE(heard("PATCH"));
  source_->set_online(true);
  EXPECT_TRUE(hears({"PATCH", R"("phase":"Running")"}));
}

}  // namespace
}  // namespace duet::cluster
