#include "kubelet/gate.h"

#include <openssl/evp.h>

#include <array>

#include "kubelet/request_attributes.h"
#include "kubelet/reviews.h"
#include "net/http_message.h"

namespace duet::kubelet {
namespace {

// Who waits for an answer of ours does not wait for a server that asks to come back later.
constexpr cluster::ApiOptions kApi{.attempts = 1};

// Short, and tokens are not kept in the clear.
std::string hash_of(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), hash.data(), &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<const char*>(hash.data()), size};
}

std::string bearer_token_of(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (!net::equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) {
    return "";
  }
  authorization.remove_prefix(kScheme.size());
  while (authorization.starts_with(' ')) {
    authorization.remove_prefix(1);
  }
  return std::string(authorization);
}

Error nobody() { return {ErrorCode::kPermission, "Unauthorized"}; }

}  // namespace

Gate::Gate(const cluster::CurrentAccess& access, std::string node_name, const sys::Clock& clock,
           sys::Random& random, std::stop_token stop)
    : node_name_(std::move(node_name)),
      tokens_(clock),
      rights_(clock),
      api_(access, clock, random, std::move(stop), kApi) {}

Result<User> Gate::authenticate(const std::optional<net::PeerSubject>& peer,
                                std::string_view authorization) {
  if (peer && !peer->common_name.empty()) {
    User user{.name = peer->common_name, .groups = peer->organizations};
    user.groups.emplace_back("system:authenticated");
    return user;
  }
  const std::string token = bearer_token_of(authorization);
  if (token.empty()) {
    return nobody();
  }
  const std::string question = hash_of(token);
  if (const auto known = tokens_.find(question)) {
    return *known ? Result<User>(**known) : nobody();
  }
  const std::lock_guard lock(mutex_);
  auto user = review_token(api_, token);
  if (user.ok()) {
    tokens_.keep(question, *user, kTokenLife);
  } else if (user.error().code() == ErrorCode::kPermission) {
    tokens_.keep(question, std::nullopt, kDeniedLife);
  }
  return user;
}

Status Gate::authorize(const User& user, std::string_view method, std::string_view path) {
  const RequestAttributes attributes = attributes_of(method, path);
  std::string asked;
  for (const std::string& subresource : attributes.subresources) {
    DUET_ASSIGN(const bool allowed, may(user, attributes.verb, subresource));
    if (allowed) {
      return {};
    }
    asked += (asked.empty() ? "" : ", ") + subresource;
  }
  return Error(ErrorCode::kPermission, "Forbidden (user=" + user.name +
                                           ", verb=" + attributes.verb +
                                           ", resource=nodes, subresource(s)=[" + asked + "])");
}

Result<bool> Gate::may(const User& user, const std::string& verb, const std::string& subresource) {
  std::string question = user.name + '\0' + user.uid + '\0' + verb + '\0' + subresource;
  for (const std::string& group : user.groups) {
    question += '\0' + group;
  }
  question = hash_of(question + '\0' + cluster::to_text(user.extra));
  if (const auto known = rights_.find(question)) {
    return *known;
  }
  const std::lock_guard lock(mutex_);
  DUET_ASSIGN(const bool allowed, review_access(api_, user, verb, node_name_, subresource));
  rights_.keep(question, allowed, allowed ? kAllowedLife : kDeniedLife);
  return allowed;
}

}  // namespace duet::kubelet
