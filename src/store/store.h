#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "object/object.h"
#include "sys/clock.h"
#include "sys/randomness.h"

// The object store: everything the node knows, with versions, list and watch. Every public method
// of every class here is thread-safe.
namespace duet::store {

enum class EventType { kAdded, kModified, kDeleted };

struct WatchEvent {
  EventType type;
  object::Object object;  // as after the change; for kDeleted the last state
};

// What a list saw, so that a watch can go on from there.
struct Listing {
  std::vector<object::Object> objects;  // by namespace, then name
  int64_t resource_version = 0;
};

// A running watch. Events come in order and none is left out, or the watch says that it fell too
// far behind.
class Watch {
 public:
  virtual ~Watch() = default;
  // The next event; nothing after `timeout_ms` or when the watch was cancelled. kExhausted (HTTP
  // 410 Gone to an API client): it fell behind the bounded history, list anew.
  virtual Result<std::optional<WatchEvent>> next(int64_t timeout_ms) = 0;
  // Ends the watch; a thread in next() returns.
  virtual void cancel() = 0;
};

struct StoreOptions {
  size_t object_size_bytes = 1 << 20;   // of one object's JSON
  size_t object_limit = 100'000;        // in all
  size_t history_limit = 4'096;         // events kept for watches that resume or lag
  size_t history_size_bytes = 4 << 20;  // of those events
  size_t event_object_limit = 1'000;    // Events of the Kubernetes kind kept; the oldest go
  size_t value_limit = 100'000;         // of put_value
  sys::Random* random = nullptr;        // for uids; none: the kernel's. Must outlive the store
};

// How a delete goes on. Pods with a grace period are marked (deletionTimestamp) and stay until the
// pod room has stopped them and calls finish_delete; everything else goes at once.
struct DeleteOptions {
  std::optional<int64_t> grace_period_seconds;  // none: the pod's own
  std::string uid;                              // non-empty: only this very object
};

class Store {
 public:
  // Opens or makes the database at `path` (SQLite, WAL, full sync). kCorrupt: the file is damaged
  // or foreign; it was moved aside, unchanged, and the message names where it is now. An older
  // schema is migrated, a newer one refused with kUnsupported and left as it is. `clock` must
  // outlive the store.
  static Result<std::unique_ptr<Store>> open(const std::string& path, const sys::Clock& clock,
                                             const StoreOptions& options = {});
  virtual ~Store() = default;

  virtual Result<object::Object> get(const object::ObjectKey& key) = 0;
  // All objects of `kind`, in one namespace if `ns` is not empty.
  virtual Result<Listing> list(object::Kind kind, const std::string& ns = "") = 0;

  // Makes a new object: sets uid, resourceVersion, generation, creationTimestamp; drops a status
  // given with it. One that has a `uid` is another control plane's and keeps when it was made.
  virtual Result<object::Object> create(const object::Object& object) = 0;
  // Replaces everything but status, uid and creationTimestamp; generation grows when the spec
  // changed. kConflict when `object.resource_version` is not 0 and not the stored one. A change of
  // nothing writes nothing.
  virtual Result<object::Object> update(const object::Object& object) = 0;
  // create or update, whichever fits; the ordinary way for sources and `apply`.
  virtual Result<object::Object> apply(const object::Object& object) = 0;
  // Replaces `status` alone with the JSON object `status_json`; kNotFound if the object is gone or,
  // with a `uid`, is another one. A status equal to the stored one writes nothing.
  virtual Result<object::Object> update_status(const object::ObjectKey& key, const std::string& uid,
                                               const std::string& status_json) = 0;

  virtual Status remove(const object::ObjectKey& key, const DeleteOptions& options = {}) = 0;
  // Takes an object that remove() marked away for good.
  virtual Status finish_delete(const object::ObjectKey& key, const std::string& uid) = 0;

  // Watches the `kinds` from just after `resource_version` (0: from now).
  virtual Result<std::unique_ptr<Watch>> watch(std::vector<object::Kind> kinds,
                                               int64_t resource_version = 0) = 0;

  // Records a Kubernetes Event about `about` (type Normal or Warning); equal ones are counted, not
  // repeated.
  virtual Status record_event(const object::ObjectKey& about, const std::string& uid,
                              const std::string& type, const std::string& reason,
                              const std::string& message) = 0;

  // Small durable values of other rooms (restart counts, keys of the node), by room and name.
  virtual Result<std::optional<std::string>> get_value(const std::string& room,
                                                       const std::string& name) = 0;
  virtual Status put_value(const std::string& room, const std::string& name,
                           const std::optional<std::string>& value) = 0;
};

}  // namespace duet::store
