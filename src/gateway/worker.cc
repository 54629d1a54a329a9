#include "gateway/worker.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "gateway/client_connection.h"
#include "gateway/files_service.h"
#include "gateway/services.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kDrainCheckNs = 20 * kNsPerMs;

}  // namespace

Worker::Worker(net::EventLoop& loop, const WorkerOptions& options,
               std::unique_ptr<SandboxEngine> engine)
    : loop_(loop),
      engine_(std::move(engine)),
      templates_(*engine_),
      front_(loop, options.clients, options.seed),
      pool_(loop, front_.buffers),
      groups_(front_) {
  front_.dns = options.dns;
}

Result<std::unique_ptr<Worker>> Worker::create(net::EventLoop& loop, const WorkerOptions& options) {
  DUET_ASSIGN(auto engine, SandboxEngine::create(loop, options.engine));
  return std::unique_ptr<Worker>(new Worker(loop, options, std::move(engine)));
}

Worker::~Worker() {
  acceptors_.clear();
  group_acceptors_.clear();
  front_.connections.clear();  // their calls use the pool and the engine
  groups_.close();
  front_.graveyard.run_deferred();
  front_.table.reset();
}

void Worker::add_listener(const std::string& name, sys::Fd fd) { sockets_[name] = std::move(fd); }

Result<std::shared_ptr<Backend>> Worker::make_backend(const BackendConfig& config) {
  if (const auto* files = std::get_if<FilesBackend>(&config.kind)) {
    return make_files(config.name, *files);
  }
  // What has not changed goes on, with its connections and counters.
  if (const auto known = configs_.find(config.name);
      known != configs_.end() && *known->second == config) {
    return front_.table->backend(config.name);
  }
  if (const auto* proxy = std::get_if<ProxyBackend>(&config.kind)) {
    DUET_ASSIGN(auto service, ProxyService::create(config.name, *proxy, pool_));
    return std::shared_ptr<Backend>(std::move(service));
  }
  if (const auto* group = std::get_if<GroupBackend>(&config.kind)) {
    return std::shared_ptr<Backend>(
        std::make_shared<GroupService>(config.name, *group, groups_.peer(group->group)));
  }
  if (const auto* handler = std::get_if<HandlerBackend>(&config.kind)) {
    auto service = HandlerService::create(config.name, *handler, front_, pool_, templates_);
    if (service.ok()) {
      return std::shared_ptr<Backend>(std::move(*service));
    }
    if (service.error().code() == ErrorCode::kNotFound) {
      return service.error();  // the agent did not send the code
    }
    return std::shared_ptr<Backend>(
        std::make_shared<BrokenHandler>(config.name, service.error().message()));
  }
  return std::shared_ptr<Backend>(
      std::make_shared<StaticService>(config.name, std::get<StaticBackend>(config.kind)));
}

// A folder that was not sent is none that the agent could open.
std::shared_ptr<Backend> Worker::make_files(const std::string& name, const FilesBackend& config) {
  const auto folder = folders_.find(config.folder);
  if (folder == folders_.end()) {
    return std::make_shared<StaticService>(
        name, StaticBackend{.status = 500, .reason = "FolderNotFound"});
  }
  return std::make_shared<FilesService>(name, config, folder->second, loop_);
}

Status Worker::open_listeners(const RouteTable& table) {
  for (const Listener& listener : table.listeners) {
    if (!acceptors_.contains(listener.name) && !group_acceptors_.contains(listener.name) &&
        !sockets_.contains(listener.name)) {
      return not_found("listener " + listener.name + " (" + listener.address +
                       "): its socket was not sent");
    }
  }
  for (const Listener& listener : table.listeners) {
    const auto socket = sockets_.find(listener.name);
    if (socket == sockets_.end()) {
      continue;
    }
    if (listener.group) {
      auto acceptor =
          std::make_unique<GroupAcceptor>(front_.loop, groups_, std::move(socket->second));
      sockets_.erase(socket);
      DUET_TRY(acceptor->start());
      group_acceptors_[listener.name] = std::move(acceptor);
      continue;
    }
    auto acceptor = std::make_unique<Acceptor>(front_, listener, std::move(socket->second));
    sockets_.erase(socket);
    DUET_TRY(acceptor->start());
    acceptors_[listener.name] = std::move(acceptor);
  }
  for (const Listener& listener : table.listeners) {
    if (const auto acceptor = acceptors_.find(listener.name); acceptor != acceptors_.end()) {
      acceptor->second->expect_proxy_header(listener.proxy_protocol);
    }
  }
  return {};
}

// Certificates for the handshakes that begin from now on. One that OpenSSL refuses, though the
// agent did not, is left out: its names get the default certificate.
Status Worker::prepare_tls(const RouteTable& table) {
  const bool wanted = std::any_of(table.listeners.begin(), table.listeners.end(),
                                  [](const Listener& listener) { return listener.tls; });
  if (!wanted) {
    return {};
  }
  if (!front_.tls) {
    DUET_ASSIGN(front_.tls, net::TlsServer::create());
  }
  std::vector<net::ServerCertificate> certificates;
  certificates.reserve(table.certificates.size());
  for (const Certificate& one : table.certificates) {
    certificates.push_back({one.hosts, one.chain_pem, one.key_pem});
  }
  front_.tls->set_certificates(net::TlsCertificates::make(
      certificates, front_.tls->certificates(),
      [&table](std::size_t place, const std::string& why) {
        std::fprintf(stderr, "duet-gateway: %s: %s\n", table.certificates[place].name.c_str(),
                     why.c_str());
      }));
  return {};
}

void Worker::drop_unused(const RouteTable& table) {
  std::map<std::string, bool, std::less<>> named;
  for (const Listener& listener : table.listeners) {
    named[listener.name] = true;
  }
  const auto is_unnamed = [&named](const auto& entry) { return !named.contains(entry.first); };
  if (std::erase_if(acceptors_, is_unnamed) > 0) {
    drain_unnamed(named);
  }
  std::erase_if(group_acceptors_, is_unnamed);
  std::vector<std::string> codes;
  std::map<std::string, bool> folders;
  for (const BackendConfig& backend : table.backends) {
    if (const auto* handler = std::get_if<HandlerBackend>(&backend.kind)) {
      codes.push_back(handler->code);
    } else if (const auto* files = std::get_if<FilesBackend>(&backend.kind)) {
      folders[files->folder] = true;
    }
  }
  templates_.keep_only(codes);
  std::erase_if(folders_, [&folders](const auto& entry) { return !folders.contains(entry.first); });
}

// Clients of listeners that are gone: what they asked is answered.
void Worker::drain_unnamed(const std::map<std::string, bool, std::less<>>& named) {
  for (const auto& connection : front_.connections) {
    if (!named.contains(connection->listener())) {
      connection->drain();
    }
  }
}

Status Worker::set_table(RouteTable table) {
  if (front_.draining) {
    return Error(ErrorCode::kUnavailable, "the worker is draining");
  }
  DUET_ASSIGN(auto active,
              ActiveTable::build(std::move(table), [this](const BackendConfig& config) {
                return make_backend(config);
              }));
  DUET_ASSIGN(Forwarding forwarding, Forwarding::make(active->config().forwarding));
  DUET_TRY(prepare_tls(active->config()));
  front_.forwarding = std::move(forwarding);
  pool_.set_authorities(active->config().authorities_pem);
  DUET_TRY(open_listeners(active->config()));
  const auto last = std::exchange(front_.table, std::move(active));
  groups_.take(front_.table->config().groups);
  configs_.clear();
  for (const BackendConfig& backend : front_.table->config().backends) {
    configs_[backend.name] = &backend;
  }
  if (last) {
    keep_for_groups(*last);
  }
  drop_unused(front_.table->config());
  return {};
}

// Requests that began with the last table may still lead from one group to another.
void Worker::keep_for_groups(const ActiveTable& last) {
  if (group_acceptors_.empty() && front_.table->config().groups.empty()) {
    return;
  }
  for (const BackendConfig& backend : last.config().backends) {
    const bool is_handler = std::holds_alternative<HandlerBackend>(backend.kind) ||
                            std::holds_alternative<GroupBackend>(backend.kind);
    if (is_handler && !configs_.contains(backend.name)) {
      groups_.keep(backend.name, last.backend(backend.name));
    }
  }
}

void Worker::drain(std::int64_t timeout_ms) {
  front_.draining = true;
  drain_until_ns_ = loop_.now_ns() + timeout_ms * kNsPerMs;
  // Clients whose connection the kernel has made already believe that somebody listens.
  for (const auto& [name, acceptor] : acceptors_) {
    acceptor->take_waiting();
  }
  acceptors_.clear();
  group_acceptors_.clear();
  sockets_.clear();
  front_.sends.send_all();
  for (const auto& connection : front_.connections) {
    connection->drain();
  }
  loop_.set_timer(drain_timer_, 0);
}

void Worker::check_drained() {
  // A group's gateway serves the shared one for as long as that one asks.
  const bool is_done = front_.connections.empty() && !groups_.has_askers();
  if (is_done || loop_.now_ns() >= drain_until_ns_) {
    front_.access_log.flush();
    loop_.stop();
  } else {
    loop_.set_timer(drain_timer_, kDrainCheckNs);
  }
}

WorkerStatus Worker::status() const {
  WorkerStatus status{.pid = getpid(),
                      .generation = front_.table ? front_.table->config().generation : 0,
                      .draining = front_.draining,
                      .codes = templates_.codes(),
                      .connections = static_cast<std::int64_t>(front_.connections.size()),
                      .requests_in_flight = front_.requests_in_flight + groups_.asked_of(""),
                      .requests = front_.requests,
                      .log_dropped = front_.access_log.dropped()};
  for (const auto& [name, acceptor] : acceptors_) {
    status.listeners.push_back(name);
  }
  for (const auto& [name, acceptor] : group_acceptors_) {
    status.listeners.push_back(name);
  }
  for (const auto& [name, socket] : sockets_) {
    status.listeners.push_back(name);
  }
  for (const auto& [name, folder] : folders_) {
    status.folders.push_back(name);
  }
  status.groups = groups_.names();
  return status;
}

std::string Worker::metrics() const {
  observe::Exposition out;
  front_.metrics.write(out);
  const auto one = [&out](std::string_view name, std::string_view type, std::string_view help,
                          std::uint64_t value) {
    out.family(name, type, help);
    out.sample({}, value);
  };
  one("duet_gateway_workers", "gauge", "Gateway workers.", 1);
  one("duet_gateway_connections", "gauge", "Open client connections.", front_.connections.size());
  one("duet_gateway_requests_in_flight", "gauge", "Requests that are being answered.",
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, front_.requests_in_flight)));
  const struct mallinfo2 heap = mallinfo2();
  one("duet_gateway_heap_bytes", "gauge", "Memory that the workers' allocators have given out.",
      heap.uordblks + heap.hblkhd);
  one("duet_access_log_lines_dropped_total", "counter",
      "Lines of the access log that were lost because it was too slow.",
      front_.access_log.dropped());
  return out.take();
}

}  // namespace duet::gateway
