#include <cstdio>
#include <string>
#include <vector>

#include "cli/invocation.h"

// What may be thrown is the want of memory, which ends the process in any case.
int main(int argc, char** argv) {  // NOLINT(bugprone-exception-escape)
  const auto invocation =
      duet::cli::parse_command_line(std::vector<std::string>(argv + 1, argv + argc));
  if (!invocation.ok()) {
    std::fprintf(stderr, "error: %s\nSee 'duet help'.\n", invocation.error().message().c_str());
    return duet::cli::kExitUsage;
  }
  const auto code = invocation->verb->run(*invocation);
  if (!code.ok()) {
    std::fflush(stdout);
    std::fprintf(stderr, "%s\n", code.error().message().c_str());
    return duet::cli::kExitFailure;
  }
  std::fflush(stdout);
  return *code;
}
