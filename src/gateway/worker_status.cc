#include "gateway/worker_status.h"

#include <nlohmann/json.hpp>

namespace duet::gateway {

using Json = nlohmann::json;

std::string format_status(const WorkerStatus& status) {
  return Json{{"pid", status.pid},
              {"workers", status.workers},
              {"restarts", status.restarts},
              {"generation", status.generation},
              {"draining", status.draining},
              {"listeners", status.listeners},
              {"codes", status.codes},
              {"folders", status.folders},
              {"groups", status.groups},
              {"connections", status.connections},
              {"requestsInFlight", status.requests_in_flight},
              {"requests", status.requests},
              {"logDropped", status.log_dropped}}
      .dump();
}

Result<WorkerStatus> parse_status_reply(std::string_view reply) {
  const Json message = Json::parse(reply, nullptr, false);
  WorkerStatus result;
  try {
    const Json status = message.value("status", Json::object());
    result.pid = status.value("pid", std::int64_t{0});
    result.workers = status.value("workers", std::int32_t{1});
    result.restarts = status.value("restarts", std::uint64_t{0});
    result.generation = status.value("generation", std::uint64_t{0});
    result.draining = status.value("draining", false);
    result.listeners = status.value("listeners", std::vector<std::string>());
    result.codes = status.value("codes", std::vector<std::string>());
    result.folders = status.value("folders", std::vector<std::string>());
    result.groups = status.value("groups", std::vector<std::string>());
    result.connections = status.value("connections", std::int64_t{0});
    result.requests_in_flight = status.value("requestsInFlight", std::int64_t{0});
    result.requests = status.value("requests", std::uint64_t{0});
    result.log_dropped = status.value("logDropped", std::uint64_t{0});
  } catch (const Json::exception&) {
    return Error(ErrorCode::kCorrupt, "the gateway worker's status has a field of a wrong type");
  }
  return result;
}

}  // namespace duet::gateway
