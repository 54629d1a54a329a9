#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/invocation.h"
#include "net/http_client.h"
#include "object/object.h"

namespace duet::cli {

// The node's local API, as the verbs use it. Errors read as kubectl's: "Error from server
// (NotFound): pods "x" not found", with the code that fits. Not thread-safe.
class ApiClient {
 public:
  // kUnavailable: no node runs here; the message says how to start one.
  static Result<ApiClient> connect(const Invocation& invocation);

  // GET of `target` as JSON.
  Result<nlohmann::json> get(const std::string& target);
  struct Answer {
    int status = 0;
    std::string body;
  };
  // Any request; statuses from 400 on become errors.
  Result<Answer> send(const net::ClientRequest& request);
  // GET whose body is given to `sink` as it comes, until its end or until `sink` returns false.
  Status stream(const std::string& target, const std::function<bool(std::string_view)>& sink);
  // GET of a watch: each event's type and object, until the end or until `sink` returns false.
  Status watch(const std::string& target,
               const std::function<bool(std::string_view type, const nlohmann::json&)>& sink);
  // Sends a request that upgrades the connection; from then on the connection is used directly.
  struct Upgraded {
    net::HttpClient connection;
    std::string buffered;
  };
  Result<Upgraded> upgrade(const std::string& target, std::string_view protocol);

 private:
  explicit ApiClient(std::string socket) : socket_(std::move(socket)) {}
  Result<net::HttpClient> open();
  std::string socket_;
};

// The error that a Status document says, or `body` itself when it is none.
Error server_error(int status, const std::string& body);

}  // namespace duet::cli
