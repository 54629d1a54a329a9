#pragma once

#include <functional>
#include <memory>

#include "base/result.h"
#include "monitor/child.h"
#include "monitor/runtime_call.h"
#include "monitor/terminal.h"

namespace duet::monitor {

// Starts one container by the OCI runtime's create and start (runtime.md of the OCI runtime
// specification), step by step as the runtime's processes end. Not thread-safe.
class ContainerLaunch {
 public:
  using Callback = std::function<void(const Status&)>;

  // Begins; `child` outlives the launch. `done` is called once, never from within begin. On failure
  // what the runtime has made so far is still there: the caller of the monitor deletes it.
  static Result<std::unique_ptr<ContainerLaunch>> begin(Loop& loop, Reaper& reaper, Child& child,
                                                        ContainerStart request, Callback done);

  // After `create` the program waits for proceed(). To be called right after begin.
  void hold() { held_ = true; }
  void proceed();
  // Kills what `create` has made or makes; the launch fails.
  void abandon();

 private:
  ContainerLaunch(Loop& loop, Reaper& reaper, Child& child, ContainerStart request, Callback done)
      : loop_(loop),
        reaper_(reaper),
        child_(child),
        request_(std::move(request)),
        done_(std::move(done)) {}

  Status create();
  Status created(const RuntimeCall::End& end);
  Status start();
  Status take_back();
  void started(const RuntimeCall::End& end);
  void finish(const Status& status);
  Error failure(const char* verb, const RuntimeCall::End& end, const std::string& text) const;

  Loop& loop_;
  Reaper& reaper_;
  Child& child_;
  ContainerStart request_;
  Callback done_;
  std::unique_ptr<ConsoleSocket> console_;
  std::unique_ptr<RuntimeCall> call_;
  bool held_ = false;
  bool created_ = false;
  bool abandoned_ = false;
};

// The pid that a runtime wrote to `file`.
Result<pid_t> read_pid_file(const std::string& file);

// Starts a process as `child`, with `fds` as its 3, 4, ...
Status launch_process(Child& child, const ProcessStart& request, const std::vector<sys::Fd>& fds);

}  // namespace duet::monitor
