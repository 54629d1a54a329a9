#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "object/object.h"
#include "store/store.h"

// What a cluster's source does with the node's own store, whatever the kind. Thread-safe.
namespace duet::cluster {

// An object that is in the store; nothing: none is.
Result<std::optional<object::Object>> find_stored(store::Store& store,
                                                  const object::ObjectKey& key);

// Makes the namespace `name`, marked as the cluster's, unless there is one.
Status make_namespace(store::Store& store, const std::string& name);

// Removes this very object; one that is gone already is no error. `grace_seconds`: none is the
// object's own.
Status remove_stored(store::Store& store, const object::Object& stored,
                     std::optional<std::int64_t> grace_seconds);

}  // namespace duet::cluster
