#include "kubelet/reviews.h"

namespace duet::kubelet {
namespace {

using cluster::Json;

constexpr const char* kTokenReviews = "/apis/authentication.k8s.io/v1/tokenreviews";
constexpr const char* kAccessReviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

std::vector<std::string> texts_of(const Json& list) {
  std::vector<std::string> out;
  if (list.is_array()) {
    for (const Json& one : list) {
      if (one.is_string()) {
        out.push_back(one.get<std::string>());
      }
    }
  }
  return out;
}

// The status of the review that the server makes. Not to be allowed to ask is our trouble, and says
// nothing about who is asked for.
Result<Json> status_of(cluster::ApiClient& api, const char* path, const Json& review) {
  const auto answer = api.create(path, review);
  if (!answer.ok()) {
    return answer.error().code() == ErrorCode::kPermission
               ? Error(ErrorCode::kUnavailable, answer.error().message())
               : answer.error();
  }
  return cluster::member(*answer, "status");
}

}  // namespace

Result<User> review_token(cluster::ApiClient& api, const std::string& token) {
  DUET_ASSIGN(const Json status, status_of(api, kTokenReviews,
                                           {{"apiVersion", "authentication.k8s.io/v1"},
                                            {"kind", "TokenReview"},
                                            {"spec", {{"token", token}}}}));
  const Json user = cluster::member(status, "user");
  User out{.name = cluster::text_of(user, "username"),
           .uid = cluster::text_of(user, "uid"),
           .groups = texts_of(cluster::member(user, "groups")),
           .extra = cluster::member(user, "extra")};
  if (cluster::member(status, "authenticated") != true || out.name.empty()) {
    return Error(ErrorCode::kPermission, "the bearer token is nobody's");
  }
  return out;
}

Result<bool> review_access(cluster::ApiClient& api, const User& user, const std::string& verb,
                           const std::string& node, const std::string& subresource) {
  Json spec = {{"user", user.name},
               {"groups", user.groups},
               {"resourceAttributes",
                {{"verb", verb},
                 {"version", "v1"},
                 {"resource", "nodes"},
                 {"subresource", subresource},
                 {"name", node}}}};
  if (!user.uid.empty()) {
    spec["uid"] = user.uid;
  }
  if (user.extra.is_object()) {
    spec["extra"] = user.extra;
  }
  DUET_ASSIGN(const Json status, status_of(api, kAccessReviews,
                                           {{"apiVersion", "authorization.k8s.io/v1"},
                                            {"kind", "SubjectAccessReview"},
                                            {"spec", spec}}));
  return cluster::member(status, "allowed") == true && cluster::member(status, "denied") != true;
}

}  // namespace duet::kubelet
