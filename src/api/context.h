#pragma once

#include "pod/pods.h"
#include "store/store.h"
#include "sys/clock.h"

namespace duet::api {

// What the API stands before. Everything outlives the server and is thread-safe.
struct Context {
  store::Store& store;
  pod::Pods* pods;  // null: this node has no pods, and logs, exec and attach answer 503
  const sys::Clock& clock;
};

}  // namespace duet::api
