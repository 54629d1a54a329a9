#include "cluster/follower.h"

#include <chrono>

#include "cluster/json_field.h"

namespace duet::cluster {

void Follower::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const Status done = version_.empty() ? list() : watch(stop);
    if (stop.stop_requested()) {
      return;
    }
    if (done.ok()) {
      went_well();
      continue;
    }
    const ErrorCode code = done.error().code();
    if ((code == ErrorCode::kExhausted || code == ErrorCode::kNotFound) && !version_.empty()) {
      // Nobody's fault, or the kind is gone: at once, and the list has a pause if it fails too.
      version_.clear();
      continue;
    }
    failed(done.error());
    pause_for(stop, pause_after(done.error()));
  }
}

Status Follower::list() {
  DUET_ASSIGN(const ApiList all, client_.list(options_.path, options_.query));
  if (all.resource_version.empty()) {
    return Error(ErrorCode::kCorrupt, options_.path + ": the list has no resourceVersion");
  }
  sink_.replace(all.items);
  version_ = all.resource_version;
  return {};
}

Status Follower::watch(const std::stop_token& stop) {
  const auto begun = clock_.monotonic();
  Query query = options_.query;
  const std::int64_t seconds =
      options_.watch_seconds + random_below(random_, options_.watch_seconds);
  query.emplace_back("timeoutSeconds", std::to_string(seconds));
  DUET_ASSIGN(const auto running, client_.watch(options_.path, query, version_));
  bool told_something = false;
  for (;;) {
    auto event = running->next();
    if (stop.stop_requested()) {
      return {};
    }
    if (!event.ok()) {
      if (event.error().code() == ErrorCode::kCorrupt) {
        version_.clear();  // the same event might come again for ever
      }
      return event.error();
    }
    if (!event->has_value()) {
      break;
    }
    DUET_TRY(take_event(**event));
    told_something = true;
    went_well();
  }
  const auto lasted = clock_.monotonic() - begun;
  if (!told_something && lasted < std::chrono::milliseconds(options_.shortest_watch_ms)) {
    return Error(ErrorCode::kUnavailable, "watching " + options_.path + ": it ended at once");
  }
  return {};
}

Status Follower::take_event(const ApiWatch::Event& event) {
  const std::string version = resource_version_of(event.object);
  if (version.empty()) {
    version_.clear();
    return Error(ErrorCode::kCorrupt,
                 "watching " + options_.path + ": an event's object has no resourceVersion");
  }
  if (event.type != ApiWatch::Type::kBookmark) {
    sink_.change(event.type, event.object);
  }
  version_ = version;
  return {};
}

void Follower::went_well() {
  backoff_.reset();
  if (!told_.empty()) {
    told_.clear();
    sink_.report({});
  }
}

// Who may not see the list is told so for as long as nobody gives him the right.
std::int64_t Follower::pause_after(const Error& error) {
  const std::int64_t half = options_.refused_pause_ms / 2;
  return half > 0 && error.code() == ErrorCode::kPermission ? half + random_below(random_, half)
                                                            : backoff_.next_ms();
}

void Follower::failed(const Error& error) {
  if (error.message() != told_) {
    told_ = error.message();
    sink_.report(error);
  }
}

}  // namespace duet::cluster
