#pragma once

#include <optional>
#include <string>

#include "object/object.h"

// Where an API server has objects, and how they are named in queues of work. Pure functions,
// thread-safe.
namespace duet::cluster {

// Of all objects of the kind: "/api/v1/services".
std::string list_path(object::Kind kind);
// Of the status of an object with a namespace.
std::string status_path(const object::ObjectKey& key);

// "services/shop/web", and back; nothing: it is something else.
std::string work_key(const object::ObjectKey& key);
std::optional<object::ObjectKey> key_of_work(const std::string& text);

}  // namespace duet::cluster
