#include "sys/tcp_sockets.h"

#include <sstream>

#include "sys/file.h"
#include "sys/namespace.h"

namespace duet::sys {

namespace {

constexpr std::size_t kTableBytes = 8 << 20;  // of one of the two: some 50,000 sockets

// States of include/net/tcp_states.h that nobody waits for.
constexpr std::string_view kFinWait2 = "05";
constexpr std::string_view kTimeWait = "06";
constexpr std::string_view kClose = "07";

}  // namespace

std::size_t count_tcp_sockets_in(std::string_view table) {
  std::istringstream lines{std::string(table)};
  std::string line;
  std::getline(lines, line);  // the names of the columns
  std::size_t count = 0;
  while (std::getline(lines, line)) {
    std::istringstream columns(line);
    std::string number;
    std::string local;
    std::string remote;
    std::string state;
    if (columns >> number >> local >> remote >> state && state != kFinWait2 && state != kTimeWait &&
        state != kClose) {
      ++count;
    }
  }
  return count;
}

Result<std::size_t> count_tcp_sockets(const std::string& network_namespace) {
  std::size_t count = 0;
  DUET_TRY(in_network_namespace(network_namespace, [&count]() -> Status {
    for (const char* path : {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}) {
      if (!file_exists(path)) {
        continue;  // a kernel without IPv6
      }
      DUET_ASSIGN(const std::string table, read_file(path, kTableBytes));
      count += count_tcp_sockets_in(table);
    }
    return {};
  }));
  return count;
}

}  // namespace duet::sys
