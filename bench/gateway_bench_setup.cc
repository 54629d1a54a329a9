// Configures a running duet-gateway for bench/gateway.sh: a static answer, a handler, and a proxied
// server, on a plain port and on one with TLS.
//
//   gateway_bench_setup CONTROL ADDRESS TLS_ADDRESS CODE ORIGIN_PORT FOLDER [HANDLERS]
//
// FOLDER has cert.pem and key.pem, and gets the access log. HANDLERS (1 if absent): how many
// handlers of the same code, under /h<n>.
#include <fcntl.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "gateway/control_client.h"
#include "sys/file.h"

namespace duet::gateway {
namespace {

constexpr std::size_t kPemBytes = 64 << 10;

std::vector<Match> path(const std::string& prefix) {
  return {{.path = {PathMatch::Type::kPrefix, prefix}}};
}

struct Arguments {
  std::string control;
  std::string address;
  std::string tls_address;
  std::string code;
  int origin_port;
  std::string folder;
  int handlers;
};

RouteTable make_table(const Arguments& arguments) {
  RouteTable table{.generation = 1,
                   .listeners = {{.name = "web", .address = arguments.address},
                                 {.name = "tls", .address = arguments.tls_address, .tls = true}}};
  Rule origin{.matches = path("/origin"), .backends = {{.backend = "origin"}}};
  origin.filters.rewrite =
      UrlRewrite{.path = PathModifier{PathModifier::Type::kReplacePrefixMatch, "/"}};
  table.routes = {{.name = "bench",
                   .rules = {{.matches = path("/static"), .backends = {{.backend = "static"}}},
                             origin,
                             {.matches = path("/"), .backends = {{.backend = "hello0"}}}}}};
  table.backends = {{"static", StaticBackend{.status = 200, .body = "hello from duet\n"}},
                    {"origin", ProxyBackend{.endpoints = {{"127.0.0.1", arguments.origin_port}}}}};
  for (int i = 0; i < arguments.handlers; ++i) {
    const std::string name = "hello" + std::to_string(i);
    HandlerBackend handler{.code = "hello", .env = {{"NUMBER", std::to_string(i)}}};
    table.backends.push_back({name, handler});
    table.routes[0].rules.push_back(
        {.matches = path("/h" + std::to_string(i)), .backends = {{.backend = name}}});
  }
  return table;
}

Status add_listener(ControlClient& control, const std::string& name, const std::string& address,
                    int workers) {
  DUET_ASSIGN(const auto listeners, listen_tcp_many(address, workers));
  for (int i = 0; i < workers; ++i) {
    DUET_TRY(control.add_listener(name, listeners[static_cast<std::size_t>(i)].get(), i));
  }
  return {};
}

Status set_up(const Arguments& arguments) {
  DUET_ASSIGN(ControlClient control, ControlClient::connect(arguments.control, 10'000));
  DUET_ASSIGN(const WorkerStatus status, control.status());
  DUET_TRY(add_listener(control, "web", arguments.address, status.workers));
  DUET_TRY(add_listener(control, "tls", arguments.tls_address, status.workers));
  DUET_ASSIGN(const sys::Fd code, sys::open_file(arguments.code, O_RDONLY));
  DUET_TRY(control.add_code("hello", code.get()));
  DUET_ASSIGN(const sys::Fd log,
              sys::open_file(arguments.folder + "/gateway.log", O_WRONLY | O_CREAT | O_APPEND));
  DUET_TRY(control.set_access_log(log.get()));
  RouteTable table = make_table(arguments);
  DUET_ASSIGN(std::string chain, sys::read_file(arguments.folder + "/cert.pem", kPemBytes));
  DUET_ASSIGN(std::string key, sys::read_file(arguments.folder + "/key.pem", kPemBytes));
  table.certificates = {{.name = "bench",
                         .hosts = {"bench.example"},
                         .chain_pem = std::move(chain),
                         .key_pem = std::move(key)}};
  return control.set_table(table);
}

}  // namespace
}  // namespace duet::gateway

int main(int argc, char** argv) {
  if (argc != 7 && argc != 8) {
    std::fprintf(stderr,
                 "usage: gateway_bench_setup CONTROL ADDRESS TLS_ADDRESS CODE ORIGIN_PORT FOLDER "
                 "[HANDLERS]\n");
    return 2;
  }
  const duet::Status done = duet::gateway::set_up({.control = argv[1],
                                                   .address = argv[2],
                                                   .tls_address = argv[3],
                                                   .code = argv[4],
                                                   .origin_port = std::atoi(argv[5]),
                                                   .folder = argv[6],
                                                   .handlers = argc == 8 ? std::atoi(argv[7]) : 1});
  if (!done.ok()) {
    std::fprintf(stderr, "%s\n", done.error().message().c_str());
    return 1;
  }
  return 0;
}
