#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "cluster/api_client.h"
#include "cluster/json_field.h"
#include "object/object.h"

namespace duet::cluster {

// What the server said last of a list of objects of one kind, as they go into the store or in a
// form of their own. Bounded: what is too much is left out, and the log says so. Thread-safe.
class ListedObjects {
 public:
  struct Options {
    object::Kind kind = object::Kind::kService;
    std::size_t object_limit = 2'000;
    std::size_t object_bytes = 256 << 10;            // of one, as it is kept
    std::size_t total_bytes = 16 << 20;              // of all
    std::function<bool(const Json& object)> wanted;  // none: all are
    // As it is kept, with its uid; none: as stored_object() makes it.
    std::function<object::Object(const object::ObjectKey& key, const Json& object)> form;
    std::function<void(const std::string& line)> log;
  };
  explicit ListedObjects(Options options) : options_(std::move(options)) {}

  // Everything there is. Gives the keys of what was there before and of what is there now.
  std::vector<object::ObjectKey> replace(const std::vector<Json>& objects);
  // One change; nothing: it cannot be read.
  std::optional<object::ObjectKey> change(ApiWatch::Type type, const Json& object);

  // Whether the whole list was heard once.
  bool is_complete() const;
  // The keys of what there is.
  std::vector<object::ObjectKey> keys() const;
  // Nothing: the server has no such object, or it was left out.
  std::optional<object::Object> find(const object::ObjectKey& key) const;

 private:
  std::optional<object::Object> read(const Json& object) const;
  void keep(object::Object object);
  void drop(const object::ObjectKey& key);

  const Options options_;
  mutable std::mutex mutex_;
  bool complete_ = false;
  bool full_ = false;  // said that there are too many
  std::size_t bytes_ = 0;
  std::map<object::ObjectKey, object::Object> objects_;
};

}  // namespace duet::cluster
