#include "kubelet/upgrade.h"

#include <algorithm>
#include <vector>

#include "kubelet/websocket_frame.h"
#include "net/http_message.h"

namespace duet::kubelet {
namespace {

constexpr std::string_view kSpdy = "SPDY/3.1";
constexpr std::string_view kSpdyField = "X-Stream-Protocol-Version";
constexpr std::string_view kWebSocket = "websocket";
constexpr std::string_view kWebSocketField = "Sec-WebSocket-Protocol";

// The elements of all fields of that name, which are lists.
std::vector<std::string> elements_of(const net::FieldList& fields, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& [key, value] : fields) {
    if (!net::equals_ignoring_case(key, name)) {
      continue;
    }
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view one = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
      while (one.starts_with(' ')) {
        one.remove_prefix(1);
      }
      while (one.ends_with(' ')) {
        one.remove_suffix(1);
      }
      if (!one.empty()) {
        out.emplace_back(one);
      }
    }
  }
  return out;
}

std::string joined(std::span<const std::string_view> texts) {
  std::string out;
  for (const std::string_view one : texts) {
    out.append(out.empty() ? "" : ", ").append(one);
  }
  return out;
}

// The first of what the client offers in the fields `name`; nothing: 403 was answered.
std::optional<std::string> choose(api::Exchange& exchange, std::string_view name,
                                  std::span<const std::string_view> protocols) {
  for (std::string& offered : elements_of(exchange.request.fields, name)) {
    if (std::find(protocols.begin(), protocols.end(), offered) != protocols.end()) {
      return std::move(offered);
    }
  }
  exchange.answer_text(403, "this node speaks " + joined(protocols) + ", and the client offers \"" +
                                std::string(net::find_value(exchange.request.fields, name)) +
                                "\" in " + std::string(name));
  return std::nullopt;
}

// The key of a WebSocket's handshake (RFC 6455 section 4.2.1); empty: it was answered.
std::string websocket_key(api::Exchange& exchange) {
  const auto& fields = exchange.request.fields;
  const std::string_view key = net::find_value(fields, "Sec-WebSocket-Key");
  if (net::find_value(fields, "Sec-WebSocket-Version") != "13") {
    (void)exchange.connection.respond(426, {{"Sec-WebSocket-Version", "13"}},
                                      "the version of WebSocket must be 13");
    return "";
  }
  if (exchange.request.method != "GET" || key.empty()) {
    exchange.answer_text(400, "a WebSocket begins with GET and a Sec-WebSocket-Key");
    return "";
  }
  return std::string(key);
}

}  // namespace

std::optional<Upgrade> negotiate(api::Exchange& exchange, const UpgradeProtocols& protocols) {
  const auto& request = exchange.request;
  const std::string_view wanted = net::find_value(request.fields, "Upgrade");
  Upgrade out;
  if (request.upgrade && net::equals_ignoring_case(wanted, kWebSocket)) {
    out.carrier = Upgrade::Carrier::kWebSocket;
    out.accept_key = websocket_key(exchange);
    if (out.accept_key.empty()) {
      return std::nullopt;
    }
  } else if (!request.upgrade || !net::equals_ignoring_case(wanted, kSpdy)) {
    exchange.answer_text(400, "the connection must be upgraded to " + std::string(kWebSocket) +
                                  " or " + std::string(kSpdy));
    return std::nullopt;
  }
  const bool spdy = out.carrier == Upgrade::Carrier::kSpdy;
  auto protocol = choose(exchange, spdy ? kSpdyField : kWebSocketField,
                         spdy ? protocols.spdy : protocols.websocket);
  if (!protocol) {
    return std::nullopt;
  }
  out.protocol = std::move(*protocol);
  return out;
}

Status confirm(api::Exchange& exchange, const Upgrade& upgrade) {
  const net::FieldList fields =
      upgrade.carrier == Upgrade::Carrier::kSpdy
          ? net::FieldList{{"Upgrade", std::string(kSpdy)},
                           {std::string(kSpdyField), upgrade.protocol}}
          : net::FieldList{{"Upgrade", std::string(kWebSocket)},
                           {"Sec-WebSocket-Accept", websocket_accept(upgrade.accept_key)},
                           {std::string(kWebSocketField), upgrade.protocol}};
  DUET_TRY(exchange.connection.switch_protocols(fields));
  exchange.connection.stream().set_timeout(0);
  return {};
}

}  // namespace duet::kubelet
