#pragma once

#include <functional>
#include <string>

#include "pod/pods.h"
#include "store/store.h"
#include "sys/clock.h"

namespace duet::api {

// What the API stands before. Everything outlives the server and is thread-safe.
struct Context {
  store::Store& store;
  pod::Pods* pods;  // null: this node has no pods, and logs, exec and attach answer 503
  const sys::Clock& clock;
  // What GET /metrics answers, in Prometheus' text format; empty: this node has none, and 503 is.
  std::function<std::string()> metrics;
};

}  // namespace duet::api
