// Configures a running duet-gateway for bench/gateway.sh: a static answer, a handler, and a proxied
// server.
//
//   gateway_bench_setup CONTROL ADDRESS CODE ORIGIN_PORT LOG [HANDLERS]
//
// HANDLERS (1 if absent): how many handlers of the same code, under /h<n>.
#include <fcntl.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "gateway/control_client.h"
#include "sys/file.h"

namespace duet::gateway {
namespace {

std::vector<Match> path(const std::string& prefix) {
  return {{.path = {PathMatch::Type::kPrefix, prefix}}};
}

RouteTable make_table(const std::string& address, int origin_port, int handlers) {
  RouteTable table{.generation = 1, .listeners = {{"web", address}}};
  Rule origin{.matches = path("/origin"), .backends = {{.backend = "origin"}}};
  origin.filters.rewrite =
      UrlRewrite{.path = PathModifier{PathModifier::Type::kReplacePrefixMatch, "/"}};
  table.routes = {{.name = "bench",
                   .rules = {{.matches = path("/static"), .backends = {{.backend = "static"}}},
                             origin,
                             {.matches = path("/"), .backends = {{.backend = "hello0"}}}}}};
  table.backends = {{"static", StaticBackend{.status = 200, .body = "hello from duet\n"}},
                    {"origin", ProxyBackend{.endpoints = {{"127.0.0.1", origin_port}}}}};
  for (int i = 0; i < handlers; ++i) {
    const std::string name = "hello" + std::to_string(i);
    HandlerBackend handler{.code = "hello", .env = {{"NUMBER", std::to_string(i)}}};
    table.backends.push_back({name, handler});
    table.routes[0].rules.push_back(
        {.matches = path("/h" + std::to_string(i)), .backends = {{.backend = name}}});
  }
  return table;
}

Status set_up(char** argv, int handlers) {
  DUET_ASSIGN(ControlClient control, ControlClient::connect(argv[1], 10'000));
  DUET_ASSIGN(const WorkerStatus status, control.status());
  DUET_ASSIGN(const auto listeners, listen_tcp_many(argv[2], status.workers));
  DUET_ASSIGN(const sys::Fd code, sys::open_file(argv[3], O_RDONLY));
  DUET_ASSIGN(const sys::Fd log, sys::open_file(argv[5], O_WRONLY | O_CREAT | O_APPEND));
  for (int i = 0; i < status.workers; ++i) {
    DUET_TRY(control.add_listener("web", listeners[static_cast<std::size_t>(i)].get(), i));
  }
  DUET_TRY(control.add_code("hello", code.get()));
  DUET_TRY(control.set_access_log(log.get()));
  return control.set_table(make_table(argv[2], std::atoi(argv[4]), handlers));
}

}  // namespace
}  // namespace duet::gateway

int main(int argc, char** argv) {
  if (argc != 6 && argc != 7) {
    std::fprintf(stderr,
                 "usage: gateway_bench_setup CONTROL ADDRESS CODE ORIGIN_PORT LOG [HANDLERS]\n");
    return 2;
  }
  const duet::Status done = duet::gateway::set_up(argv, argc == 7 ? std::atoi(argv[6]) : 1);
  if (!done.ok()) {
    std::fprintf(stderr, "%s\n", done.error().message().c_str());
    return 1;
  }
  return 0;
}
