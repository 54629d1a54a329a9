#include "gateway/supervisor.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gateway/worker_place.h"
#include "observe/exposition.h"

namespace duet::gateway {
namespace {

using Json = nlohmann::json;

constexpr const char* kStatus = R"({"type":"status"})";

std::string text_of(const Json& message, const char* key) {
  const auto found = message.find(key);
  return found != message.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_of(const Json& message, const char* key) {
  const auto found = message.find(key);
  return found != message.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

}  // namespace

Supervisor::Supervisor(net::EventLoop& loop, SupervisorOptions options)
    : loop_(loop), options_(std::move(options)) {
  for (int i = 0; i < options_.workers; ++i) {
    places_.push_back(std::make_unique<Place>(*this, i));
  }
}

Supervisor::~Supervisor() = default;

Status Supervisor::start() {
  for (const auto& place : places_) {
    DUET_TRY(place->start());
  }
  return {};
}

std::string Supervisor::answer(Packet packet) {
  const Json message = Json::parse(packet.text, nullptr, false);
  if (message.is_object() && text_of(message, "type") == "status") {
    const auto held = status();
    return held.ok() ? R"({"ok":true,"status":)" + format_status(*held) + "}"
                     : format_reply(held.error());
  }
  if (message.is_object() && text_of(message, "type") == "metrics") {
    const auto counted = metrics();
    return counted.ok() ? format_metrics_reply(*counted) : format_reply(counted.error());
  }
  return format_reply(obey(std::move(packet)));
}

// Counts of all living workers together. What is held is what the next worker would get.
Result<WorkerStatus> Supervisor::status() {
  WorkerStatus all{.pid = getpid(),
                   .workers = options_.workers,
                   .restarts = restarts_,
                   .draining = draining_,
                   .listeners = kept_.listeners(options_.workers),
                   .codes = kept_.codes()};
  for (const auto& place : places_) {
    const auto reply = place->call(kStatus, -1);
    if (!reply.ok()) {
      continue;
    }
    DUET_ASSIGN(const WorkerStatus one, parse_status_reply(*reply));
    all.generation = std::max(all.generation, one.generation);
    all.connections += one.connections;
    all.requests_in_flight += one.requests_in_flight;
    all.requests += one.requests;
    all.log_dropped += one.log_dropped;
  }
  return all;
}

// What all living workers counted, added up.
Result<std::string> Supervisor::metrics() {
  std::vector<std::string> texts;
  for (const auto& place : places_) {
    const auto reply = place->call(R"({"type":"metrics"})", -1);
    if (reply.ok()) {
      DUET_ASSIGN(texts.emplace_back(), parse_metrics_reply(*reply));
    }
  }
  return observe::merge_expositions(texts);
}

Status Supervisor::obey(Packet packet) {
  const Json message = Json::parse(packet.text, nullptr, false);
  if (!message.is_object()) {
    return invalid("a control packet must be a JSON object");
  }
  const std::string type = text_of(message, "type");
  if (type == "drain") {
    drain(number_of(message, "timeout_ms"));
    return {};
  }
  if (draining_) {
    return Error(ErrorCode::kUnavailable, "the gateway is draining");
  }
  if (!packet.fd.valid()) {
    return invalid("a control packet of type '" + type + "' needs a descriptor");
  }
  if (type == "listener" || type == "group") {
    const std::string name = text_of(message, "name");
    const auto worker = static_cast<int>(number_of(message, "worker"));
    DUET_TRY(tell_one(type, name, worker, packet.fd.get()));
    if (type == "listener") {
      kept_.keep_listener(name, worker, std::move(packet.fd));
    } else {
      kept_.keep_group(name, worker, std::move(packet.fd));
    }
    return {};
  }
  if (type == "table") {
    return set_table(std::move(packet.fd));
  }
  DUET_TRY(tell_all(packet.text, packet.fd.get()));
  if (type == "code") {
    kept_.keep_code(text_of(message, "digest"), std::move(packet.fd));
  } else if (type == "folder") {
    kept_.keep_folder(text_of(message, "name"), std::move(packet.fd));
  } else if (type == "access_log") {
    kept_.keep_access_log(std::move(packet.fd));
  }
  return {};
}

// What each worker has of its own.
Status Supervisor::tell_one(const std::string& type, const std::string& name, int worker, int fd) {
  if (worker < 0 || worker >= options_.workers) {
    return invalid(type + " " + name + ": there is no worker " + std::to_string(worker));
  }
  Place& place = *places_[static_cast<std::size_t>(worker)];
  if (place.alive()) {
    DUET_TRY(place.call(Json{{"type", type}, {"name", name}}.dump(), fd));
  }
  return {};
}

// The first living worker judges the table. What one accepts the others must accept too: one that
// does not is replaced, and its successor begins with the new table.
Status Supervisor::set_table(sys::Fd fd) {
  constexpr const char* kTable = R"({"type":"table"})";
  const auto first = std::find_if(places_.begin(), places_.end(),
                                  [](const auto& place) { return place->alive(); });
  if (first == places_.end()) {
    return Error(ErrorCode::kUnavailable, "no gateway worker lives");
  }
  DUET_TRY((*first)->call(kTable, fd.get()));
  for (auto place = std::next(first); place != places_.end(); ++place) {
    const auto taken = (*place)->call(kTable, fd.get());
    if (!taken.ok()) {
      (*place)->replace(taken.error());
    }
  }
  kept_.keep_table(std::move(fd));
  DUET_ASSIGN(const std::string reply, (*first)->call(kStatus, -1));
  DUET_ASSIGN(const WorkerStatus held, parse_status_reply(reply));
  kept_.keep_only(held);
  return {};
}

// An error: the first living worker refused. One that is dying gets it from its successor's start.
Status Supervisor::tell_all(std::string_view text, int fd) {
  for (const auto& place : places_) {
    const auto told = place->call(text, fd);
    if (!told.ok() && told.error().code() != ErrorCode::kUnavailable) {
      return told.error();
    }
  }
  return {};
}

void Supervisor::drain(std::int64_t timeout_ms) {
  draining_ = true;
  const std::string text = Json{{"type", "drain"}, {"timeout_ms", timeout_ms}}.dump();
  for (const auto& place : places_) {
    static_cast<void>(place->call(text, -1));  // one that is dying has nothing to drain
  }
  kept_.clear();
  stop_if_all_ended();
}

void Supervisor::stop_if_all_ended() {
  if (std::none_of(places_.begin(), places_.end(),
                   [](const auto& place) { return place->alive(); })) {
    loop_.stop();
  }
}

}  // namespace duet::gateway
