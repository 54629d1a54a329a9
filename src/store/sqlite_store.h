#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "store/database.h"
#include "store/document.h"
#include "store/history.h"
#include "store/store.h"
#include "store/table.h"
#include "sys/randomness.h"

namespace duet::store {

// The Store on SQLite: one connection behind one mutex. A write is one transaction; its events go
// to the history after it was committed, in the order of their versions.
class SqliteStore final : public Store {
 public:
  SqliteStore(std::unique_ptr<Database> database, const sys::Clock& clock,
              const StoreOptions& options);
  ~SqliteStore() override;
  // Reads the counters and makes the default namespace. Called once, before anything else.
  Status start();

  Result<object::Object> get(const object::ObjectKey& key) override;
  Result<Listing> list(object::Kind kind, const std::string& ns) override;
  Result<object::Object> create(const object::Object& object) override;
  Result<object::Object> update(const object::Object& object) override;
  Result<object::Object> apply(const object::Object& object) override;
  Result<object::Object> update_status(const object::ObjectKey& key, const std::string& uid,
                                       const std::string& status_json) override;
  Status remove(const object::ObjectKey& key, const DeleteOptions& options) override;
  Status finish_delete(const object::ObjectKey& key, const std::string& uid) override;
  Result<std::unique_ptr<Watch>> watch(std::vector<object::Kind> kinds,
                                       int64_t resource_version) override;
  Status record_event(const object::ObjectKey& about, const std::string& uid,
                      const std::string& type, const std::string& reason,
                      const std::string& message) override;
  Result<std::optional<std::string>> get_value(const std::string& room,
                                               const std::string& name) override;
  Status put_value(const std::string& room, const std::string& name,
                   const std::optional<std::string>& value) override;

 private:
  // A transaction with what it will tell the watchers and count, once it is committed.
  struct Write {
    Transaction transaction;
    int64_t version;
    int64_t object_count;
    int64_t event_count;
    std::vector<std::shared_ptr<const WatchEvent>> events = {};
  };

  // All of these with mutex_ held.
  Result<Write> begin(Durability durability);
  Status put(Write& write, EventType type, object::Object object);
  Status erase(Write& write, const object::Object& stored);
  Status commit(Write& write);
  // Commits a single put and gives the object back.
  Result<object::Object> put_alone(EventType type, object::Object object, Durability durability);
  Result<object::Object> find(const object::ObjectKey& key, const std::string& uid);
  Result<object::Object> create_locked(const object::Object& object);
  Result<object::Object> update_locked(const object::Object& stored, const object::Object& next);
  Status check_namespace(const object::ObjectKey& key);
  // Marks or erases one object that is not a Namespace.
  Status remove_one(Write& write, const object::Object& stored,
                    const std::optional<int64_t>& grace_period_seconds);
  Status remove_namespace(Write& write, const object::Object& stored,
                          const std::optional<int64_t>& grace_period_seconds);
  // Erases a namespace that is marked and has no pods any more, with the rest in it.
  Status finish_namespace(Write& write, const std::string& name);
  Status forget_oldest_events(Write& write);
  Birth birth(int64_t version);

  const std::unique_ptr<Database> database_;
  const sys::Clock& clock_;
  const StoreOptions options_;
  sys::SystemRandom system_random_;
  sys::Random& random_;
  std::shared_ptr<History> history_;
  std::mutex mutex_;
  std::unique_ptr<Table> table_;  // under mutex_, as all below
  int64_t version_ = 0;
  int64_t object_count_ = 0;
  int64_t event_count_ = 0;
  int64_t value_count_ = 0;
};

}  // namespace duet::store
