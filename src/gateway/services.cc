#include "gateway/services.h"

#include <charconv>

#include "gateway/group_call.h"
#include "gateway/handler_call.h"
#include "gateway/http2_proxy_call.h"
#include "gateway/proxy_call.h"

namespace duet::gateway {
namespace {

class StaticCall final : public Call {
 public:
  // Shares the body with the other calls: it may be large, and there may be many of them.
  StaticCall(std::shared_ptr<const StaticBackend> config, Caller& caller)
      : config_(std::move(config)), caller_(caller) {}

  void begin() override {
    const net::Field type{"Content-Type", config_->content_type};
    const std::size_t size = config_->body.size();
    caller_.on_head({.status = config_->status,
                     .fields = {&type, 1},
                     .framing = size == 0 ? net::Framing::kNone : net::Framing::kLength,
                     .content_length = size});
    resume_answer();
  }
  std::size_t write_body(std::string_view data) override { return data.size(); }
  void finish_body(std::span<const net::Field>) override {}
  void resume_answer() override {
    constexpr std::size_t kPieceBytes = 16 << 10;
    const std::string_view body = config_->body;
    while (!over_ && passed_ < body.size()) {
      const std::string_view piece = body.substr(passed_, kPieceBytes);
      passed_ += piece.size();
      if (!caller_.on_data(piece)) {
        return;
      }
    }
    if (!over_) {
      over_ = true;
      caller_.on_end({});
    }
  }
  void cancel() override { over_ = true; }

 private:
  std::shared_ptr<const StaticBackend> config_;
  std::size_t passed_ = 0;  // bytes of the body
  bool over_ = false;
  Caller& caller_;
};

}  // namespace

StaticService::StaticService(std::string name, StaticBackend config) : name_(std::move(name)) {
  if (config.content_type.empty()) {
    config.content_type = "text/plain; charset=utf-8";
  }
  config_ = std::make_shared<const StaticBackend>(std::move(config));
}

std::unique_ptr<Call> StaticService::start(const CallHead&, Caller& caller) {
  if (config_->body.empty() && config_->status >= 400) {
    return std::make_unique<FailedCall>(
        caller, Failure{.status = config_->status, .reason = config_->reason, .detail = {}});
  }
  return std::make_unique<StaticCall>(config_, caller);
}

std::unique_ptr<Call> BrokenHandler::start(const CallHead&, Caller& caller) {
  return std::make_unique<FailedCall>(
      caller, Failure{.status = 502, .reason = "HandlerNotLoaded", .detail = why_});
}

std::unique_ptr<Call> GroupService::start(const CallHead& head, Caller& caller) {
  auto link = peer_->link();
  if (!link) {
    return std::make_unique<FailedCall>(
        caller, Failure{.status = 503,
                        .reason = "NoWorker",
                        .detail = "the worker group '" + config_.group + "' does not answer"});
  }
  return std::make_unique<GroupCall>(std::move(link), CallTarget{.backend = name_}, config_.wall_ms,
                                     head, caller);
}

Result<std::shared_ptr<ProxyService>> ProxyService::create(std::string name,
                                                           const ProxyBackend& config,
                                                           UpstreamPool& pool) {
  std::shared_ptr<ProxyService> service(new ProxyService(std::move(name), config, pool));
  if (!config.endpoints.empty()) {
    DUET_ASSIGN(service->servers_, service->make_servers({}));
  }
  return service;
}

// The endpoints, one at least, as they are asked without TLS or for `tls_name`.
Result<std::shared_ptr<Servers>> ProxyService::make_servers(const std::string& tls_name) {
  std::vector<Origin*> origins;
  for (const Endpoint& endpoint : config_.endpoints) {
    DUET_ASSIGN(Origin * origin, pool_.origin(endpoint.address, endpoint.port, tls_name));
    origins.push_back(origin);
  }
  return std::shared_ptr<Servers>(std::make_shared<BalancedServers>(
      std::move(origins), name_,
      BalancedServers::Policy{.health = {.failure_limit = config_.failure_limit,
                                         .counts_errors = config_.counts_errors},
                              .retry_limit = config_.retry_limit},
      pool_.loop()));
}

std::unique_ptr<Call> ProxyService::start(const CallHead& head, Caller& caller) {
  if (!servers_) {
    return std::make_unique<FailedCall>(
        caller, Failure{.status = 503, .reason = "NoEndpoints", .detail = {}});
  }
  const UpstreamTimeouts timeouts{.connect_ms = config_.connect_timeout_ms,
                                  .idle_ms = config_.idle_timeout_ms,
                                  .total_ms = head.timeout_ms};
  if (!head.tls_name.empty()) {
    return start_tls(head, timeouts, caller);
  }
  if (config_.http2) {
    return std::make_unique<Http2ProxyCall>(pool_, servers_, timeouts, head, caller);
  }
  return std::make_unique<ProxyCall>(pool_, servers_, timeouts, head, caller);
}

std::unique_ptr<Call> ProxyService::start_tls(const CallHead& head,
                                              const UpstreamTimeouts& timeouts, Caller& caller) {
  auto known = tls_servers_.find(head.tls_name);
  if (known == tls_servers_.end()) {
    const std::string name(head.tls_name);
    auto servers = make_servers(name);
    if (!servers.ok()) {
      return std::make_unique<FailedCall>(
          caller, Failure{.reason = "ConnectFailed", .detail = servers.error().message()});
    }
    known = tls_servers_.emplace(name, std::move(*servers)).first;
  }
  return std::make_unique<ProxyCall>(pool_, known->second, timeouts, head, caller);
}

Result<std::shared_ptr<HandlerService>> HandlerService::create(std::string name,
                                                               HandlerBackend config, Front& front,
                                                               UpstreamPool& pool,
                                                               TemplateCache& templates) {
  auto shared = std::make_shared<HandlerShared>(std::move(name), std::move(config), front, pool);
  DUET_ASSIGN(shared->handler, templates.get(shared->config));
  if (shared->handler->kind() == engine::Kind::kModuleHandler) {
    shared->cgi = std::make_unique<const CgiEnvironment>(shared->config.env,
                                                         shared->config.passes_authorization);
  }
  if (shared->config.reuse.requests > 1) {
    DUET_ASSIGN(shared->instances, InstancePool::create(*shared->handler, shared->config.reuse));
  }
  return std::shared_ptr<HandlerService>(new HandlerService(std::move(shared)));
}

std::unique_ptr<Call> HandlerService::start(const CallHead& head, Caller& caller) {
  if (shared_->in_flight >= shared_->config.limits.in_flight) {
    return std::make_unique<FailedCall>(
        caller, Failure{.status = 503, .reason = "Overloaded", .detail = {}});
  }
  return HandlerCall::start(shared_, head, caller);
}

}  // namespace duet::gateway
