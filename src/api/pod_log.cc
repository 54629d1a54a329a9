#include "api/pod_log.h"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "api/handlers.h"
#include "api/log_file.h"
#include "object/codec.h"
#include "sys/rfc3339.h"

// GET .../pods/NAME/log
namespace duet::api {
namespace {

// How often a silent log that is followed looks whether its container has ended.
constexpr int kLookMs = 250;

struct LogRequest {
  LogSelection selection;
  bool previous = false;
  bool follow = false;
};

Result<LogRequest> read_log_request(const Query& query, const sys::Clock& clock) {
  LogRequest out{.previous = query.flag("previous"), .follow = query.flag("follow")};
  out.selection.timestamps = query.flag("timestamps");
  DUET_ASSIGN(out.selection.tail_lines, query.number("tailLines"));
  DUET_ASSIGN(out.selection.limit_bytes, query.number("limitBytes"));
  DUET_ASSIGN(const auto since_seconds, query.number("sinceSeconds"));
  if (out.selection.tail_lines.value_or(0) < 0 || out.selection.limit_bytes.value_or(1) < 1 ||
      since_seconds.value_or(1) < 1) {
    return invalid("tailLines must not be negative; limitBytes and sinceSeconds must be positive");
  }
  constexpr int64_t kSecondsLimit = 1'000'000'000;
  if (since_seconds) {
    out.selection.since =
        clock.now() - std::chrono::seconds(std::min(*since_seconds, kSecondsLimit));
  }
  if (const std::string time = query.get("sinceTime"); !time.empty()) {
    out.selection.since = sys::parse_rfc3339(time);
    if (!out.selection.since) {
      return invalid("sinceTime is not a time in RFC 3339: \"" + time + "\"");
    }
  }
  return out;
}

// The attempt whose log `path` is: <logs>/.../<container>/<attempt>.log; -1: not of that form.
int attempt_in(const std::string& path) {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  int attempt = -1;
  std::from_chars(name.data(), name.data() + name.size(), attempt);
  return attempt;
}

std::string container_in(const std::string& path) {
  const size_t slash = path.rfind('/');
  const size_t before =
      slash == 0 || slash == std::string::npos ? std::string::npos : path.rfind('/', slash - 1);
  return before == std::string::npos ? "" : path.substr(before + 1, slash - before - 1);
}

const object::ContainerStatus* find_status(const object::Pod& pod, const std::string& container) {
  for (const auto* list : {&pod.status.init_container_statuses, &pod.status.container_statuses}) {
    for (const auto& one : *list) {
      if (one.name == container) {
        return &one;
      }
    }
  }
  return nullptr;
}

// Whether the start of the container whose log this is has ended, so that nothing can follow.
bool has_ended(Exchange& exchange, const std::string& path) {
  const auto stored = exchange.context.store.get(exchange.path.key());
  if (!stored.ok()) {
    return true;
  }
  const auto pod = object::decode_pod(stored->json);
  const auto* status = pod.ok() ? find_status(*pod, container_in(path)) : nullptr;
  if (status == nullptr) {
    return false;
  }
  if (status->restart_count > attempt_in(path)) {
    return true;
  }
  const bool over = pod->status.phase == "Succeeded" || pod->status.phase == "Failed";
  const bool waits_for_restart =
      status->state.type == object::ContainerState::Type::kWaiting && status->last_state;
  return over || waits_for_restart ||
         status->state.type == object::ContainerState::Type::kTerminated;
}

// Waits until something happens in the log's folder, the client leaves, or the time is over.
void wait_for_news(int inotify, int connection) {
  pollfd polled[2] = {{.fd = inotify, .events = POLLIN}, {.fd = connection, .events = POLLRDHUP}};
  poll(polled, 2, kLookMs);
  char events[4096];
  if ((polled[0].revents & POLLIN) != 0) {
    (void)!read(inotify, events, sizeof(events));
  }
}

Status follow(Exchange& exchange, LogFile& log, const std::string& path,
              const std::function<Status(std::string_view)>& sink) {
  const sys::Fd inotify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  const std::string folder = path.substr(0, path.rfind('/'));
  if (inotify_add_watch(inotify.get(), folder.c_str(),
                        IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF) < 0) {
    return Error::from_errno("watch " + folder, errno);
  }
  while (!exchange.client_gone()) {
    // Asked before reading: what was written until the end is read after it.
    const bool ended = has_ended(exchange, path);
    DUET_TRY(log.read_on(sink));
    if (ended || log.full()) {
      return {};
    }
    wait_for_news(inotify.get(), exchange.connection.fd());
  }
  return {};
}

// Opens the log; nothing when the container has written none yet.
Result<std::optional<LogFile>> open_log(const std::string& path, const LogSelection& selection) {
  auto log = LogFile::open(path, selection);
  if (log.ok()) {
    return std::optional(std::move(*log));
  }
  if (log.error().code() == ErrorCode::kNotFound) {
    return std::optional<LogFile>();
  }
  return log.error();
}

}  // namespace

std::optional<Failure> serve_log(Exchange& exchange, const std::string& container) {
  if (exchange.context.pods == nullptr) {
    return failure_of(Error(ErrorCode::kUnavailable, "this node runs no pods"));
  }
  const auto wanted = read_log_request(exchange.query, exchange.context.clock);
  if (!wanted.ok()) {
    return failure_of(wanted.error());
  }
  const auto key = exchange.path.key();
  if (const auto pod = exchange.context.store.get(key); !pod.ok()) {
    return failure_of(pod.error(), key);
  }
  const auto path = exchange.context.pods->log_path(key, container, wanted->previous);
  if (!path.ok()) {
    return bad_request(path.error().message());
  }
  auto log = open_log(*path, wanted->selection);
  if (!log.ok()) {
    return failure_of(log.error());
  }
  if (!log->has_value()) {
    return bad_request("container \"" + container_in(*path) + "\" in pod \"" + key.name +
                       "\" has written no log: it waits to start");
  }
  if (!exchange.connection.begin(200, {{"Content-Type", "text/plain; charset=utf-8"}}).ok()) {
    return std::nullopt;
  }
  // Who reads a log may take a page of it and think.
  exchange.connection.stream().set_timeout(0);
  const auto sink = [&](std::string_view text) { return exchange.connection.write(text); };
  const Status told = wanted->follow && !wanted->previous ? follow(exchange, **log, *path, sink)
                                                          : (*log)->read_on(sink);
  if (told.ok()) {
    (void)exchange.connection.end();
  }
  return std::nullopt;
}

void handle_log(Exchange& exchange) {
  if (const auto failure = serve_log(exchange, exchange.query.get("container"))) {
    exchange.answer(*failure);
  }
}

}  // namespace duet::api
