#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/event_loop.h"

namespace duet::net {

struct ResolverOptions {
  std::string servers;  // "IP[:PORT],..." with IPv6 in brackets; empty: those of /etc/resolv.conf
  std::int64_t timeout_ms = 2'000;     // of one query to one server, the first time
  int tries = 2;                       // of each server
  std::size_t name_limit = 4'096;      // names that are known or asked for at the same time
  std::size_t address_limit = 16;      // of one name; more are left out
  std::int64_t ttl_limit_ms = 60'000;  // an answer is kept for its own time, at most this long
  std::int64_t failure_ttl_ms = 2'000;
};

// Names to addresses (A and AAAA) on an event loop, by c-ares: /etc/hosts, then DNS. Names are
// taken as they are, without search domains. Equal questions are asked once, answers are kept. Not
// thread-safe.
class Resolver {
 public:
  // IP addresses as text, without brackets. Errors: kNotFound (there is no such name, or it has no
  // address), kTimeout, kUnavailable (no server answers), kExhausted (more than name_limit).
  using Answer = Result<std::vector<std::string>>;

  // Who waits for an answer.
  class Waiter {
   public:
    // Called once, from the loop; the resolver may be asked again from inside.
    virtual void on_resolved(const Answer& answer) = 0;

   protected:
    ~Waiter() = default;
  };

  static Result<std::unique_ptr<Resolver>> create(EventLoop& loop, const ResolverOptions& options);
  virtual ~Resolver() = default;

  // What is known at once; or nothing, and `waiter` is told later unless forget() is called before.
  virtual std::optional<Answer> resolve(const std::string& name, Waiter& waiter) = 0;
  virtual void forget(Waiter& waiter) = 0;
};

}  // namespace duet::net
