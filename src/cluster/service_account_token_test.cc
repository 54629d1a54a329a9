#include "cluster/service_account_token.h"

#include <gtest/gtest.h>

#include "object/codec.h"

namespace duet::cluster {
namespace {

ClusterPod pod_with_tokens() {
  return *read_cluster_pod(Json::parse(R"({
    "metadata": {"name": "web", "namespace": "shop", "uid": "u-1"},
    "spec": {"serviceAccountName": "till", "volumes": [
      {"name": "kube-api-access-x", "projected": {"defaultMode": 420, "sources": [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
        {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}},
      {"name": "plain", "emptyDir": {}}, {"name": "odd", "projected": {"sources": 5}},
      {"name": "vault", "projected": {"sources": [
        {"serviceAccountToken": {"path": "vault", "audience": "vault"}}]}}]}})"));
}

TEST(ServiceAccountToken, IsASecretOfTheNode) {
  const ClusterPod pod = pod_with_tokens();
  const auto claims = token_claims_of(pod);
  ASSERT_EQ(claims.size(), 2U);
  EXPECT_EQ(claims[0].life_seconds, 3'607);
  EXPECT_EQ(claims[0].service_account, "till");
  EXPECT_EQ(claims[1].audience, "vault");
  EXPECT_NE(claims[0].secret.name, claims[1].secret.name);

  Json spec = pod.object["spec"];
  put_local_tokens(spec, pod.uid);
  const Json& sources = spec["volumes"][0]["projected"]["sources"];
  EXPECT_EQ(sources[0]["secret"]["name"], claims[0].secret.name);
  EXPECT_EQ(sources[0]["secret"]["items"][0]["path"], "token");
  EXPECT_FALSE(sources[0].contains("serviceAccountToken"));
  EXPECT_EQ(sources[1]["configMap"]["name"], "kube-root-ca.crt");
  EXPECT_EQ(spec["volumes"][3]["projected"]["sources"][0]["secret"]["name"], claims[1].secret.name);
}

TEST(ServiceAccountToken, IsAskedForAsThePodHasIt) {
  const ClusterPod pod = pod_with_tokens();
  const auto claims = token_claims_of(pod);
  const Json first = token_request(claims[0], pod)["spec"];
  EXPECT_EQ(first["expirationSeconds"], 3'607);
  EXPECT_EQ(first["audiences"], Json::array());
  EXPECT_EQ(first["boundObjectRef"]["uid"], "u-1");
  EXPECT_EQ(first["boundObjectRef"]["kind"], "Pod");
  EXPECT_EQ(token_request(claims[1], pod)["spec"]["audiences"], Json::array({"vault"}));
}

TEST(ServiceAccountToken, IsRenewedAfterFourFifthsOfItsLife) {
  const TokenClaim claim = token_claims_of(pod_with_tokens())[0];
  const sys::WallTime now{std::chrono::seconds(1'800'000'000)};
  const auto fresh_after = [&](std::int64_t life, std::chrono::seconds age) {
    const Json answer = {{"spec", {{"expirationSeconds", life}}}, {"status", {{"token", "a.b.c"}}}};
    return token_fresh_ms(*token_secret(claim, answer, now), now + age);
  };
  EXPECT_EQ(fresh_after(1'000, std::chrono::seconds(0)), 800'000);
  EXPECT_EQ(fresh_after(1'000, std::chrono::seconds(799)), 1'000);
  EXPECT_EQ(fresh_after(1'000, std::chrono::seconds(800)), 0);
  EXPECT_EQ(fresh_after(1'000, std::chrono::hours(24'000)), 0);
  EXPECT_EQ(fresh_after(1'000, std::chrono::seconds(-1)), 0) << "the clock went back";
  EXPECT_EQ(fresh_after(31'536'000, std::chrono::seconds(0)), 86'400'000) << "a day is the most";
}

TEST(ServiceAccountToken, OfNoUseIsRefused) {
  const TokenClaim claim = token_claims_of(pod_with_tokens())[0];
  for (const char* answer :
       {"{}", "5", R"({"status":{"token":"a"}})", R"({"spec":{"expirationSeconds":60}})",
        R"({"spec":{"expirationSeconds":0},"status":{"token":"a"}})",
        R"({"spec":{"expirationSeconds":60},"status":{"token":7}})"}) {
    EXPECT_EQ(token_secret(claim, Json::parse(answer), {}).error().code(), ErrorCode::kCorrupt)
        << answer;
  }
  const Json good = {{"spec", {{"expirationSeconds", 600}}}, {"status", {{"token", "a.b.c"}}}};
  EXPECT_EQ(object::decode_secret(token_secret(claim, good, {})->json)->data.at("token"), "a.b.c");
  EXPECT_EQ(token_fresh_ms({claim.secret, "", 0, "{}"}, sys::WallTime{std::chrono::seconds(5)}), 0);
}

}  // namespace
}  // namespace duet::cluster
