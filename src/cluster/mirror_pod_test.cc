#include "cluster/mirror_pod.h"

#include <gtest/gtest.h>

namespace duet::cluster {
namespace {

object::Object own_pod() {
  return {{object::Kind::kPod, "shop", "till"}, "u-1", 0, R"({
    "metadata": {"name": "till", "generation": 2, "labels": {"app": "till"}},
    "spec": {"restartPolicy": "Always", "serviceAccountName": "x",
      "containers": [{"name": "main", "image": "a:1", "ports": [{"containerPort": 80}],
                      "env": [{"name": "A", "value": "hidden"}],
                      "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
      "volumes": [{"name": "v", "secret": {"secretName": "keys"}}]}})"};
}

TEST(MirrorPod, IsWhatANodeMaySend) {
  const Json mirror = mirror_pod(own_pod(), "edge", "n-1");
  EXPECT_EQ(mirror["metadata"]["name"], "till-edge");
  EXPECT_EQ(mirror["metadata"]["labels"]["app"], "till");
  EXPECT_EQ(mirror["metadata"]["ownerReferences"][0]["uid"], "n-1");
  EXPECT_EQ(mirror["spec"]["nodeName"], "edge");
  EXPECT_EQ(mirror["spec"]["containers"][0]["image"], "a:1");
  EXPECT_EQ(mirror["spec"]["containers"][0]["ports"][0]["containerPort"], 80);
  EXPECT_EQ(mirror["spec"]["tolerations"], Json::parse(R"([{"operator": "Exists"}])"));
  const std::string text = mirror.dump();
  for (const char* kept : {"hidden", "keys", "volume", "serviceAccountName"}) {
    EXPECT_EQ(text.find(kept), std::string::npos) << kept;
  }
}

TEST(MirrorPod, IsMadeAnewForAnotherPodOrSpec) {
  object::Object pod = own_pod();
  const Json mirror = mirror_pod(pod, "edge", "n-1");
  EXPECT_TRUE(is_mirror(mirror));
  EXPECT_EQ(mirror_mark(mirror), mirror_mark(pod));
  pod.uid = "u-2";
  EXPECT_NE(mirror_mark(mirror), mirror_mark(pod));
  pod = own_pod();
  pod.json.replace(pod.json.find("\"generation\": 2"), 15, "\"generation\": 3");
  EXPECT_NE(mirror_mark(mirror), mirror_mark(pod));
}

TEST(MirrorPod, OddPodsAreNone) {
  for (const Json& odd : {Json(), Json(5), Json::array(), Json{{"metadata", 3}},
                          Json{{"metadata", {{"annotations", {{"a", "b"}}}}}}}) {
    EXPECT_FALSE(is_mirror(odd));
  }
  EXPECT_EQ(
      mirror_pod({{object::Kind::kPod, "a", "b"}, "", 0, "?"}, "edge", "")["spec"]["nodeName"],
      "edge");
}

}  // namespace
}  // namespace duet::cluster
