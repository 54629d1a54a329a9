#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"
#include "engine/handler.h"

struct duet_instances;

namespace duet::engine {

// How sandboxes of an asynchronous handler are used again.
struct Reuse {
  std::uint32_t requests = 1;              // that a sandbox answers in its life
  std::uint32_t concurrency = 1;           // of them at the same time
  std::uint32_t idle_limit = 8;            // sandboxes that wait for a request
  std::uint64_t idle_ns = 10'000'000'000;  // how long they wait
};

// Sandboxes of one handler (Kind::kAsyncHandler) that answer several requests, one after the other
// or at the same time, so that requests can see what others left in memory. When one traps or
// overruns a budget, its sandbox and all requests in it end with that outcome. A request that is
// destroyed before its end keeps its sandbox from taking more. Belongs to its engine's thread;
// outlives its requests, and its handler outlives it.
class Instances {
 public:
  // `token` is what Engine::next_ready() gives when tidy() should be called. kInvalid: a handler of
  // another kind, or nothing to answer.
  static Result<Instances> create(const Handler& handler, const Reuse& reuse, std::uint64_t token);
  ~Instances();
  Instances(Instances&& other) noexcept;
  Instances& operator=(Instances&& other) noexcept;

  // As HandlerRequest::start(). Bounds of the sandbox are those of the request that it was made
  // for; handles are multiplied by Reuse::concurrency. CPU time counts for the request in whose
  // poll() it was spent.
  Result<HandlerRequest> start(const RequestHead& head, const RequestLimits& limits,
                               std::uint64_t token);
  // Frees sandboxes that waited for too long.
  void tidy();
  // Sandboxes that are alive.
  std::size_t count() const;

 private:
  explicit Instances(duet_instances* instances) : instances_(instances) {}
  duet_instances* instances_;
};

}  // namespace duet::engine
