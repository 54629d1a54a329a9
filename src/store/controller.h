#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "object/object.h"
#include "store/store.h"
#include "sys/clock.h"

namespace duet::store {

// A level-triggered control loop over the store: events only wake it, `reconcile` looks at what is
// and repairs. One key is never in two workers at once; a key that fails comes back with
// exponential back-off; one that was woken while it was worked on comes back at once.
struct ControllerOptions {
  std::string name;                 // for logs
  std::vector<object::Kind> kinds;  // whose changes wake it
  int worker_limit = 2;             // threads
  size_t queue_limit = 100'000;     // keys waiting
  int64_t backoff_first_ms = 50;
  int64_t backoff_limit_ms = 30'000;
  int64_t resync_ms = 300'000;  // every key again, in case an event was lost
};

class Controller {
 public:
  // What to do with a key next: nothing until an event, or again after a while.
  struct Next {
    std::optional<int64_t> after_ms;
  };
  using Reconcile = std::function<Result<Next>(const std::string& key)>;
  // The keys that a changed object wakes (for a Pod of a Deployment: the Deployment's).
  using KeysOf = std::function<std::vector<std::string>(const WatchEvent&)>;
  using Log = std::function<void(const std::string& line)>;

  // Starts threads; lists everything first, then watches, and returns when it does: no change after
  // that is missed. The store, and what the functions refer to, must outlive the controller.
  // reconcile may be called before start returned.
  static std::unique_ptr<Controller> start(Store& store, ControllerOptions options, KeysOf keys_of,
                                           Reconcile reconcile, Log log);
  // Stops and joins; a reconcile that runs is waited for.
  virtual ~Controller() = default;

  // Wakes `key` from outside (a child ended, a timer of ours). Thread-safe, also from within
  // reconcile.
  virtual void wake(const std::string& key) = 0;
};

// "namespace/name" and back.
std::string key_text(const object::ObjectKey& key);
object::ObjectKey key_from_text(object::Kind kind, const std::string& text);

}  // namespace duet::store
