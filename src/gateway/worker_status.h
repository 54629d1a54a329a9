#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace duet::gateway {

// What a worker says of itself.
struct WorkerStatus {
  std::int64_t pid = 0;
  std::uint64_t generation = 0;  // of the table that is in use; 0: none was set yet
  bool draining = false;
  std::vector<std::string> listeners;  // names whose sockets the worker holds
  std::vector<std::string> codes;      // digests whose files the worker holds
  std::int64_t connections = 0;        // open client connections
  std::int64_t requests_in_flight = 0;
  std::uint64_t requests = 0;     // since the start
  std::uint64_t log_dropped = 0;  // access log lines that were lost because the log was too slow
};

}  // namespace duet::gateway
