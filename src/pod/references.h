#pragma once

#include <set>

#include "object/object.h"
#include "object/pod.h"

namespace duet::pod {

// The ConfigMaps and Secrets that the pod's variables and volumes are made of, in its namespace.
// Those that it can start without are among them. Pure, thread-safe.
std::set<object::ObjectKey> references_of(const object::Pod& pod);

}  // namespace duet::pod
