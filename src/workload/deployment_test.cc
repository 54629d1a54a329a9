#include "workload/deployment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "sys/file.h"
#include "workload/deployment_reconciler.h"
#include "workload/pod_template.h"

namespace duet::workload {
namespace {

using Json = nlohmann::json;
using object::Kind;
using object::Object;
using testing::HasSubstr;

const std::string kKey = "default/web";
const object::ObjectKey kDeployment{Kind::kDeployment, "default", "web"};

Json web(int replicas, const std::string& image) {
  return {{"metadata", {{"name", "web"}}},
          {"spec",
           {{"replicas", replicas},
            {"selector", {{"matchLabels", {{"app", "web"}}}}},
            {"template",
             {{"metadata", {{"labels", {{"app", "web"}}}, {"annotations", {{"note", "x"}}}}},
              {"spec", {{"containers", Json::array({{{"name", "c"}, {"image", image}}})}}}}}}}};
}

class DeploymentTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = sys::make_temporary_directory("/tmp", "duet-deployment-").value();
    store_ = store::Store::open(root_ + "/state.db", clock_).value();
    reconciler_ = std::make_unique<DeploymentReconciler>(*store_, clock_, random_);
  }
  void TearDown() override {
    store_.reset();
    EXPECT_TRUE(sys::remove_tree(root_).ok());
  }

  void apply(const Json& json) {
    const auto applied = store_->apply({kDeployment, "", 0, json.dump()});
    ASSERT_TRUE(applied.ok()) << applied.error().message();
  }
  // One turn of the controller.
  std::optional<int64_t> turn() {
    const auto next = reconciler_->reconcile(kKey);
    EXPECT_TRUE(next.ok()) << next.error().message();
    return next.ok() ? next->after_ms : std::nullopt;
  }
  // What the pod room does: marked pods end, the others become ready.
  void run_pods() {
    for (const Object& pod : pods()) {
      if (Json::parse(pod.json)["metadata"].contains("deletionTimestamp")) {
        EXPECT_TRUE(store_->finish_delete(pod.key, pod.uid).ok());
      } else {
        set_ready(pod, true);
      }
    }
  }
  void set_ready(const Object& pod, bool ready) {
    Json condition = {{"type", "Ready"},
                      {"status", ready ? "True" : "False"},
                      {"lastTransitionTime", sys::format_rfc3339(clock_.now())}};
    const Json status = Json::parse(pod.json).value("status", Json::object());
    if (status.contains("conditions") && status["conditions"][0]["status"] == condition["status"]) {
      return;
    }
    const Json after = {{"phase", "Running"}, {"conditions", Json::array({condition})}};
    EXPECT_TRUE(store_->update_status(pod.key, pod.uid, after.dump()).ok());
  }
  void settle() {
    for (int i = 0; i < 20; ++i) {
      turn();
      run_pods();
    }
    turn();
  }
  std::vector<Object> pods() { return store_->list(Kind::kPod).value().objects; }
  std::set<std::string> images() {
    std::set<std::string> images;
    for (const Object& pod : pods()) {
      images.insert(Json::parse(pod.json)["spec"]["containers"][0]["image"]);
    }
    return images;
  }
  Json status() { return Json::parse(store_->get(kDeployment).value().json)["status"]; }
  Json condition(const std::string& type) {
    const Json now = status();
    for (const Json& condition : now["conditions"]) {
      if (condition["type"] == type) {
        return condition;
      }
    }
    return {};
  }
  std::set<std::string> event_reasons() {
    std::set<std::string> reasons;
    const auto events = store_->list(Kind::kEvent).value();
    for (const Object& event : events.objects) {
      reasons.insert(Json::parse(event.json)["reason"]);
    }
    return reasons;
  }

  std::string root_;
  sys::ManualClock clock_{sys::WallTime(std::chrono::seconds(1'800'000'000))};
  sys::SeededRandom random_{1};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<DeploymentReconciler> reconciler_;
};

TEST_F(DeploymentTest, PodsCarryTemplateNameAndOwner) {
  apply(web(2, "a"));
  turn();
  ASSERT_EQ(pods().size(), 2u);
  const Json pod = Json::parse(pods()[0].json);
  const std::string hash = pod["metadata"]["labels"]["pod-template-hash"];
  EXPECT_THAT(pod["metadata"]["name"].get<std::string>(),
              testing::MatchesRegex("web-" + hash + "-[a-z0-9]{5}"));
  EXPECT_EQ(pod["metadata"]["labels"]["app"], "web");
  EXPECT_EQ(pod["metadata"]["annotations"]["note"], "x");
  const Json owner = pod["metadata"]["ownerReferences"][0];
  EXPECT_EQ(owner["kind"], "Deployment");
  EXPECT_EQ(owner["uid"], store_->get(kDeployment)->uid);
  EXPECT_EQ(owner["controller"], true);
  EXPECT_EQ(pod["spec"]["containers"][0]["image"], "a");
  EXPECT_THAT(event_reasons(), testing::IsSupersetOf({"ScalingReplicaSet", "SuccessfulCreate"}));
}

TEST_F(DeploymentTest, StatusFollowsThePods) {
  apply(web(2, "a"));
  turn();
  turn();
  EXPECT_EQ(status()["replicas"], 2);
  EXPECT_EQ(status()["readyReplicas"], 0);
  EXPECT_EQ(status()["unavailableReplicas"], 2);
  EXPECT_EQ(condition("Available")["status"], "False");
  EXPECT_EQ(condition("Progressing")["status"], "True");
  run_pods();
  turn();
  EXPECT_EQ(status()["readyReplicas"], 2);
  EXPECT_EQ(status()["availableReplicas"], 2);
  EXPECT_EQ(status()["updatedReplicas"], 2);
  EXPECT_EQ(status()["observedGeneration"], 1);
  EXPECT_EQ(condition("Available")["status"], "True");
  EXPECT_EQ(condition("Progressing")["reason"], "NewReplicaSetAvailable");
  const int64_t version = store_->get(kDeployment)->resource_version;
  turn();
  EXPECT_EQ(store_->get(kDeployment)->resource_version, version);
}

TEST_F(DeploymentTest, ScalesUpAndDown) {
  apply(web(1, "a"));
  settle();
  apply(web(4, "a"));
  settle();
  EXPECT_EQ(pods().size(), 4u);
  apply(web(2, "a"));
  settle();
  EXPECT_EQ(pods().size(), 2u);
  apply(web(0, "a"));
  settle();
  EXPECT_EQ(pods().size(), 0u);
  apply(web(120, "a"));
  settle();
  EXPECT_EQ(pods().size(), 120u);
}

TEST_F(DeploymentTest, ANewTemplateRollsOutWithoutAGap) {
  apply(web(3, "a"));
  settle();
  apply(web(3, "b"));
  for (int i = 0; i < 20; ++i) {
    turn();
    EXPECT_GE(status()["availableReplicas"], 3);
    EXPECT_LE(status()["replicas"], 4);
    run_pods();
  }
  EXPECT_EQ(images(), std::set<std::string>{"b"});
  EXPECT_EQ(pods().size(), 3u);
  turn();
  EXPECT_EQ(status()["updatedReplicas"], 3);
  EXPECT_EQ(condition("Progressing")["reason"], "NewReplicaSetAvailable");
  // Only what the template says counts: the same in other words is the same.
  Json same = web(3, "b");
  same["metadata"]["labels"] = {{"x", "y"}};
  apply(same);
  turn();
  EXPECT_EQ(pods().size(), 3u);
}

TEST_F(DeploymentTest, ARolloutThatDoesNotMoveIsReported) {
  Json json = web(1, "a");
  json["spec"]["progressDeadlineSeconds"] = 60;
  apply(json);
  settle();
  json = web(1, "broken");
  json["spec"]["progressDeadlineSeconds"] = 60;
  apply(json);
  turn();
  EXPECT_EQ(turn(), 60'000);
  clock_.advance(std::chrono::seconds(59));
  EXPECT_EQ(turn(), 1'000);
  EXPECT_EQ(condition("Progressing")["status"], "True");
  clock_.advance(std::chrono::seconds(1));
  EXPECT_EQ(turn(), std::nullopt);
  EXPECT_EQ(condition("Progressing")["status"], "False");
  EXPECT_EQ(condition("Progressing")["reason"], "ProgressDeadlineExceeded");
  EXPECT_EQ(images(), (std::set<std::string>{"a", "broken"}));
  EXPECT_EQ(condition("Available")["status"], "True");
  json = web(1, "mended");
  json["spec"]["progressDeadlineSeconds"] = 60;
  apply(json);
  settle();
  EXPECT_EQ(images(), std::set<std::string>{"mended"});
  EXPECT_EQ(condition("Progressing")["reason"], "NewReplicaSetAvailable");
  // A pod that fails later is no rollout, and has no deadline.
  set_ready(pods()[0], false);
  EXPECT_EQ(turn(), std::nullopt);
  EXPECT_EQ(condition("Available")["status"], "False");
  EXPECT_EQ(condition("Progressing")["reason"], "NewReplicaSetAvailable");
}

TEST_F(DeploymentTest, PausedScalesWithTheOldTemplate) {
  apply(web(1, "a"));
  settle();
  Json json = web(3, "b");
  json["spec"]["paused"] = true;
  apply(json);
  settle();
  EXPECT_EQ(images(), std::set<std::string>{"a"});
  EXPECT_EQ(pods().size(), 3u);
  EXPECT_EQ(condition("Progressing")["reason"], "DeploymentPaused");
  apply(web(3, "b"));
  settle();
  EXPECT_EQ(images(), std::set<std::string>{"b"});
}

TEST_F(DeploymentTest, EndedPodsAreReplaced) {
  apply(web(1, "a"));
  settle();
  clock_.advance(std::chrono::minutes(1));
  const Object before = pods()[0];
  ASSERT_TRUE(store_->update_status(before.key, before.uid, R"({"phase":"Failed"})").ok());
  settle();
  ASSERT_EQ(pods().size(), 1u);
  EXPECT_NE(pods()[0].uid, before.uid);
}

TEST_F(DeploymentTest, PodsGoWithTheirDeployment) {
  apply(web(2, "a"));
  ASSERT_TRUE(store_
                  ->create({{Kind::kPod, "default", "mine"},
                            "",
                            0,
                            R"({"metadata":{"name":"mine","labels":{"app":"web"}}})"})
                  .ok());
  settle();
  EXPECT_EQ(pods().size(), 3u);
  ASSERT_TRUE(store_->remove(kDeployment).ok());
  settle();
  ASSERT_EQ(pods().size(), 1u);
  EXPECT_EQ(pods()[0].key.name, "mine");
  EXPECT_FALSE(Json::parse(pods()[0].json)["metadata"].contains("deletionTimestamp"));
}

TEST_F(DeploymentTest, PodsOfAnEarlierOneWithTheSameNameGo) {
  apply(web(1, "a"));
  settle();
  const std::string before = pods()[0].uid;
  ASSERT_TRUE(store_->remove(kDeployment).ok());
  apply(web(1, "a"));
  settle();
  ASSERT_EQ(pods().size(), 1u);
  EXPECT_NE(pods()[0].uid, before);
}

TEST_F(DeploymentTest, NonsenseIsToldAndChangesNothing) {
  apply(web(1, "a"));
  settle();
  Json json = web(1, "b");
  json["spec"]["selector"]["matchLabels"] = {{"app", "other"}};
  apply(json);
  turn();
  EXPECT_EQ(images(), std::set<std::string>{"a"});
  EXPECT_TRUE(event_reasons().contains("InvalidDeployment"));
  json["spec"]["selector"] = Json::object();
  apply(json);
  turn();
  json["spec"] = {{"replicas", "many"}, {"template", 3}};
  apply(json);
  turn();
  EXPECT_EQ(images(), std::set<std::string>{"a"});
  EXPECT_EQ(reconciler_->reconcile("nonsense").value().after_ms, std::nullopt);
}

// The system's time, and a chance to do something between what a turn reads and what it writes.
class MeddlingClock final : public sys::Clock {
 public:
  explicit MeddlingClock(std::function<void()> meddle) : meddle_(std::move(meddle)) {}
  sys::WallTime now() const override {
    meddle_();
    return system_.now();
  }
  sys::MonotonicTime monotonic() const override { return system_.monotonic(); }

 private:
  std::function<void()> meddle_;
  sys::SystemClock system_;
};

TEST_F(DeploymentTest, ADeploymentThatGoesDuringATurnIsNoError) {
  apply(web(2, "a"));
  const MeddlingClock clock([this] { EXPECT_TRUE(store_->remove(kDeployment).ok()); });
  DeploymentReconciler reconciler(*store_, clock, random_);
  const auto next = reconciler.reconcile(kKey);
  ASSERT_TRUE(next.ok()) << next.error().message();
  EXPECT_TRUE(pods().empty());
}

TEST(PodTemplateTest, HashesAreStableAndOdd) {
  EXPECT_EQ(template_hash(R"({"a":1,"b":2})").value(),
            template_hash(R"({ "b":2, "a":1 })").value());
  EXPECT_NE(template_hash(R"({"a":1})").value(), template_hash(R"({"a":2})").value());
  EXPECT_FALSE(template_hash("[]").ok());
  sys::SeededRandom random(1);
  object::Deployment deployment;
  deployment.meta.name = std::string(200, 'n');
  deployment.meta.ns = "default";
  deployment.pod_template_json = "{}";
  EXPECT_LE(make_pod(deployment, "hash", random)->key.name.size(), 63u);
  deployment.pod_template_json = R"({"metadata":[1]})";
  EXPECT_FALSE(make_pod(deployment, "hash", random).ok());
}

// The whole loop on its own threads: the watch of the test is the pod room.
TEST_F(DeploymentTest, TheControllerDoesItByItself) {
  auto watch = store_->watch({Kind::kPod}).value();
  const auto controller = start_deployments(*store_, clock_, random_,
                                            [](const std::string& line) { ADD_FAILURE() << line; });
  apply(web(2, "a"));
  for (int made = 0; made < 2;) {
    const auto event = watch->next(20'000);
    ASSERT_TRUE(event.ok() && event->has_value());
    made += (*event)->type == store::EventType::kAdded ? 1 : 0;
  }
  ASSERT_TRUE(store_->remove(kDeployment).ok());
  for (int gone = 0; gone < 2;) {
    const auto event = watch->next(20'000);
    ASSERT_TRUE(event.ok() && event->has_value());
    const Object& pod = (*event)->object;
    if ((*event)->type == store::EventType::kModified) {
      EXPECT_TRUE(store_->finish_delete(pod.key, pod.uid).ok());
    }
    gone += (*event)->type == store::EventType::kDeleted ? 1 : 0;
  }
  EXPECT_TRUE(pods().empty());
}

}  // namespace
}  // namespace duet::workload
