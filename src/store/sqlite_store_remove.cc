#include <utility>

#include "object/kind.h"
#include "store/sqlite_store.h"

// The ends of objects: deletes, namespaces that go, Events that are too old.
namespace duet::store {

Status SqliteStore::remove(const object::ObjectKey& key, const DeleteOptions& options) {
  const std::lock_guard lock(mutex_);
  DUET_ASSIGN(const object::Object stored, find(key, options.uid));
  if (options.grace_period_seconds && *options.grace_period_seconds < 0) {
    return invalid(object::describe(key) + ": a grace period cannot be negative");
  }
  DUET_ASSIGN(Write write, begin(Durability::kFull));
  DUET_TRY(key.kind == object::Kind::kNamespace
               ? remove_namespace(write, stored, options.grace_period_seconds)
               : remove_one(write, stored, options.grace_period_seconds));
  return commit(write);
}

Status SqliteStore::finish_delete(const object::ObjectKey& key, const std::string& uid) {
  const std::lock_guard lock(mutex_);
  DUET_ASSIGN(const object::Object stored, find(key, uid));
  if (!is_marked(stored)) {
    return Error(ErrorCode::kConflict, object::describe(key) + " is not being deleted");
  }
  DUET_ASSIGN(Write write, begin(Durability::kFull));
  DUET_TRY(erase(write, stored));
  if (key.kind == object::Kind::kPod) {
    DUET_TRY(finish_namespace(write, key.ns));
  }
  return commit(write);
}

Status SqliteStore::remove_one(Write& write, const object::Object& stored,
                               const std::optional<int64_t>& grace_period_seconds) {
  if (stored.key.kind == object::Kind::kPod) {
    const int64_t grace = grace_period_seconds.value_or(pod_grace_period_seconds(stored));
    if (grace > 0) {
      DUET_ASSIGN(Change change, marked_document(stored, clock_.now(), grace, write.version + 1));
      if (!change.changed) {
        return {};
      }
      return put(write, EventType::kModified, {stored.key, stored.uid, 0, std::move(change.json)});
    }
  }
  DUET_TRY(erase(write, stored));
  return stored.key.kind == object::Kind::kPod ? finish_namespace(write, stored.key.ns) : Status();
}

Status SqliteStore::remove_namespace(Write& write, const object::Object& stored,
                                     const std::optional<int64_t>& grace_period_seconds) {
  if (stored.key.name == "default") {
    return Error(ErrorCode::kPermission, "namespace default cannot be deleted");
  }
  if (!is_marked(stored)) {
    DUET_ASSIGN(Change change, marked_document(stored, clock_.now(), 0, write.version + 1));
    DUET_TRY(put(write, EventType::kModified, {stored.key, stored.uid, 0, std::move(change.json)}));
  }
  // Deployments and the like go before their pods are marked, so that nobody makes new ones.
  for (const object::KindInfo& info : object::all_kinds()) {
    if (!info.namespaced || info.kind == object::Kind::kPod) {
      continue;
    }
    DUET_ASSIGN(const auto objects, table_->list(info.kind, stored.key.name));
    for (const object::Object& object : objects) {
      // Events tell how the pods end: they go with the namespace itself.
      if (info.kind != object::Kind::kEvent) {
        DUET_TRY(erase(write, object));
      }
    }
  }
  DUET_ASSIGN(const auto pods, table_->list(object::Kind::kPod, stored.key.name));
  for (const object::Object& pod : pods) {
    DUET_TRY(remove_one(write, pod, grace_period_seconds));
  }
  return finish_namespace(write, stored.key.name);
}

Status SqliteStore::finish_namespace(Write& write, const std::string& name) {
  DUET_ASSIGN(const auto ns, table_->find({object::Kind::kNamespace, "", name}));
  if (!ns || !is_marked(*ns)) {
    return {};
  }
  DUET_ASSIGN(const auto pods, table_->list(object::Kind::kPod, name));
  if (!pods.empty()) {
    return {};
  }
  for (const object::KindInfo& info : object::all_kinds()) {
    if (!info.namespaced) {
      continue;
    }
    DUET_ASSIGN(const auto objects, table_->list(info.kind, name));
    for (const object::Object& object : objects) {
      DUET_TRY(erase(write, object));
    }
  }
  return erase(write, *ns);
}

Status SqliteStore::record_event(const object::ObjectKey& about, const std::string& uid,
                                 const std::string& type, const std::string& reason,
                                 const std::string& message) {
  const EventText text = event_text(about, uid, type, reason, message);
  // As in Kubernetes, what is about an object without a namespace stands in "default".
  const object::ObjectKey key{object::Kind::kEvent, about.ns.empty() ? "default" : about.ns,
                              text.name};
  const std::lock_guard lock(mutex_);
  DUET_ASSIGN(const auto stored, table_->find(key));
  if (stored) {
    object::Object again = *stored;
    DUET_ASSIGN(again.json,
                repeated_event_document(*stored, sys::format_rfc3339(clock_.now()), version_ + 1));
    DUET_TRY(put_alone(EventType::kModified, std::move(again), Durability::kRelaxed));
    return {};
  }
  DUET_TRY(find({object::Kind::kNamespace, "", key.ns}, ""));
  const Birth born = birth(version_ + 1);
  DUET_ASSIGN(Write write, begin(Durability::kRelaxed));
  DUET_TRY(put(write, EventType::kAdded,
               {key, born.uid, 0, new_event_document(text, about, uid, key.ns, born)}));
  DUET_TRY(forget_oldest_events(write));
  return commit(write);
}

Status SqliteStore::forget_oldest_events(Write& write) {
  while (write.event_count > static_cast<int64_t>(options_.event_object_limit)) {
    DUET_ASSIGN(const auto oldest, table_->oldest(object::Kind::kEvent));
    if (!oldest) {
      return {};
    }
    DUET_TRY(erase(write, *oldest));
  }
  return {};
}

}  // namespace duet::store
