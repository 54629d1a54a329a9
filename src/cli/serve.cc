#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "base/quantity.h"
#include "cli/image_options.h"
#include "cli/verbs.h"
#include "cli/workload.h"
#include "route/authorities_file.h"
#include "route/gateway_process.h"
#include "sys/file.h"
#include "sys/process.h"

namespace duet::cli {
namespace {

constexpr int64_t kDrainMs = 5'000;
constexpr uid_t kGatewayUser = 65534;

constexpr Flag kFlags[] = {
    {"addr", 0, "IP:PORT", "Where to listen (default 127.0.0.1:8080); port 0: any free one"},
    {"env", 'e', "KEY=VALUE", "Set a variable; KEY alone passes this shell's own on"},
    {"allow-outbound", 0, "URL",
     "Let the handler connect there: http://api.local:8080, https://*.example.com or http://*"},
    {"memory", 'm', "BYTES", "Limit of a request's memory (default 64Mi)"},
    {"wagi", 0, "", "Serve a program that speaks CGI: a core module of WASI preview 1"},
    {"plain-http", 0, "REGISTRY", "Speak plain HTTP to this registry (host[:port])"},
    {"auth-file", 0, "PATH", "Credentials in the format of Docker's config.json"},
    {"ca-file", 0, "PATH", "Certificate authorities (PEM) to trust beside the system's"},
};
constexpr Example kExamples[] = {
    {"Try a handler", "duet serve hello.wasm"},
    {"A program that prints its answer after \"Content-Type: ...\" and an empty line",
     "duet serve --wagi hello.wasm"},
    {"On another port, with a setting and one service that it may call",
     "duet serve --addr 0.0.0.0:9000 --env GREETING=Hi --allow-outbound http://127.0.0.1:7000 "
     "front.wasm"},
};

Result<gateway::OutboundRule> parse_outbound(const std::string& text) {
  gateway::OutboundRule out;
  const size_t border = text.find("://");
  if (border == std::string::npos) {
    return invalid("--allow-outbound must be like http://HOST[:PORT], not \"" + text + "\"");
  }
  out.scheme = text.substr(0, border);
  out.host = text.substr(border + 3);
  if (out.host.ends_with('/')) {
    out.host.pop_back();
  }
  const size_t colon = out.host.rfind(':');
  if (colon != std::string::npos && !out.host.ends_with(']')) {
    const std::string port = out.host.substr(colon + 1);
    out.host.resize(colon);
    out.port = port.size() < 6 && !port.empty() &&
                       port.find_first_not_of("0123456789") == std::string::npos
                   ? std::stoi(port)
                   : -1;
  }
  if ((out.scheme != "http" && out.scheme != "https") || out.host.empty() || out.port < 0 ||
      out.port > UINT16_MAX) {
    return invalid("--allow-outbound must be like http://HOST[:PORT], not \"" + text + "\"");
  }
  return out;
}

Result<gateway::HandlerBackend> backend_of(const Invocation& invocation) {
  gateway::HandlerBackend out;
  DUET_ASSIGN(out.env, read_environment(invocation));
  for (const auto& text : invocation.values("allow-outbound")) {
    DUET_ASSIGN(auto rule, parse_outbound(text));
    out.allow_outbound.push_back(std::move(rule));
  }
  if (const std::string memory = invocation.value("memory"); !memory.empty()) {
    const auto bytes = parse_quantity(memory);
    if (!bytes.ok() || *bytes <= 0) {
      return invalid("--memory must be a size like 64Mi, not \"" + memory + "\"");
    }
    out.limits.memory_bytes = *bytes;
  }
  return out;
}

Result<gateway::RouteTable> table_of(const Invocation& invocation,
                                     gateway::HandlerBackend backend) {
  route::AuthoritiesFile authorities(invocation.value("ca-file"));
  DUET_TRY(authorities.read());
  gateway::RouteTable table;
  table.authorities_pem = authorities.text();
  table.backends.push_back({.name = "handler", .kind = std::move(backend)});
  gateway::Rule rule;
  rule.backends.push_back({.backend = "handler"});
  table.routes.push_back({.name = "serve", .rules = {std::move(rule)}});
  return table;
}

// The folder of one gateway, removed at the end.
class ScratchFolder {
 public:
  static Result<ScratchFolder> make() {
    DUET_ASSIGN(auto path, sys::make_temporary_directory("/tmp", "duet-serve-"));
    return ScratchFolder(std::move(path));
  }
  ~ScratchFolder() {
    if (!path_.empty()) {
      (void)sys::remove_tree(path_);
    }
  }
  ScratchFolder(ScratchFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ScratchFolder& operator=(ScratchFolder&&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Signals that end `serve`, as a descriptor. Blocked before the gateway is started.
Result<sys::Fd> stop_signals() {
  sigset_t mask;
  sigemptyset(&mask);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&mask, signal);
  }
  pthread_sigmask(SIG_BLOCK, &mask, nullptr);
  sys::Fd fd(signalfd(-1, &mask, SFD_CLOEXEC));
  return fd.valid() ? Result<sys::Fd>(std::move(fd)) : Error::from_errno("signalfd", errno);
}

Result<int> wait_until_stopped(route::GatewayProcess& gateway, const sys::Fd& signals,
                               const std::string& folder) {
  pollfd polled[2] = {{.fd = signals.get(), .events = POLLIN},
                      {.fd = gateway.ended_fd(), .events = POLLIN}};
  while (poll(polled, 2, -1) < 0) {
  }
  if (polled[0].revents != 0) {
    DUET_TRY(gateway.stop(kDrainMs));
    return 0;
  }
  const auto log = sys::read_file(folder + "/gateway.log", 64 << 10);
  return internal("error: the gateway has ended" + (log.ok() ? ":\n" + *log : std::string()));
}

Result<int> serve_backend(const Invocation& invocation, gateway::HandlerBackend backend,
                          wasm::CodeCache& cache, const std::string& name) {
  DUET_ASSIGN(gateway::RouteTable table, table_of(invocation, std::move(backend)));
  DUET_ASSIGN(const std::string helpers, sys::executable_directory());
  DUET_ASSIGN(const ScratchFolder folder, ScratchFolder::make());
  DUET_ASSIGN(const sys::Fd signals, stop_signals());
  route::GatewayOptions options{
      .executable = helpers + "/duet-gateway",
      .run_directory = folder.path(),
      .listeners = {{.name = "http", .address = invocation.value("addr", "127.0.0.1:8080")}},
      .access_log = "/proc/self/fd/1"};  // lines go where this program's output goes
  if (geteuid() == 0) {
    options.user = std::to_string(kGatewayUser) + ":" + std::to_string(kGatewayUser);
  }
  route::GatewayProcess gateway(std::move(options), cache);
  if (const Status served = gateway.serve(std::move(table)); !served.ok()) {
    (void)gateway.stop(0);  // it may run already, and outlives who started it
    return served.error();
  }
  std::fprintf(stderr, "Serving %s on http://%s/ (Ctrl-C stops it)\n", name.c_str(),
               gateway.listeners()[0].address.c_str());
  return wait_until_stopped(gateway, signals, folder.path());
}

Result<int> run(const Invocation& invocation) {
  if (invocation.words.size() != 1) {
    return usage_error(invocation, "name one .wasm file or image to serve");
  }
  auto backend = backend_of(invocation);
  if (!backend.ok()) {
    return usage_error(invocation, backend.error().message());
  }
  DUET_ASSIGN(const Workload workload, find_workload(invocation, invocation.words[0]));
  if (!workload.module.valid()) {
    return invalid("error: " + workload.name + " is a container; try: duet run " +
                   invocation.words[0]);
  }
  const sys::SystemClock clock;
  DUET_ASSIGN(const auto cache, open_code_cache(invocation, clock));
  backend->use = invocation.has("wagi") ? engine::Use::kWagi : engine::Use::kOwn;
  const auto code = cache->ensure(workload.module.get(), workload.digest, backend->use);
  if (!code.ok()) {
    return command_error(code.error().wrap(workload.name));
  }
  if (!engine::is_handler(code->kind)) {
    return invalid("error: " + workload.name +
                   " is a program, not a request handler; try: duet run " + invocation.words[0] +
                   (code->kind == engine::Kind::kModuleProgram
                        ? " (or, if it speaks CGI: duet serve --wagi " + invocation.words[0] + ")"
                        : ""));
  }
  backend->code = code->digest;
  backend->args = {workload.name};
  auto served = serve_backend(invocation, std::move(*backend), *cache, workload.name);
  return served.ok() || served.error().message().starts_with("error: ")
             ? std::move(served)
             : Result<int>(command_error(served.error()));
}

}  // namespace

Verb serve_verb() {
  return {
      .name = "serve",
      .arguments = "(FILE.wasm | IMAGE)",
      .summary = "Serve one Wasm request handler now",
      .description =
          "Starts a gateway for one component that exports wasi:http/incoming-handler (0.2) or\n"
          "wasi:http/handler (0.3), or with --wagi for a program that speaks CGI, prints its\n"
          "address and the access log, and stops with Ctrl-C. Each request gets a fresh sandbox\n"
          "that may connect to nothing unless --allow-outbound says so.",
      .flags = kFlags,
      .examples = kExamples,
      .run = run,
      .words = Words::kFilesAndImages};
}

}  // namespace duet::cli
