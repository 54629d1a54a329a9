#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway/active_table.h"
#include "gateway/cgi_request.h"
#include "gateway/conduct.h"
#include "gateway/config.h"
#include "gateway/exchange.h"
#include "gateway/front.h"
#include "gateway/groups.h"
#include "gateway/guest_log.h"
#include "gateway/instance_pool.h"
#include "gateway/outbound_policy.h"
#include "gateway/sandbox_engine.h"
#include "gateway/servers.h"
#include "gateway/template_cache.h"
#include "gateway/upstream_pool.h"
#include "gateway/upstream_request.h"

// The kinds of backends that answer.
namespace duet::gateway {

// A call that has failed before it began.
class FailedCall final : public Call {
 public:
  FailedCall(Caller& caller, Failure failure) : caller_(caller), failure_(std::move(failure)) {}
  void begin() override { caller_.on_failure(failure_); }
  std::size_t write_body(std::string_view data) override { return data.size(); }
  void finish_body(std::span<const net::Field>) override {}
  void resume_answer() override {}
  void cancel() override {}

 private:
  Caller& caller_;
  Failure failure_;
};

// Answers the same to everything.
class StaticService final : public Backend {
 public:
  StaticService(std::string name, StaticBackend config);
  std::string_view name() const override { return name_; }
  std::unique_ptr<Call> start(const CallHead& head, Caller& caller) override;

 private:
  std::string name_;
  std::shared_ptr<const StaticBackend> config_;
};

// A handler whose code could not be loaded: every request fails, and the others go on.
class BrokenHandler final : public Backend {
 public:
  BrokenHandler(std::string name, std::string why) : name_(std::move(name)), why_(std::move(why)) {}
  std::string_view name() const override { return name_; }
  std::unique_ptr<Call> start(const CallHead& head, Caller& caller) override;

 private:
  std::string name_;
  std::string why_;
};

// Passes requests on to servers.
class ProxyService final : public Backend {
 public:
  static Result<std::shared_ptr<ProxyService>> create(std::string name, const ProxyBackend& config,
                                                      UpstreamPool& pool);
  std::string_view name() const override { return name_; }
  std::unique_ptr<Call> start(const CallHead& head, Caller& caller) override;

 private:
  ProxyService(std::string name, const ProxyBackend& config, UpstreamPool& pool)
      : name_(std::move(name)), config_(config), pool_(pool) {}
  Result<std::shared_ptr<Servers>> make_servers(const std::string& tls_name);
  std::unique_ptr<Call> start_tls(const CallHead& head, const UpstreamTimeouts& timeouts,
                                  Caller& caller);
  std::string name_;
  ProxyBackend config_;
  UpstreamPool& pool_;
  std::shared_ptr<Servers> servers_;  // null: there are none
  // The same with TLS, by the name that handlers ask: a service has no more than four.
  std::map<std::string, std::shared_ptr<Servers>, std::less<>> tls_servers_;
};

// A handler of another worker group.
class GroupService final : public Backend {
 public:
  GroupService(std::string name, GroupBackend config, std::shared_ptr<GroupPeer> peer)
      : name_(std::move(name)), config_(std::move(config)), peer_(std::move(peer)) {}
  std::string_view name() const override { return name_; }
  std::unique_ptr<Call> start(const CallHead& head, Caller& caller) override;

 private:
  std::string name_;
  GroupBackend config_;
  std::shared_ptr<GroupPeer> peer_;
};

// What the calls of one handler share, and what outlives a table that named it.
struct HandlerShared {
  HandlerShared(std::string backend_name, HandlerBackend backend_config, Front& front_of_worker,
                UpstreamPool& upstreams)
      : name(std::move(backend_name)),
        config(std::move(backend_config)),
        outbound(config.allow_outbound, config.ns),
        front(front_of_worker),
        pool(upstreams),
        log(front_of_worker.loop, config.log_path) {}

  std::string name;
  HandlerBackend config;
  OutboundPolicy outbound;
  Front& front;
  UpstreamPool& pool;
  GuestLog log;
  std::shared_ptr<engine::Handler> handler;   // the template
  std::unique_ptr<InstancePool> instances;    // null: each request has a fresh sandbox
  std::unique_ptr<const CgiEnvironment> cgi;  // of a command; null: a component
  std::int32_t in_flight = 0;
  bool warm = false;  // a request has used it
  Conduct conduct;
};

// Answers requests in sandboxes.
class HandlerService final : public Backend {
 public:
  // Loads the code, so that the first request does not have to.
  static Result<std::shared_ptr<HandlerService>> create(std::string name, HandlerBackend config,
                                                        Front& front, UpstreamPool& pool,
                                                        TemplateCache& templates);
  std::string_view name() const override { return shared_->name; }
  std::unique_ptr<Call> start(const CallHead& head, Caller& caller) override;

 private:
  explicit HandlerService(std::shared_ptr<HandlerShared> shared) : shared_(std::move(shared)) {}
  std::shared_ptr<HandlerShared> shared_;
};

}  // namespace duet::gateway
