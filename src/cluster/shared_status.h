#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "base/result.h"
#include "cluster/api_client.h"
#include "cluster/json_field.h"
#include "object/object.h"
#include "store/controller.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

// Writes into a cluster's Ingresses and HTTPRoutes what every node that answers them would write:
// each waits a random while, and who is first writes for all. Where somebody else writes something
// else, it is written again after a pause. Thread-safe; a thread of its own.
class SharedStatus {
 public:
  struct Options {
    std::int64_t spread_ms = 5'000;  // within which nodes write a new object's
    std::int64_t pause_ms = 60'000;  // between two patches of one object
    std::size_t object_limit = 2'000;
    std::function<void(const std::string& line)> log;
  };

  // `api` is used on the thread of this alone. What is given must outlive this.
  static std::unique_ptr<SharedStatus> start(store::Store& store, ApiClient& api,
                                             const sys::Clock& clock, sys::Random& random,
                                             Options options);
  SharedStatus(const SharedStatus&) = delete;
  SharedStatus& operator=(const SharedStatus&) = delete;
  ~SharedStatus() = default;

  // What an object lacks, as the server had it last: a merge patch of it; nothing: it says it all.
  void see(const object::ObjectKey& key, std::optional<Json> patch);

 private:
  using Next = store::Controller::Next;
  struct Object {
    std::optional<Json> patch;      // that is to be written
    sys::MonotonicTime not_before;  // may it be written
  };
  struct Turn {
    std::optional<std::int64_t> wait_ms;  // nothing: it needs no patch
    Json patch;                           // without a wait: to be written now
  };
  SharedStatus(ApiClient& api, const sys::Clock& clock, sys::Random& random, Options options)
      : api_(api), clock_(clock), random_(random), options_(std::move(options)) {}

  Result<Next> write(const std::string& work);
  Turn take_turn(const object::ObjectKey& key);
  Result<Next> failed(const object::ObjectKey& key, Json patch, const Error& error);

  ApiClient& api_;
  const sys::Clock& clock_;
  sys::Random& random_;
  const Options options_;
  std::set<object::Kind> refused_;  // of which the log has it
  std::mutex mutex_;
  std::map<object::ObjectKey, Object> seen_;  // that need a patch, or had one a moment ago
  // The last member: it must end before what it uses goes.
  std::unique_ptr<store::Controller> controller_;
};

}  // namespace duet::cluster
