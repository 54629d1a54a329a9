// The head of a guest's outgoing request, any that the engine lets through: what is sent to a
// server is the head of one request of HTTP/1.1, to the place that the guest named.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fuzz_input.h"
#include "base/require.h"
#include "gateway/guest_request.h"
#include "gateway/outbound_policy.h"
#include "gateway/route_index.h"
#include "gateway/upstream_request.h"
#include "net/http_request_parser.h"

using namespace duet;           // NOLINT
using namespace duet::gateway;  // NOLINT

namespace {

void check_text(const CallHead& call) {
  std::string text;
  write_request_head(call, text);
  net::RequestParser parser(net::HttpLimits{.head_bytes = 64 << 10, .field_count = 1000});
  net::RequestHead read;
  const net::ParseResult result = parser.parse(text, read);
  // What else is refused is what a server refuses too: dot segments, long targets, Expect.
  if (result.state != net::ParseResult::State::kDone) {
    require(result.state == net::ParseResult::State::kInvalid);
    require(result.status == 414 || result.status == 417 ||
            result.reason == "dot segment in request target");
    return;
  }
  require(result.consumed == text.size());
  require(read.method == call.method && read.authority == call.authority);
  require(std::string(read.path).append(read.query) == call.target);
  require(read.framing == call.framing && read.content_length == call.content_length);
  require(read.fields.size() > call.fields.size());
  for (std::size_t i = 0; i < call.fields.size(); ++i) {
    require(read.fields[i + 1].name == call.fields[i].name);  // Host is the first one
  }
  require(std::none_of(read.fields.begin(), read.fields.end(), [](const net::Field& field) {
    return field.id == net::FieldId::kConnection || field.id == net::FieldId::kUpgrade;
  }));
}

// Who reads the authority to connect and who reads it to route mean the same place.
void check_place(const CallHead& call) {
  const Destination destination = parse_destination("http", call.authority);
  std::string host = normalize_host(call.authority);
  if (host.starts_with('[')) {
    host = host.substr(1, host.size() - 2);
  }
  require(destination.host == host && destination.port >= 0 && destination.port <= 65'535);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kLimitBytes = 4 << 10;
  if (size > kLimitBytes) {
    return 0;
  }
  FuzzInput input(data, size);
  const std::string method = input.text();
  const std::string authority = input.text();
  const std::string target = input.text();
  std::vector<std::pair<std::string, std::string>> texts;
  while (!input.empty()) {
    const std::string name = input.text();
    const std::string value = input.text();
    if (net::is_token(name) && net::is_field_value(value)) {
      texts.emplace_back(name, value);
    }
  }
  std::vector<engine::Field> said;
  said.reserve(texts.size());
  for (const auto& [name, value] : texts) {
    said.push_back({name, value});
  }
  engine::OutgoingHead head{.method = method, .authority = authority, .path_with_query = target};
  head.headers = said;
  std::vector<net::Field> fields;
  CallHead call;
  if (read_guest_request(head, fields, call) == nullptr) {
    check_text(call);
    check_place(call);
  }
  return 0;
}
