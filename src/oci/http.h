#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// HTTP requests by libcurl, for duet-pull. Redirects are not followed here: who may see credentials
// is the caller's decision.
namespace duet::oci {

struct HttpRequest {
  std::string url;
  std::vector<std::string> headers;  // "Name: value"
  std::string basic_username;        // empty: no basic authentication
  std::string basic_password;
  // Called with the status before the first byte of a body; returns how many bytes of body are
  // allowed (more is kExhausted).
  std::function<int64_t(int status)> body_limit_bytes;
  // Gets the body of a 2xx answer; an error ends the transfer and is what get() returns. Without it
  // the body is collected in HttpResponse.
  std::function<Status(int status, std::string_view data)> sink;
};

struct HttpResponse {
  int status = 0;
  std::string body;                     // bounded
  std::string content_type;             // without parameters
  std::vector<std::string> challenges;  // WWW-Authenticate values
  std::string docker_content_digest;
  std::string content_range;
  std::string redirect_url;    // absolute; empty: none
  int64_t retry_after_s = -1;  // -1: none given
};

struct HttpOptions {
  std::string ca_pem;  // beside the system's authorities
  int64_t connect_timeout_ms = 0;
  int64_t stall_timeout_ms = 0;  // rounded up to seconds
};

// Host and port of a URL.
std::string url_host(const std::string& url);

// One connection pool. Goes through the proxy that https_proxy and no_proxy name, except to
// loopback addresses. Not thread-safe.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // GET. Any status is an answer. kUnavailable: no connection, a name that does not resolve, a
  // connection lost; kTimeout: stalled; kPermission: the peer's certificate is not trusted;
  // kUnsupported: the peer does not speak TLS.
  Result<HttpResponse> get(const HttpRequest& request);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace duet::oci
