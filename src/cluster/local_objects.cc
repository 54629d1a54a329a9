#include "cluster/local_objects.h"

#include "cluster/pod_mirror.h"

namespace duet::cluster {

Result<std::optional<object::Object>> find_stored(store::Store& store,
                                                  const object::ObjectKey& key) {
  auto stored = store.get(key);
  if (stored.ok()) {
    return std::optional(std::move(*stored));
  }
  if (stored.error().code() == ErrorCode::kNotFound) {
    return std::optional<object::Object>();
  }
  return stored.error();
}

Status make_namespace(store::Store& store, const std::string& name) {
  const object::ObjectKey key{object::Kind::kNamespace, "", name};
  DUET_ASSIGN(const auto stored, find_stored(store, key));
  if (stored) {
    return {};
  }
  const auto made = store.create(stored_object(key, {{"metadata", {{"name", name}}}}));
  const bool there = made.ok() || made.error().code() == ErrorCode::kAlreadyExists;
  return there ? Status() : Status(made.error());
}

Status remove_stored(store::Store& store, const object::Object& stored,
                     std::optional<std::int64_t> grace_seconds) {
  const store::DeleteOptions options{.grace_period_seconds = grace_seconds, .uid = stored.uid};
  const Status removed = store.remove(stored.key, options);
  return removed.ok() || removed.error().code() == ErrorCode::kNotFound ? Status() : removed;
}

}  // namespace duet::cluster
