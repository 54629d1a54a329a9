#include "container/masquerade.h"

#include <string>
#include <utility>
#include <vector>

#include "container/run.h"
#include "sys/run_command.h"

namespace duet::container {

namespace {

constexpr int64_t kTimeoutMs = 30'000;
constexpr int kNoSuchRule = 1;  // iptables' exit code when --check or --delete finds none

// Runs iptables' `verb` (--check, --append, --delete) on the network's rule. What goes to the
// bridge itself stays as it is, and so does multicast.
Result<sys::Output> iptables(const char* verb, const BridgeNetwork& network) {
  const bool v6 = network.subnet.find(':') != std::string::npos;
  const std::string program = find_program(v6 ? "ip6tables" : "iptables", program_directories());
  if (program.empty()) {
    return not_found("iptables is not installed");
  }
  sys::Command command;
  command.argv = {program, "--wait", "--table", "nat", verb, "POSTROUTING"};
  const std::vector<std::string> rule = {"--source",
                                         network.subnet,
                                         "!",
                                         "--destination",
                                         v6 ? "ff00::/8" : "224.0.0.0/4",
                                         "!",
                                         "--out-interface",
                                         network.bridge,
                                         "--match",
                                         "comment",
                                         "--comment",
                                         "duet network " + network.name,
                                         "--jump",
                                         "MASQUERADE"};
  command.argv.insert(command.argv.end(), rule.begin(), rule.end());
  return sys::run(command, "", kTimeoutMs);
}

Status failure_of(const sys::Output& output) {
  return Error(ErrorCode::kUnavailable,
               "iptables: " + (output.err.empty() ? output.status.describe()
                                                  : output.err.substr(0, output.err.find('\n'))));
}

}  // namespace

Status masquerade(const BridgeNetwork& network) {
  DUET_ASSIGN(const sys::Output there, iptables("--check", network));
  if (there.status.ok()) {
    return {};
  }
  DUET_ASSIGN(const sys::Output added, iptables("--append", network));
  return added.status.ok() ? Status() : failure_of(added);
}

Status stop_masquerading(const BridgeNetwork& network) {
  DUET_ASSIGN(const sys::Output gone, iptables("--delete", network));
  return gone.status.ok() || gone.status.code == kNoSuchRule ? Status() : failure_of(gone);
}

}  // namespace duet::container
