#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace duet::gateway {

// What a worker says of itself, or a supervisor of all its workers together.
struct WorkerStatus {
  std::int64_t pid = 0;
  std::int32_t workers = 1;      // listening sockets are wanted for each of them
  std::uint64_t restarts = 0;    // workers that died and were replaced
  std::uint64_t generation = 0;  // of the table that is in use; 0: none was set yet
  bool draining = false;
  std::vector<std::string> listeners;  // names whose sockets the worker holds
  std::vector<std::string> codes;      // digests whose files the worker holds
  std::vector<std::string> folders;    // names of folders whose files it can serve
  std::vector<std::string> groups;     // worker groups that it knows how to reach
  std::int64_t connections = 0;        // open client connections
  std::int64_t requests_in_flight = 0;
  std::uint64_t requests = 0;     // since the start
  std::uint64_t log_dropped = 0;  // access log lines that were lost because the log was too slow
};

// As a JSON object, and back from the reply to a status packet ({"ok":true,"status":{...}}).
std::string format_status(const WorkerStatus& status);
Result<WorkerStatus> parse_status_reply(std::string_view reply);

}  // namespace duet::gateway
