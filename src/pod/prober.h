#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "object/pod.h"

// Startup, liveness and readiness probes.
namespace duet::pod {

enum class ProbeKind { kStartup, kLiveness, kReadiness };
enum class ProbeResult {
  kUnknown,  // not enough checks yet
  kSuccess,
  kFailure,
};

// One check; blocks up to the probe's timeout.
using Check = std::function<Status()>;

struct ProberOptions {
  int worker_limit = 4;         // checks at the same time
  size_t probe_limit = 10'000;  // probes in all
  int64_t second_ms = 1'000;    // what a second of a Probe's settings is
};

// Runs checks on threads of its own. Thread-safe.
class Prober {
 public:
  static std::unique_ptr<Prober> start(ProberOptions options = {});
  // Waits for the checks that run.
  virtual ~Prober() = default;

  // Probes the start `id` of a container from now on; one that is probed already goes on as it is.
  // `changed` is called on another thread with each new result.
  virtual void watch(const std::string& id, ProbeKind kind, const object::Probe& probe, Check check,
                     std::function<void()> changed) = 0;
  virtual ProbeResult result(const std::string& id, ProbeKind kind) const = 0;
  // The last failure's text.
  virtual std::string message(const std::string& id, ProbeKind kind) const = 0;
  // Ends all probes of that start.
  virtual void forget(const std::string& id) = 0;
};

}  // namespace duet::pod
