#include "gateway/guest_request.h"

#include <algorithm>

#include "net/content_length.h"
#include "net/http_target.h"

namespace duet::gateway {
namespace {

bool is_target(std::string_view text, std::string_view method) {
  const bool asterisk = text == "*" && method == "OPTIONS";
  return (text.starts_with('/') || asterisk) && std::all_of(text.begin(), text.end(), [](char c) {
           return c > ' ' && c < 0x7f && c != '#';
         });
}

// Once, and nothing but a number.
bool take_length(std::string_view text, CallHead& call) {
  const auto length = net::parse_content_length(text);
  if (!length || call.framing != net::Framing::kChunked) {
    return false;
  }
  call.content_length = *length;
  call.framing = call.content_length > 0 ? net::Framing::kLength : net::Framing::kNone;
  return true;
}

}  // namespace

const char* read_guest_request(const engine::OutgoingHead& head, std::vector<net::Field>& fields,
                               CallHead& call) {
  call.method = head.method;
  call.scheme = head.scheme;
  call.authority = head.authority;
  call.target = head.path_with_query.empty() ? std::string_view("/") : head.path_with_query;
  call.framing = net::Framing::kChunked;
  call.content_length = 0;
  if (!net::is_token(call.method) || call.method == "CONNECT") {
    return "its method is none of a request";
  }
  if (!net::is_authority(call.authority)) {
    return "its authority is not host[:port]";
  }
  if (!is_target(call.target, call.method)) {
    return "its path is no target of a request";
  }
  for (const engine::Field& field : head.headers) {
    const net::FieldId id = net::field_id(field.name);
    if (id == net::FieldId::kContentLength) {
      if (!take_length(field.value, call)) {
        return "its Content-Length is not one number";
      }
    } else if (!net::is_hop_by_hop(id) && id != net::FieldId::kHost) {
      fields.push_back({field.name, field.value, id});
    }
  }
  // A request whose body is empty already has none.
  if (call.framing == net::Framing::kChunked && (call.method == "GET" || call.method == "HEAD")) {
    call.framing = net::Framing::kNone;
  }
  call.fields = fields;
  return nullptr;
}

}  // namespace duet::gateway
