#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "monitor/loop.h"
#include "monitor/pipes.h"
#include "monitor/reaper.h"

namespace duet::monitor {

// Keeps the last kRuntimeTextBytes of what a runtime printed.
void append_tail(std::string& text, std::string_view data);

// One run of the OCI runtime, from its start to its end or its time limit. Destroying it kills the
// runtime if it still runs. Not thread-safe.
class RuntimeCall {
 public:
  struct Io {
    // What becomes the runtime's, and with create and exec the container's, 0, 1 and 2; -1:
    // /dev/null for stdin, and for the others a pipe whose text End gets.
    int stdin_fd = -1;
    int stdout_fd = -1;
    int stderr_fd = -1;
  };
  struct End {
    sys::ExitStatus status;
    bool timed_out = false;
    std::string text;  // what the runtime printed to descriptors that were not given

    bool ok() const { return status.ok() && !timed_out; }
  };
  using Callback = std::function<void(const End&)>;

  // Calls `done` once, never from within start.
  static Result<std::unique_ptr<RuntimeCall>> start(Loop& loop, Reaper& reaper,
                                                    const std::vector<std::string>& argv,
                                                    const Io& io, int64_t timeout_ms,
                                                    Callback done);
  ~RuntimeCall();
  RuntimeCall(const RuntimeCall&) = delete;
  RuntimeCall& operator=(const RuntimeCall&) = delete;

 private:
  RuntimeCall(Loop& loop, Reaper& reaper, Callback done)
      : loop_(loop), reaper_(reaper), done_(std::move(done)) {}
  void ended(const sys::ExitStatus& status);

  Loop& loop_;
  Reaper& reaper_;
  Callback done_;
  pid_t pid_ = 0;  // 0: ended
  Loop::Token timer_ = 0;
  std::unique_ptr<OutputPipe> output_;
  End end_;
};

}  // namespace duet::monitor
