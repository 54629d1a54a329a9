#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "object/object.h"

namespace duet::route {

// The objects of one kind, decoded: of a list that is read again and again only what changed since
// the last time is. Not thread-safe.
template <typename Object>
class DecodedList {
 public:
  using Decode = Result<Object> (*)(const std::string& json);

  // A kind with more JSON than `kept_bytes` is decoded as a whole each time, and not kept.
  explicit DecodedList(Decode decode, std::size_t kept_bytes = 16 << 20)
      : decode_(decode), kept_bytes_(kept_bytes) {}

  // What `listed` says, in its order, without what cannot be read. `listed` is in the order of
  // keys, as the store lists it; its versions tell what changed since the last time.
  std::vector<Object> take(const std::vector<object::Object>& listed) {
    std::vector<Entry> before = std::exchange(entries_, {});
    std::vector<Object> had = std::exchange(objects_, {});
    std::vector<Object> objects;
    objects.reserve(listed.size());
    taken_.clear();
    taken_.reserve(listed.size());
    decoded_ = 0;
    bytes_ = 0;
    auto old = before.begin();
    auto old_object = had.begin();
    const auto next_old = [&] { old_object += (old++)->readable ? 1 : 0; };
    for (const object::Object& one : listed) {
      bytes_ += one.json.size();
      while (old != before.end() && old->key < one.key) {
        next_old();
      }
      if (old != before.end() && is_same(*old, one)) {
        if (old->readable) {
          objects.push_back(std::move(*old_object));
        }
        taken_.push_back(*old);
        next_old();
      } else {
        ++decoded_;
        taken_.push_back({one.key, one.uid, one.resource_version, add(one.json, objects)});
      }
    }
    return objects;
  }

  // Has back what take() gave, unchanged, so that the next time is cheap.
  void keep(std::vector<Object> objects) {
    if (bytes_ <= kept_bytes_) {
      objects_ = std::move(objects);
      entries_ = std::exchange(taken_, {});
    }
  }

  // How many the last take() had to decode.
  std::size_t decoded() const { return decoded_; }

 private:
  struct Entry {
    object::ObjectKey key;
    std::string uid;
    std::int64_t version = 0;
    bool readable = false;  // so it stands among the objects
  };

  static bool is_same(const Entry& entry, const object::Object& object) {
    return entry.key == object.key && entry.uid == object.uid &&
           entry.version == object.resource_version;
  }

  bool add(const std::string& json, std::vector<Object>& objects) const {
    auto object = decode_(json);
    if (object.ok()) {
      objects.push_back(std::move(*object));
    }
    return object.ok();
  }

  Decode decode_;
  std::size_t kept_bytes_;
  std::vector<Object> objects_;
  std::vector<Entry> entries_;  // of what was listed when objects_ were taken
  std::vector<Entry> taken_;    // the same of the last take()
  std::size_t decoded_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace duet::route
