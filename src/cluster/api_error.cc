#include "cluster/api_error.h"

#include <algorithm>
#include <string>

#include "cluster/json_field.h"
#include "net/http_message.h"
#include "object/json_node.h"

namespace duet::cluster {
namespace {

constexpr std::size_t kMessageBytes = 500;  // of what a server says, in our messages

ErrorCode code_of(int status, const std::string& reason) {
  switch (status) {
    case 400:
    case 422:
      return ErrorCode::kInvalid;
    case 401:
    case 403:
      return ErrorCode::kPermission;
    case 404:
      return ErrorCode::kNotFound;
    case 409:
      return reason == "AlreadyExists" ? ErrorCode::kAlreadyExists : ErrorCode::kConflict;
    case 410:
      return ErrorCode::kExhausted;
    case 429:
      return ErrorCode::kUnavailable;
    default:
      return status >= 500 ? ErrorCode::kUnavailable : ErrorCode::kUnsupported;
  }
}

// One line for a log, whatever the server sent.
std::string readable(std::string text) {
  text.resize(std::min(text.size(), kMessageBytes));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return text;
}

}  // namespace

Error api_error(int status, std::string_view body) {
  std::string said = std::to_string(status) + " " + std::string(net::status_reason(status));
  const auto json = object::parse_json(body);
  if (!json.ok() || text_of(*json, "kind") != "Status") {
    return {code_of(status, ""), said};
  }
  const std::string reason = text_of(*json, "reason");
  const std::string message = readable(text_of(*json, "message"));
  return {code_of(status, reason), message.empty() ? said : said + ": " + message};
}

bool is_refusal(const Error& error) {
  const ErrorCode code = error.code();
  return code == ErrorCode::kPermission || code == ErrorCode::kInvalid ||
         code == ErrorCode::kNotFound || code == ErrorCode::kUnsupported;
}

bool is_moot(const Error& error) {
  const ErrorCode code = error.code();
  return code == ErrorCode::kNotFound || code == ErrorCode::kConflict ||
         code == ErrorCode::kInvalid;
}

}  // namespace duet::cluster
