#include "cluster/listed_objects.h"

#include <utility>

#include "cluster/pod_mirror.h"
#include "object/kind.h"

namespace duet::cluster {

std::vector<object::ObjectKey> ListedObjects::replace(const std::vector<Json>& objects) {
  const std::lock_guard lock(mutex_);
  std::vector<object::ObjectKey> keys;
  keys.reserve(objects_.size() + objects.size());
  for (const auto& [key, object] : objects_) {
    keys.push_back(key);
  }
  objects_.clear();
  bytes_ = 0;
  full_ = false;
  for (const Json& one : objects) {
    if (auto object = read(one)) {
      keys.push_back(object->key);
      keep(std::move(*object));
    }
  }
  complete_ = true;
  return keys;
}

std::optional<object::ObjectKey> ListedObjects::change(ApiWatch::Type type, const Json& object) {
  const std::lock_guard lock(mutex_);
  auto changed = read(object);
  if (!changed) {
    return std::nullopt;
  }
  object::ObjectKey key = changed->key;
  if (type == ApiWatch::Type::kDeleted) {
    drop(key);
  } else {
    keep(std::move(*changed));
  }
  return key;
}

bool ListedObjects::is_complete() const {
  const std::lock_guard lock(mutex_);
  return complete_;
}

std::vector<object::ObjectKey> ListedObjects::keys() const {
  const std::lock_guard lock(mutex_);
  std::vector<object::ObjectKey> keys;
  keys.reserve(objects_.size());
  for (const auto& [key, object] : objects_) {
    keys.push_back(key);
  }
  return keys;
}

std::optional<object::Object> ListedObjects::find(const object::ObjectKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(key);
  return found == objects_.end() ? std::nullopt : std::optional(found->second);
}

// An object that is not wanted has no text.
std::optional<object::Object> ListedObjects::read(const Json& object) const {
  const Json metadata = member(object, "metadata");
  const object::ObjectKey key{options_.kind, text_of(metadata, "namespace"),
                              text_of(metadata, "name")};
  const std::string uid = text_of(metadata, "uid");
  if (key.ns.empty() || key.name.empty() || uid.empty()) {
    options_.log("cluster: the server sent one of the " +
                 std::string(object::kind_info(options_.kind).plural) +
                 " without name, namespace or uid");
    return std::nullopt;
  }
  if (options_.wanted && !options_.wanted(object)) {
    return object::Object{key, uid, 0, ""};
  }
  return options_.form ? options_.form(key, object) : stored_object(key, object);
}

void ListedObjects::keep(object::Object object) {
  drop(object.key);
  const std::size_t size = object.json.size();
  if (size > options_.object_bytes) {
    options_.log("cluster: " + object::describe(object.key) + " is left out: it has " +
                 std::to_string(size) + " bytes, at most " + std::to_string(options_.object_bytes) +
                 " are taken");
    return;
  }
  if (size == 0) {
    return;
  }
  if (objects_.size() >= options_.object_limit || bytes_ + size > options_.total_bytes) {
    if (!std::exchange(full_, true)) {
      options_.log("cluster: " + object::describe(object.key) +
                   " and perhaps others are left out: at most " +
                   std::to_string(options_.object_limit) + " " +
                   std::string(object::kind_info(options_.kind).plural) + " and " +
                   std::to_string(options_.total_bytes) + " bytes of them are taken");
    }
    return;
  }
  bytes_ += size;
  object::ObjectKey key = object.key;
  objects_.emplace(std::move(key), std::move(object));
}

void ListedObjects::drop(const object::ObjectKey& key) {
  if (const auto found = objects_.find(key); found != objects_.end()) {
    bytes_ -= found->second.json.size();
    objects_.erase(found);
  }
}

}  // namespace duet::cluster
