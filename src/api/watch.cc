#include <chrono>

#include "api/handlers.h"
#include "api/selector.h"

namespace duet::api {
namespace {

constexpr int64_t kLookMs = 500;  // how often a silent watch looks whether its client is there

std::string_view type_name(store::EventType type) {
  switch (type) {
    case store::EventType::kAdded:
      return "ADDED";
    case store::EventType::kModified:
      return "MODIFIED";
    case store::EventType::kDeleted:
      return "DELETED";
  }
  return "ERROR";
}

// One event as a line of the stream.
std::string event_line(std::string_view type, std::string_view json) {
  std::string out = R"({"type":")";
  out.append(type).append(R"(","object":)").append(json).append("}\n");
  return out;
}

Failure expired(const Error& error) {
  return {.http_status = 410, .reason = "Expired", .message = error.message()};
}

struct WatchStart {
  Selector selector;
  int64_t resource_version = 0;
  bool with_present = false;  // tell what is there first
  int64_t timeout_seconds = 0;
};

Result<WatchStart> read_start(const Query& query) {
  WatchStart out;
  DUET_ASSIGN(out.selector,
              Selector::parse(query.get("labelSelector"), query.get("fieldSelector")));
  DUET_ASSIGN(const auto version, query.number("resourceVersion"));
  out.resource_version = version.value_or(0);
  out.with_present = out.resource_version <= 0;
  DUET_ASSIGN(const auto timeout, query.number("timeoutSeconds"));
  out.timeout_seconds = timeout.value_or(0);
  return out;
}

// The event as this client sees it; empty: it is none of its own. An object that stopped to match
// has left, for the client.
std::string line_of(const store::WatchEvent& event, const ResourcePath& path,
                    const Selector& selector) {
  if (!path.ns.empty() && event.object.key.ns != path.ns) {
    return "";
  }
  if (selector.matches(event.object.json)) {
    return event_line(type_name(event.type), event.object.json);
  }
  return event.type == store::EventType::kModified ? event_line("DELETED", event.object.json) : "";
}

Status tell_present(Exchange& exchange, const store::Listing& present, const Selector& selector) {
  for (const auto& one : present.objects) {
    if (selector.matches(one.json)) {
      DUET_TRY(exchange.connection.write(event_line("ADDED", one.json)));
    }
  }
  return {};
}

// Until the client leaves, its time is over, or the watch fails (which is told in the stream).
Status stream(Exchange& exchange, store::Watch& watch, const WatchStart& start) {
  const auto begin = exchange.context.clock.monotonic();
  while (!exchange.client_gone()) {
    if (start.timeout_seconds > 0 &&
        exchange.context.clock.monotonic() - begin >= std::chrono::seconds(start.timeout_seconds)) {
      break;
    }
    auto event = watch.next(kLookMs);
    if (!event.ok()) {
      const Failure failure = event.error().code() == ErrorCode::kExhausted
                                  ? expired(event.error())
                                  : failure_of(event.error());
      DUET_TRY(exchange.connection.write(event_line("ERROR", failure.to_json())));
      break;
    }
    if (event->has_value()) {
      const std::string line = line_of(**event, exchange.path, start.selector);
      if (!line.empty()) {
        DUET_TRY(exchange.connection.write(line));
      }
    }
  }
  return exchange.connection.end();
}

}  // namespace

void handle_watch(Exchange& exchange) {
  const auto start = read_start(exchange.query);
  if (!start.ok()) {
    return exchange.answer(start.error());
  }
  // From a list's version on nothing is missed: the watch goes on from what the list saw.
  store::Listing present{.resource_version = start->resource_version};
  if (start->with_present) {
    auto listing = exchange.context.store.list(exchange.path.kind, exchange.path.ns);
    if (!listing.ok()) {
      return exchange.answer(listing.error());
    }
    present = std::move(*listing);
  }
  auto watch = exchange.context.store.watch({exchange.path.kind}, present.resource_version);
  if (!watch.ok()) {
    return exchange.answer(watch.error().code() == ErrorCode::kExhausted
                               ? expired(watch.error())
                               : failure_of(watch.error()));
  }
  if (exchange.connection.begin(200, {{"Content-Type", "application/json"}}).ok() &&
      tell_present(exchange, present, start->selector).ok()) {
    (void)stream(exchange, **watch, *start);
  }
}

}  // namespace duet::api
