#include "pod/actions.h"

#include <algorithm>
#include <charconv>

#include "net/http_client.h"
#include "sys/monotonic_ms.h"

namespace duet::pod {

namespace {

constexpr int kPortLimit = 65'535;

std::string address_of(const std::string& host, int port) {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" +
         std::to_string(port);
}

Status http_get(const object::Handler::HttpGet& get, const ActionTarget& target,
                int64_t timeout_ms) {
  DUET_ASSIGN(const int port, port_number(target.container, get.port));
  const std::string host = get.host.empty() ? target.pod_ip : get.host;
  if (get.scheme == "HTTPS") {
    return Error(ErrorCode::kUnsupported, "httpGet probes speak HTTP only");
  }
  DUET_ASSIGN(auto client, net::HttpClient::connect_tcp(address_of(host, port), timeout_ms));
  net::ClientRequest request{.method = "GET", .target = get.path};
  for (const auto& [name, value] : get.headers) {
    request.fields.push_back({name, value});
  }
  DUET_ASSIGN(const auto response, client.send(request));
  if (response.status < 200 || response.status >= 400) {
    return Error(ErrorCode::kUnavailable,
                 "HTTP probe failed with statuscode: " + std::to_string(response.status));
  }
  return {};
}

Status tcp_connect(const std::string& port, const ActionTarget& target, int64_t timeout_ms) {
  DUET_ASSIGN(const int number, port_number(target.container, port));
  const auto client = net::HttpClient::connect_tcp(address_of(target.pod_ip, number), timeout_ms);
  return client.ok() ? Status() : client.error();
}

Status execute(const std::vector<std::string>& command, const ActionTarget& target,
               int64_t timeout_ms) {
  DUET_ASSIGN(const auto start,
              target.runtime->exec({.id = target.id, .paths = target.paths, .command = command}));
  const ExecFiles files(start);
  DUET_ASSIGN(auto stream, target.monitor->exec(start));
  constexpr size_t kTextBytes = 1024;
  const int64_t deadline = sys::monotonic_ms() + timeout_ms;
  std::string text;
  for (;;) {
    const int64_t left = deadline - sys::monotonic_ms();
    if (left <= 0) {
      return Error(ErrorCode::kTimeout, "command timed out: " + command[0]);
    }
    DUET_ASSIGN(const auto event, stream.next(left));
    if (!event) {
      continue;
    }
    if (event->kind == monitor::StreamEvent::Kind::kExited) {
      text.erase(text.find_last_not_of('\n') + 1);
      return event->state.exit_code == 0
                 ? Status()
                 : Error(ErrorCode::kUnavailable, "command exited with " +
                                                      std::to_string(event->state.exit_code) +
                                                      ": " + text);
    }
    text.append(event->data, 0, kTextBytes - std::min(kTextBytes, text.size()));
  }
}

}  // namespace

Result<int> port_number(const object::Container& container, const std::string& port) {
  int number = 0;
  const auto parsed = std::from_chars(port.data(), port.data() + port.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == port.data() + port.size()) {
    return number > 0 && number <= kPortLimit
               ? Result<int>(number)
               : invalid("port " + port + " is not within 1 and 65535");
  }
  const auto named = std::find_if(container.ports.begin(), container.ports.end(),
                                  [&](const auto& one) { return one.name == port; });
  if (named == container.ports.end()) {
    return invalid("container " + container.name + " has no port named \"" + port + "\"");
  }
  return named->container_port;
}

Status NetworkActions::run(const object::Handler& handler, const ActionTarget& target,
                           int64_t timeout_ms) {
  if (handler.http_get) {
    return http_get(*handler.http_get, target, timeout_ms);
  }
  if (!handler.tcp_port.empty()) {
    return tcp_connect(handler.tcp_port, target, timeout_ms);
  }
  if (!handler.exec_command.empty()) {
    return execute(handler.exec_command, target, timeout_ms);
  }
  return {};
}

}  // namespace duet::pod
