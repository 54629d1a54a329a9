#include "cli/api_client.h"

#include <nlohmann/json.hpp>

#include "api/failure.h"

namespace duet::cli {
namespace {

constexpr size_t kAnswerLimitBytes = size_t{256} << 20;
constexpr size_t kErrorLimitBytes = 1 << 20;
constexpr size_t kEventLimitBytes = 16 << 20;

ErrorCode code_of(int status, const std::string& reason) {
  if (reason == "AlreadyExists") {
    return ErrorCode::kAlreadyExists;
  }
  switch (status) {
    case 403:
      return ErrorCode::kPermission;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return ErrorCode::kConflict;
    case 410:
      return ErrorCode::kExhausted;
    case 503:
      return ErrorCode::kUnavailable;
    default:
      return status < 500 ? ErrorCode::kInvalid : ErrorCode::kInternal;
  }
}

Error no_node(const std::string& socket, const Error& error) {
  if (error.code() == ErrorCode::kPermission) {
    return Error(error.code(), "error: this user may not use the node's API at " + socket +
                                   "; become root or the user that runs the node");
  }
  return Error(ErrorCode::kUnavailable,
               "error: no duet node answers at " + socket +
                   "\nStart one with \"duet up MANIFESTS...\" or \"duet agent\", or say with "
                   "--socket where it is.");
}

}  // namespace

Error server_error(int status, const std::string& body) {
  const api::StatusText text = api::parse_status(body);
  if (text.message.empty()) {
    return Error(code_of(status, ""), "Error from server: HTTP status " + std::to_string(status) +
                                          (body.empty() ? "" : ": " + body));
  }
  return Error(code_of(status, text.reason),
               "Error from server (" + text.reason + "): " + text.message);
}

Result<net::HttpClient> ApiClient::open() {
  auto client = net::HttpClient::connect_unix(socket_, 0);
  if (!client.ok()) {
    return no_node(socket_, client.error());
  }
  return client;
}

Result<ApiClient> ApiClient::connect(const Invocation& invocation) {
  ApiClient client(invocation.socket());
  DUET_ASSIGN(const auto probe, client.open());
  (void)probe;
  return client;
}

Result<ApiClient::Answer> ApiClient::send(const net::ClientRequest& request) {
  DUET_ASSIGN(auto client, open());
  DUET_ASSIGN(const auto head, client.send(request));
  DUET_ASSIGN(auto body, client.read_whole_body(kAnswerLimitBytes));
  if (head.status >= 400) {
    return server_error(head.status, body);
  }
  return Answer{head.status, std::move(body)};
}

Result<nlohmann::json> ApiClient::get(const std::string& target) {
  DUET_ASSIGN(const Answer answer, send({.target = target}));
  auto json = nlohmann::json::parse(answer.body, nullptr, false);
  if (json.is_discarded()) {
    return internal("error: the node answered " + target + " with something that is no JSON");
  }
  return json;
}

Status ApiClient::stream(const std::string& target,
                         const std::function<bool(std::string_view)>& sink) {
  DUET_ASSIGN(auto client, open());
  DUET_ASSIGN(const auto head, client.send({.target = target}));
  if (head.status >= 400) {
    DUET_ASSIGN(const auto body, client.read_whole_body(kErrorLimitBytes));
    return server_error(head.status, body);
  }
  while (true) {
    DUET_ASSIGN(const auto piece, client.read_body());
    if (piece.empty() || !sink(piece)) {
      return {};
    }
  }
}

Status ApiClient::watch(const std::string& target,
                        const std::function<bool(std::string_view, const nlohmann::json&)>& sink) {
  std::string line;
  Status failure;
  const auto take_line = [&](std::string_view text) {
    const auto event = nlohmann::json::parse(text, nullptr, false);
    if (!event.is_object() || !event.contains("object") || !event.contains("type") ||
        !event["type"].is_string()) {
      failure = internal("error: the node sent a watch event that cannot be read");
      return false;
    }
    const std::string type = event["type"].get<std::string>();
    if (type == "ERROR") {
      failure = server_error(410, event["object"].dump());
      return false;
    }
    return sink(type, event["object"]);
  };
  DUET_TRY(stream(target, [&](std::string_view piece) {
    line += piece;
    size_t start = 0;
    for (size_t end = line.find('\n'); end != std::string::npos; end = line.find('\n', start)) {
      if (!take_line(std::string_view(line).substr(start, end - start))) {
        return false;
      }
      start = end + 1;
    }
    line.erase(0, start);
    return line.size() < kEventLimitBytes;
  }));
  return failure;
}

Result<ApiClient::Upgraded> ApiClient::upgrade(const std::string& target,
                                               std::string_view protocol) {
  DUET_ASSIGN(auto client, open());
  DUET_ASSIGN(
      const auto head,
      client.send({.method = "POST",
                   .target = target,
                   .fields = {{"Connection", "Upgrade"}, {"Upgrade", std::string(protocol)}}}));
  if (head.status != 101) {
    DUET_ASSIGN(const auto body, client.read_whole_body(kErrorLimitBytes));
    return server_error(head.status, body);
  }
  std::string buffered = client.take_buffered();
  return Upgraded{std::move(client), std::move(buffered)};
}

}  // namespace duet::cli
