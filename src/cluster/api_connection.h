#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/result.h"
#include "cluster/access.h"
#include "net/http_client.h"
#include "net/tls_client.h"

namespace duet::cluster {

// One connection to an API server, which a stop breaks off. For one thread.
class ApiConnection {
 public:
  // Connects to the first address of the endpoint's host that takes the connection. `tls` must
  // outlive it. kUnavailable, kTimeout: nobody answers; kNotFound: the name is unknown.
  static Result<std::unique_ptr<ApiConnection>> open(const Endpoint& endpoint, net::TlsClient& tls,
                                                     std::int64_t timeout_ms,
                                                     const std::stop_token& stop);
  ApiConnection(const ApiConnection&) = delete;
  ApiConnection& operator=(const ApiConnection&) = delete;

  net::HttpClient& http() { return *http_; }
  // A request was answered on it before.
  bool used = false;

 private:
  ApiConnection() = default;
  std::string server_;  // the name that sessions of TLS are kept under
  std::optional<net::HttpClient> http_;
  // The last member: it must be gone before the socket that it shuts down.
  std::optional<std::stop_callback<std::function<void()>>> breaker_;
};

}  // namespace duet::cluster
