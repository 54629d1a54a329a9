#include "cluster/pod_mirror.h"

#include <gtest/gtest.h>

namespace duet::cluster {
namespace {

using object::Kind;

Json pod_json() {
  return Json::parse(R"({
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "web", "namespace": "shop", "uid": "u-1", "resourceVersion": "7",
                 "creationTimestamp": "2026-01-01T00:00:00Z", "generation": 3,
                 "labels": {"app": "web"}, "managedFields": [{}], "finalizers": ["x"]},
    "spec": {
      "containers": [{"name": "main", "image": "a:1",
        "env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "a"}}},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "b"}}}],
        "envFrom": [{"configMapRef": {"name": "more"}}, {"secretRef": {"name": "hidden"}}],
        "volumeMounts": [{"name": "kube-api-access-x1", "mountPath": "/var/run/secrets"},
                         {"name": "files", "mountPath": "/files"}]}],
      "volumes": [{"name": "kube-api-access-x1", "projected": {"sources": [
                     {"configMap": {"name": "kube-root-ca.crt"}}]}},
                  {"name": "files", "configMap": {"name": "files"}},
                  {"name": "certificate", "secret": {"secretName": "tls"}}],
      "future": {"unknown": true}},
    "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "True"}]}})");
}

const Endpoint kServer{.host = "10.0.0.1", .port = 6443};

ClusterPod pod_of(Json json) { return *read_cluster_pod(std::move(json)); }

object::Object with_status(const Json& status) {
  object::Object stored = stored_pod(pod_of(pod_json()), nullptr, kServer);
  Json json = Json::parse(stored.json);
  json["status"] = status;
  stored.json = json.dump();
  return stored;
}

TEST(ClusterPod, SaysWhatIsToBeDone) {
  Json json = pod_json();
  EXPECT_FALSE(pod_of(json).deleting);
  json["metadata"]["deletionTimestamp"] = "2026-01-01T00:01:00Z";
  json["metadata"]["deletionGracePeriodSeconds"] = 12;
  json["status"]["phase"] = "Failed";
  const ClusterPod pod = pod_of(json);
  EXPECT_TRUE(pod.deleting);
  EXPECT_EQ(pod.grace_seconds, 12);
  EXPECT_TRUE(pod.over);
  for (const char* missing : {"name", "namespace", "uid"}) {
    Json bad = pod_json();
    bad["metadata"].erase(missing);
    EXPECT_FALSE(read_cluster_pod(bad).ok()) << missing;
  }
  for (const Json& odd : {Json(5), Json::array(), Json{{"metadata", 7}}, Json{{"spec", {}}}}) {
    EXPECT_FALSE(read_cluster_pod(odd).ok());
  }
}

TEST(ClusterPod, IsStoredMarkedAndWithoutWhatIsTheClustersOwn) {
  const object::Object stored = stored_pod(pod_of(pod_json()), nullptr, kServer);
  EXPECT_EQ(stored.uid, "u-1");
  EXPECT_TRUE(is_of_cluster(stored));
  const Json json = Json::parse(stored.json);
  EXPECT_FALSE(json["metadata"].contains("managedFields"));
  EXPECT_FALSE(json["metadata"].contains("finalizers"));
  EXPECT_FALSE(json.contains("status"));
  EXPECT_EQ(json["metadata"]["labels"]["app"], "web");
  EXPECT_EQ(json["metadata"]["creationTimestamp"], "2026-01-01T00:00:00Z");
  EXPECT_EQ(json["spec"]["future"]["unknown"], true);
  EXPECT_EQ(json["spec"]["volumes"].size(), 3U);
}

TEST(ClusterPod, FindsTheServerUnlessItSaysOtherwise) {
  Json said = pod_json();
  said["spec"]["containers"][0]["env"].push_back(
      {{"name", "KUBERNETES_SERVICE_PORT"}, {"value", "1"}});
  said["spec"]["initContainers"] = {{{"name", "first"}, {"image", "a:1"}}, 5};
  const Json spec = Json::parse(stored_pod(pod_of(said), nullptr, kServer).json)["spec"];
  const Json& env = spec["containers"][0]["env"];
  EXPECT_EQ(env.size(), 4U);
  EXPECT_EQ(env[0], (Json{{"name", "KUBERNETES_SERVICE_HOST"}, {"value", "10.0.0.1"}}));
  EXPECT_EQ(env[3]["value"], "1");
  EXPECT_EQ(spec["initContainers"][0]["env"].size(), 2U);
}

TEST(ClusterPod, KeepsItsStoredSpecWhileItsImagesAreTheSame) {
  const object::Object stored = stored_pod(pod_of(pod_json()), nullptr, kServer);
  Json changed = pod_json();
  changed["spec"]["tolerations"] = Json::array({{{"operator", "Exists"}}});
  changed["metadata"]["labels"]["app"] = "other";
  const Json same = Json::parse(stored_pod(pod_of(changed), &stored, kServer).json);
  EXPECT_FALSE(same["spec"].contains("tolerations"));
  EXPECT_EQ(same["metadata"]["labels"]["app"], "other");
  changed["spec"]["containers"][0]["image"] = "a:2";
  const Json other = Json::parse(stored_pod(pod_of(changed), &stored, kServer).json);
  EXPECT_EQ(other["spec"]["containers"][0]["image"], "a:2");
}

TEST(ClusterPod, NamesItsConfigMapsAndSecrets) {
  const std::set<object::ObjectKey> expected = {
      {Kind::kConfigMap, "shop", "settings"}, {Kind::kConfigMap, "shop", "more"},
      {Kind::kConfigMap, "shop", "files"},    {Kind::kConfigMap, "shop", "kube-root-ca.crt"},
      {Kind::kSecret, "shop", "keys"},        {Kind::kSecret, "shop", "hidden"},
      {Kind::kSecret, "shop", "tls"}};
  EXPECT_EQ(pod_of(pod_json()).references, expected);
}

TEST(StatusPatch, TellsWhatTheServerDoesNotKnow) {
  const ClusterPod pod = pod_of(pod_json());
  const Json status = {
      {"phase", "Running"},
      {"conditions",
       {{{"type", "PodScheduled"}, {"status", "True"}}, {{"type", "Ready"}, {"status", "True"}}}}};
  const auto patch = status_patch(pod, with_status(status));
  ASSERT_TRUE(patch);
  EXPECT_EQ((*patch)["metadata"]["uid"], "u-1");
  EXPECT_EQ((*patch)["status"]["phase"], "Running");
  EXPECT_EQ((*patch)["status"]["conditions"].size(), 1U);  // the scheduler's is not ours

  Json known = pod_json();
  known["status"] = status;
  known["status"]["qosClass"] = "BestEffort";
  known["status"]["conditions"][1]["lastProbeTime"] = nullptr;
  EXPECT_FALSE(status_patch(pod_of(known), with_status(status)));
  EXPECT_FALSE(status_patch(pod, with_status(Json::object())));
}

TEST(StatusPatch, NeverGoesBackwards) {
  Json over = pod_json();
  over["status"]["phase"] = "Succeeded";
  EXPECT_FALSE(status_patch(pod_of(over), with_status({{"phase", "Running"}})));
  Json another = pod_json();
  another["metadata"]["uid"] = "u-2";
  EXPECT_FALSE(status_patch(pod_of(another), with_status({{"phase", "Running"}})));
}

TEST(StatusPatch, TakesBackAReasonThatIsOver) {
  Json json = pod_json();
  json["status"]["reason"] = "Evicted";
  const auto patch = status_patch(pod_of(json), with_status({{"phase", "Running"}}));
  ASSERT_TRUE(patch);
  EXPECT_TRUE((*patch)["status"]["reason"].is_null());
}

}  // namespace
}  // namespace duet::cluster
