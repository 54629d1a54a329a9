#pragma once

#include <string>

#include "base/result.h"
#include "cli/api_client.h"

namespace duet::cli {

struct StreamOptions {
  bool stdin_open = false;  // pass on stdin
  bool tty = false;         // stdin is made raw, and the size of the terminal is passed on
};

// Joins this process's stdin, stdout and stderr with an exec or attach at `target` until that ends.
// Returns its exit code. The terminal is as before afterwards, also after SIGTERM and SIGHUP.
Result<int> run_stream_session(ApiClient& api, const std::string& target,
                               const StreamOptions& options);

}  // namespace duet::cli
