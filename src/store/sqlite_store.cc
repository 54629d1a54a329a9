#include "store/sqlite_store.h"

#include <utility>

#include "object/kind.h"
#include "store/schema.h"

namespace duet::store {
namespace {

// A power cut may take the newest relaxed writes with it, but never the version of one twice: after
// opening, versions go on this much later. A checkpoint, which syncs, comes every 1,000 pages, so
// fewer versions than this can be lost.
constexpr int64_t kVersionGap = 10'000;

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& path, const sys::Clock& clock,
                                           const StoreOptions& options) {
  DUET_ASSIGN(auto database, open_database(path, clock));
  auto store = std::make_unique<SqliteStore>(std::move(database), clock, options);
  DUET_TRY(store->start());
  return std::unique_ptr<Store>(std::move(store));
}

SqliteStore::SqliteStore(std::unique_ptr<Database> database, const sys::Clock& clock,
                         const StoreOptions& options)
    : database_(std::move(database)),
      clock_(clock),
      options_(options),
      random_(options.random != nullptr ? *options.random : system_random_) {}

SqliteStore::~SqliteStore() {
  if (history_) {
    history_->close();
  }
}

Status SqliteStore::start() {
  const std::lock_guard lock(mutex_);
  DUET_ASSIGN(table_, Table::open(*database_));
  DUET_ASSIGN(version_, table_->version());
  version_ += kVersionGap;
  DUET_ASSIGN(object_count_, table_->count_objects());
  DUET_ASSIGN(event_count_, table_->count_objects(object::Kind::kEvent));
  DUET_ASSIGN(value_count_, table_->count_values());
  history_ =
      std::make_shared<History>(options_.history_limit, options_.history_size_bytes, version_);
  const object::ObjectKey key{object::Kind::kNamespace, "", "default"};
  DUET_ASSIGN(const auto stored, table_->find(key));
  if (!stored) {
    DUET_TRY(create_locked({key, "", 0, R"({"metadata":{"name":"default"}})"}));
  }
  return {};
}

Result<object::Object> SqliteStore::get(const object::ObjectKey& key) {
  const std::lock_guard lock(mutex_);
  return find(key, "");
}

Result<Listing> SqliteStore::list(object::Kind kind, const std::string& ns) {
  const std::lock_guard lock(mutex_);
  DUET_ASSIGN(auto objects, table_->list(kind, ns));
  return Listing{std::move(objects), version_};
}

Result<object::Object> SqliteStore::create(const object::Object& object) {
  DUET_TRY(check_document(object, options_.object_size_bytes));
  const std::lock_guard lock(mutex_);
  DUET_ASSIGN(const auto stored, table_->find(object.key));
  if (stored) {
    return Error(ErrorCode::kAlreadyExists, object::describe(object.key) + " exists already");
  }
  return create_locked(object);
}

Result<object::Object> SqliteStore::update(const object::Object& object) {
  DUET_TRY(check_document(object, options_.object_size_bytes));
  const std::lock_guard lock(mutex_);
  DUET_ASSIGN(const object::Object stored, find(object.key, ""));
  return update_locked(stored, object);
}

Result<object::Object> SqliteStore::apply(const object::Object& object) {
  DUET_TRY(check_document(object, options_.object_size_bytes));
  const std::lock_guard lock(mutex_);
  DUET_ASSIGN(const auto stored, table_->find(object.key));
  return stored ? update_locked(*stored, object) : create_locked(object);
}

Result<object::Object> SqliteStore::update_status(const object::ObjectKey& key,
                                                  const std::string& uid,
                                                  const std::string& status_json) {
  if (status_json.size() > options_.object_size_bytes) {
    return Error(ErrorCode::kExhausted,
                 object::describe(key) + ": status of " + std::to_string(status_json.size()) +
                     " bytes, the limit is " + std::to_string(options_.object_size_bytes));
  }
  const std::lock_guard lock(mutex_);
  DUET_ASSIGN(object::Object stored, find(key, uid));
  DUET_ASSIGN(Change change, status_document(stored, status_json, version_ + 1));
  if (!change.changed) {
    return stored;
  }
  stored.json = std::move(change.json);
  return put_alone(EventType::kModified, std::move(stored), Durability::kRelaxed);
}

Result<std::unique_ptr<Watch>> SqliteStore::watch(std::vector<object::Kind> kinds,
                                                  int64_t resource_version) {
  return history_->watch(std::move(kinds), resource_version);
}

Result<std::optional<std::string>> SqliteStore::get_value(const std::string& room,
                                                          const std::string& name) {
  const std::lock_guard lock(mutex_);
  return table_->find_value(room, name);
}

Status SqliteStore::put_value(const std::string& room, const std::string& name,
                              const std::optional<std::string>& value) {
  if (value && value->size() > options_.object_size_bytes) {
    return Error(ErrorCode::kExhausted,
                 "value " + room + "/" + name + ": " + std::to_string(value->size()) +
                     " bytes, the limit is " + std::to_string(options_.object_size_bytes));
  }
  const std::lock_guard lock(mutex_);
  DUET_ASSIGN(const auto stored, table_->find_value(room, name));
  if (stored == value) {
    return {};
  }
  const int64_t count = value_count_ + (value ? 1 : 0) - (stored ? 1 : 0);
  if (value && !stored && count > static_cast<int64_t>(options_.value_limit)) {
    return Error(ErrorCode::kExhausted, "value " + room + "/" + name + ": the store holds " +
                                            std::to_string(options_.value_limit) +
                                            " values already");
  }
  DUET_ASSIGN(Transaction transaction, Transaction::begin(*database_, Durability::kFull));
  DUET_TRY(value ? table_->put_value(room, name, *value) : table_->erase_value(room, name));
  DUET_TRY(transaction.commit());
  value_count_ = count;
  return {};
}

Result<SqliteStore::Write> SqliteStore::begin(Durability durability) {
  DUET_ASSIGN(Transaction transaction, Transaction::begin(*database_, durability));
  return Write{std::move(transaction), version_, object_count_, event_count_};
}

Status SqliteStore::put(Write& write, EventType type, object::Object object) {
  object.resource_version = ++write.version;
  DUET_TRY(table_->put(object));
  if (type == EventType::kAdded) {
    ++write.object_count;
    write.event_count += object.key.kind == object::Kind::kEvent ? 1 : 0;
  }
  write.events.push_back(std::make_shared<const WatchEvent>(WatchEvent{type, std::move(object)}));
  return {};
}

Status SqliteStore::erase(Write& write, const object::Object& stored) {
  DUET_TRY(table_->erase(stored.key));
  object::Object gone = stored;
  gone.resource_version = ++write.version;
  DUET_ASSIGN(gone.json, gone_document(stored, gone.resource_version));
  --write.object_count;
  write.event_count -= stored.key.kind == object::Kind::kEvent ? 1 : 0;
  write.events.push_back(
      std::make_shared<const WatchEvent>(WatchEvent{EventType::kDeleted, std::move(gone)}));
  return {};
}

Status SqliteStore::commit(Write& write) {
  if (write.events.empty()) {
    return {};  // nothing changed, so there is nothing to wait for a disk for
  }
  DUET_TRY(table_->set_version(write.version));
  DUET_TRY(write.transaction.commit());
  version_ = write.version;
  object_count_ = write.object_count;
  event_count_ = write.event_count;
  history_->publish(std::move(write.events));
  return {};
}

Result<object::Object> SqliteStore::put_alone(EventType type, object::Object object,
                                              Durability durability) {
  DUET_ASSIGN(Write write, begin(durability));
  DUET_TRY(put(write, type, std::move(object)));
  const auto event = write.events.front();
  DUET_TRY(commit(write));
  return event->object;
}

Result<object::Object> SqliteStore::find(const object::ObjectKey& key, const std::string& uid) {
  DUET_ASSIGN(auto stored, table_->find(key));
  if (!stored) {
    return not_found(object::describe(key) + " not found");
  }
  if (!uid.empty() && stored->uid != uid) {
    return not_found(object::describe(key) + " with uid " + uid +
                     " not found: another object has its name now");
  }
  return std::move(*stored);
}

Result<object::Object> SqliteStore::create_locked(const object::Object& object) {
  DUET_TRY(check_namespace(object.key));
  if (object_count_ >= static_cast<int64_t>(options_.object_limit)) {
    return Error(ErrorCode::kExhausted, object::describe(object.key) + ": the store holds " +
                                            std::to_string(options_.object_limit) +
                                            " objects already");
  }
  Birth born = birth(version_ + 1);
  if (!object.uid.empty()) {
    born.uid = object.uid;
    born.timestamp = creation_timestamp(object).value_or(born.timestamp);
  }
  object::Object fresh{object.key, born.uid, 0, ""};
  DUET_ASSIGN(fresh.json, born_document(object, born));
  return put_alone(EventType::kAdded, std::move(fresh), Durability::kFull);
}

Result<object::Object> SqliteStore::update_locked(const object::Object& stored,
                                                  const object::Object& next) {
  if (next.resource_version != 0 && next.resource_version != stored.resource_version) {
    return Error(ErrorCode::kConflict,
                 object::describe(next.key) + " was changed meanwhile (version " +
                     std::to_string(stored.resource_version) + ", not " +
                     std::to_string(next.resource_version) + "): read it again");
  }
  DUET_ASSIGN(Change change, replaced_document(stored, next, version_ + 1));
  if (!change.changed) {
    return stored;
  }
  object::Object fresh{stored.key, stored.uid, 0, std::move(change.json)};
  return put_alone(EventType::kModified, std::move(fresh), Durability::kFull);
}

Status SqliteStore::check_namespace(const object::ObjectKey& key) {
  if (!object::kind_info(key.kind).namespaced) {
    return {};
  }
  const object::ObjectKey ns{object::Kind::kNamespace, "", key.ns};
  DUET_ASSIGN(const auto stored, table_->find(ns));
  if (!stored) {
    return not_found(object::describe(key) + ": " + object::describe(ns) +
                     " not found; create it first");
  }
  if (is_marked(*stored)) {
    return Error(ErrorCode::kConflict, object::describe(key) + ": " + object::describe(ns) +
                                           " is being deleted; try again when it is gone");
  }
  return {};
}

Birth SqliteStore::birth(int64_t version) {
  return {sys::make_uuid(random_), version, sys::format_rfc3339(clock_.now())};
}

}  // namespace duet::store
