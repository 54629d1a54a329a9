#pragma once

#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cluster/access.h"
#include "cluster/api_client.h"
#include "kubelet/answer_cache.h"
#include "kubelet/user.h"
#include "net/mutual_tls.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::kubelet {

// Lets in who the cluster knows and allows, and asks its API server about both. Thread-safe: one
// question goes to the server at a time, and what was answered lately needs none.
class Gate {
 public:
  // How long answers hold, as in a kubelet.
  static constexpr sys::Duration kTokenLife = std::chrono::minutes(2);
  static constexpr sys::Duration kAllowedLife = std::chrono::minutes(5);
  static constexpr sys::Duration kDeniedLife = std::chrono::seconds(30);

  // `access`, `clock` and `random` must outlive it. A stop ends what waits for the server.
  Gate(const cluster::CurrentAccess& access, std::string node_name, const sys::Clock& clock,
       sys::Random& random, std::stop_token stop);

  // Who asks: the subject of a verified certificate, or whose the bearer token of the field
  // Authorization is. kPermission: nobody that the cluster knows; else the server did not say.
  Result<User> authenticate(const std::optional<net::PeerSubject>& peer,
                            std::string_view authorization);

  // Whether `user` may send a request of `method` to `path`. kPermission: no; else the server did
  // not say.
  Status authorize(const User& user, std::string_view method, std::string_view path);

 private:
  Result<bool> may(const User& user, const std::string& verb, const std::string& subresource);

  const std::string node_name_;
  AnswerCache<std::optional<User>> tokens_;  // by the token's hash; nothing: it is nobody's
  AnswerCache<bool> rights_;
  std::mutex mutex_;  // of api_
  cluster::ApiClient api_;
};

}  // namespace duet::kubelet
