#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/retry_budget.h"
#include "gateway/server_health.h"
#include "gateway/upstream_pool.h"

namespace duet::gateway {

// The servers that a request may go to, one at least, shared by all requests to them. Keeps their
// origins. Not thread-safe.
class Servers {
 public:
  explicit Servers(std::vector<Origin*> origins);
  virtual ~Servers();
  Servers(const Servers&) = delete;
  Servers& operator=(const Servers&) = delete;

  // The one to ask that is none of `tried`; null: there is no other.
  virtual Origin* choose(std::span<Origin* const> tried) = 0;
  // How the request to `origin` went: it answered with `status`, or did not, for a reason.
  virtual void note_answer(Origin& origin, int status) = 0;
  virtual void note_failure(Origin& origin, std::string_view reason) = 0;
  // Whether a request that reached a server without an answer may be sent once more; `resent` is
  // how often it was already. Takes it from the budget.
  virtual bool take_retry(std::int32_t resent) = 0;

 protected:
  const std::vector<Origin*> origins_;
};

// The endpoints of a service. A request goes to the one that has the fewest, in turn where several
// have, and not to one that is out (ServerHealth) unless all are: then all are tried, because
// answers may come back any time and a refusal is certain.
class BalancedServers final : public Servers {
 public:
  struct Policy {
    HealthPolicy health;
    std::int32_t retry_limit = 2;  // for one request
  };
  // `service`: for messages.
  BalancedServers(std::vector<Origin*> origins, std::string service, const Policy& policy,
                  const net::EventLoop& loop)
      : Servers(std::move(origins)), service_(std::move(service)), policy_(policy), loop_(loop) {}

  Origin* choose(std::span<Origin* const> tried) override;
  void note_answer(Origin& origin, int status) override;
  void note_failure(Origin& origin, std::string_view reason) override;
  bool take_retry(std::int32_t resent) override;

 private:
  std::string service_;
  Policy policy_;
  const net::EventLoop& loop_;
  RetryBudget budget_;
  std::size_t turn_ = 0;
};

// The addresses of a name: each is tried only if no connection to those before it could be made.
class ListedServers final : public Servers {
 public:
  using Servers::Servers;
  Origin* choose(std::span<Origin* const> tried) override;
  void note_answer(Origin&, int) override {}
  void note_failure(Origin&, std::string_view) override {}
  bool take_retry(std::int32_t) override { return false; }
};

}  // namespace duet::gateway
