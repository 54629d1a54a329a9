#include "cluster/service_account_token.h"

#include <algorithm>
#include <chrono>

#include "base/base64.h"
#include "object/source_mark.h"

namespace duet::cluster {
namespace {

constexpr const char* kKey = "token";
// When a token was asked for and when the next one is, in seconds since 1970.
constexpr const char* kAskedAnnotation = "duet.edge/token-asked";
constexpr const char* kRenewAnnotation = "duet.edge/token-renew";

std::string secret_name(const std::string& uid, std::size_t index) {
  return "duet-token-" + uid + "-" + std::to_string(index);
}

std::int64_t seconds_of(sys::WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::int64_t seconds_of(const Json& annotations, const char* name) {
  const std::string text = text_of(annotations, name);
  return text.empty() ? 0 : std::strtoll(text.c_str(), nullptr, 10);
}

// Calls `take` with each token source of `spec`.
template <typename Spec, typename Take>
void for_each_token(Spec& spec, const Take& take) {
  const auto volumes = spec.find("volumes");
  if (volumes == spec.end() || !volumes->is_array()) {
    return;
  }
  for (auto& volume : *volumes) {
    if (!member(volume, "projected").is_object() ||
        !member(member(volume, "projected"), "sources").is_array()) {
      continue;
    }
    for (auto& source : volume["projected"]["sources"]) {
      if (member(source, "serviceAccountToken").is_object()) {
        take(source);
      }
    }
  }
}

}  // namespace

std::vector<TokenClaim> token_claims_of(const ClusterPod& pod) {
  std::vector<TokenClaim> out;
  const Json spec = member(pod.object, "spec");
  std::string account = text_of(spec, "serviceAccountName");
  for_each_token(spec, [&](const Json& source) {
    const Json wanted = member(source, "serviceAccountToken");
    TokenClaim claim{
        .secret = {object::Kind::kSecret, pod.key.ns, secret_name(pod.uid, out.size())},
        .service_account = account.empty() ? "default" : account,
        .audience = text_of(wanted, "audience")};
    const Json life = member(wanted, "expirationSeconds");
    claim.life_seconds = life.is_number_integer() ? life.get<std::int64_t>() : claim.life_seconds;
    out.push_back(std::move(claim));
  });
  return out;
}

void put_local_tokens(Json& spec, const std::string& uid) {
  std::size_t index = 0;
  for_each_token(spec, [&](Json& source) {
    const std::string path = text_of(source["serviceAccountToken"], "path");
    source = {
        {"secret",
         {{"name", secret_name(uid, index++)}, {"items", {{{"key", kKey}, {"path", path}}}}}}};
  });
}

Json token_request(const TokenClaim& claim, const ClusterPod& pod) {
  Json spec = {{"expirationSeconds", claim.life_seconds},
               {"boundObjectRef",
                {{"apiVersion", "v1"}, {"kind", "Pod"}, {"name", pod.key.name}, {"uid", pod.uid}}}};
  spec["audiences"] = claim.audience.empty() ? Json::array() : Json::array({claim.audience});
  return {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenRequest"}, {"spec", spec}};
}

Result<object::Object> token_secret(const TokenClaim& claim, const Json& answer,
                                    sys::WallTime now) {
  const std::string token = text_of(member(answer, "status"), "token");
  const Json life = member(member(answer, "spec"), "expirationSeconds");
  if (token.empty() || !life.is_number_integer() || life.get<std::int64_t>() < 1) {
    return Error(ErrorCode::kCorrupt, "the server's answer for a token of service account " +
                                          claim.service_account + " has none");
  }
  // By its life, not by the time of its end, which a clock that is wrong would misread.
  constexpr std::int64_t kDaySeconds = 24LL * 60 * 60;
  const std::int64_t fresh = std::min(life.get<std::int64_t>() / 10 * 8, kDaySeconds);
  const Json annotations = {{object::kSourceAnnotation, object::kClusterSource},
                            {kAskedAnnotation, std::to_string(seconds_of(now))},
                            {kRenewAnnotation, std::to_string(seconds_of(now) + fresh)}};
  const Json secret = {
      {"apiVersion", "v1"},
      {"kind", "Secret"},
      {"metadata",
       {{"name", claim.secret.name}, {"namespace", claim.secret.ns}, {"annotations", annotations}}},
      {"data", {{kKey, base64_encode(token)}}}};
  return object::Object{claim.secret, "", 0, to_text(secret)};
}

std::int64_t token_fresh_ms(const object::Object& secret, sys::WallTime now) {
  const Json json = Json::parse(secret.json, nullptr, false);
  const Json annotations = member(member(json, "metadata"), "annotations");
  const std::int64_t at = seconds_of(now);
  constexpr std::int64_t kMsPerSecond = 1'000;
  return at < seconds_of(annotations, kAskedAnnotation)
             ? 0
             : std::max<std::int64_t>(seconds_of(annotations, kRenewAnnotation) - at, 0) *
                   kMsPerSecond;
}

}  // namespace duet::cluster
