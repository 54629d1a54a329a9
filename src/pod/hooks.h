#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

// Lifecycle hooks (postStart, preStop) on threads of their own: one may take as long as its pod's
// grace period, and no other pod or container waits for it.
namespace duet::pod {

struct HooksOptions {
  size_t running_limit = 128;  // hooks at the same time; what comes then fails at once
};

// Thread-safe. A hook is known by a name, for example that of the container's start.
class Hooks {
 public:
  static std::unique_ptr<Hooks> start(HooksOptions options = {});
  // Waits for the hooks that run.
  virtual ~Hooks() = default;

  // Runs `hook`, unless one of that name runs or has ended and was not forgotten; calls `done` on
  // another thread when it has ended.
  virtual void begin(const std::string& name, std::function<Status()> hook,
                     std::function<void()> done) = 0;
  virtual bool knows(const std::string& name) const = 0;
  // How it ended; none: it still runs, or nobody knows it.
  virtual std::optional<Status> ended(const std::string& name) const = 0;
  // Nobody asks for this one any more. What runs goes on to its end.
  virtual void forget(const std::string& name) = 0;
};

}  // namespace duet::pod
