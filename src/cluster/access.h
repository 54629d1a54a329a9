#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"

namespace duet::cluster {

// Where an API server is.
struct Endpoint {
  std::string host;  // a name or an IP address, without brackets
  int port = 443;
  std::string path;         // before "/api", without a slash at its end
  std::string server_name;  // what its certificate must be for; the host, unless a kubeconfig says
                            // otherwise
  std::string ca_pem;       // the authorities that may vouch for it, and no others
  bool operator==(const Endpoint&) const = default;

  std::string url() const;
  std::string authority() const;  // for the Host field
};

// "https://HOST[:PORT][/PATH]" without authorities. kInvalid: anything else; http:// is refused,
// for the credentials would be readable.
Result<Endpoint> parse_endpoint(std::string_view url);

// Where the API server is and what shows it who asks: a bearer token, a client certificate, or
// neither.
struct Access {
  Endpoint endpoint;
  std::string token;
  std::string chain_pem;
  std::string key_pem;
};

// The access of now, which changes when certificates are renewed. Thread-safe.
class CurrentAccess {
 public:
  explicit CurrentAccess(Access access)
      : access_(std::make_shared<const Access>(std::move(access))) {}

  // Another pointer after each change.
  std::shared_ptr<const Access> get() const {
    const std::lock_guard lock(mutex_);
    return access_;
  }
  void set(Access access) {
    const std::lock_guard lock(mutex_);
    access_ = std::make_shared<const Access>(std::move(access));
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const Access> access_;
};

}  // namespace duet::cluster
