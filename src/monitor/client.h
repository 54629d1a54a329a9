#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "monitor/protocol.h"
#include "sys/fd.h"

// How the agent speaks to the monitors of its pods.
//
// Every function that fails with ErrorCode::kUnavailable means one thing: nobody listens any more,
// the monitor was killed. What it started may still run without a parent that reaps it and without
// readers for its output: end it (kill its cgroup), read what ended before with read_exits, and
// launch a new monitor. All other errors leave the monitor running.
namespace duet::monitor {

// How a monitor is started.
struct LaunchOptions {
  std::string executable;  // duet-monitor, beside the agent's own executable
  std::string directory;   // <run>/pods/<uid>, made if missing, mode 0700; one monitor each
  // Files that the monitor writes its pid to before it detaches (cgroup.procs), so that it does not
  // live in the agent's cgroup.
  std::vector<std::string> cgroup_procs_files;
  int64_t timeout_ms = 10'000;
};

// Something that happened to a child.
struct Event {
  enum class Kind : uint8_t {
    kState,    // `state` is the child's now
    kRemoved,  // `state.id` was forgotten
    kSynced,   // all children that existed when the subscription began have been told
  };
  Kind kind = Kind::kState;
  ChildState state;
};

// The changes of all children, level-triggered: a slow reader may miss a state between two others,
// never the last one. Not thread-safe.
class Subscription {
 public:
  explicit Subscription(sys::Fd fd) : fd_(std::move(fd)) {}

  // The next event; none when `timeout_ms` passed first (-1: no limit, 0: only what is there).
  // Errors: kUnavailable when the monitor is gone.
  Result<std::optional<Event>> next_event(int64_t timeout_ms);

  // Readable when next_event(0) has something; for poll(2).
  int fd() const { return fd_.get(); }

 private:
  sys::Fd fd_;
};

// One message of an exec's or an attached child's output.
struct StreamEvent {
  enum class Kind : uint8_t {
    kStdout,   // `data`; everything with a terminal
    kStderr,   // `data`
    kDropped,  // `dropped_bytes` were lost because this reader was slow (attach only)
    kExited,   // the last: `state` has the exit code
  };
  Kind kind = Kind::kStdout;
  std::string data;
  uint64_t dropped_bytes = 0;
  ChildState state;
};

// The streams of an exec or of a running child. One thread may read while another writes. Closing
// an exec's stream kills its process; closing an attached stream changes nothing for the child,
// except for stdin_once.
class Stream {
 public:
  explicit Stream(sys::Fd fd) : fd_(std::move(fd)) {}

  // The next message; none when `timeout_ms` passed first (-1: no limit). After kExited: kNotFound.
  Result<std::optional<StreamEvent>> next(int64_t timeout_ms);

  // Writes to the process's stdin. Waits while the process does not read, up to `timeout_ms` for
  // each 16 KiB (-1: no limit).
  Status write_stdin(std::string_view data, int64_t timeout_ms = -1);
  Status close_stdin();
  Status resize(uint16_t columns, uint16_t rows);
  // Sends a signal to an exec's process.
  Status send_signal(int signal);

  // Readable when next(0) has something; for poll(2).
  int fd() const { return fd_.get(); }

 private:
  sys::Fd fd_;
  bool ended_ = false;
};

// A container whose program waits for proceed(). Destroying it before takes the container back.
class HeldContainer {
 public:
  HeldContainer(sys::Fd fd, int64_t timeout_ms) : fd_(std::move(fd)), timeout_ms_(timeout_ms) {}

  // Lets the program start and returns when it runs; to be called once. Errors as of
  // MonitorClient::start_container, also when the container could not be created.
  Result<ChildState> proceed();

 private:
  sys::Fd fd_;
  int64_t timeout_ms_;
};

// One pod's monitor. Thread-safe: each call has a connection of its own. Cheap to copy.
class MonitorClient {
 public:
  // Finds the running monitor of `options.directory`, or starts one.
  static Result<MonitorClient> launch(const LaunchOptions& options);
  // Finds the running monitor of `directory`; kUnavailable if there is none.
  static Result<MonitorClient> connect(const std::string& directory);

  // Starts a container and returns when it runs. Errors: kAlreadyExists when the id is in use,
  // kInternal with the OCI runtime's own words when that failed, kTimeout, kExhausted, kInvalid.
  Result<ChildState> start_container(const ContainerStart& start) const;

  // Has the container created while the caller does something else that its program needs.
  Result<HeldContainer> hold_container(const ContainerStart& start) const;

  // Starts a process, which gets `fds` as its descriptors 3, 4, ... (at most kPassedFdLimit; the
  // caller keeps its own). Errors as above, kNotFound when there is no such program.
  Result<ChildState> start_process(const ProcessStart& start,
                                   const std::vector<int>& fds = {}) const;

  // Sends a signal to a child's first process. A child that has exited is left in peace: success.
  // kNotFound when there is no such child.
  Status send_signal(const std::string& id, int signal) const;

  // All children, ended ones that were not removed included.
  Result<std::vector<ChildState>> list() const;
  // kNotFound when there is no such child.
  Result<ChildState> state(const std::string& id) const;
  // Waits until the child has exited; kTimeout after `timeout_ms`.
  Result<ChildState> wait(const std::string& id, int64_t timeout_ms) const;

  Result<Subscription> subscribe() const;
  // Starts a command in a container and returns when it runs; kInternal with the OCI runtime's own
  // words when that failed.
  Result<Stream> exec(const ExecStart& start) const;
  // The streams of a running child, from now on; kConflict when it does not run.
  Result<Stream> attach(const std::string& id) const;

  // Forgets an exited child and its exit file; kConflict while it runs.
  Status remove(const std::string& id) const;
  // Opens the log file again by its path, after somebody else moved it.
  Status reopen_log(const std::string& id) const;
  // Ends the monitor; kConflict while a child runs.
  Status quit() const;

  const std::string& directory() const { return directory_; }
  // The monitor's process; for memory accounting.
  int32_t pid() const { return info_.pid; }

 private:
  MonitorClient(std::string directory, MonitorInfo info)
      : directory_(std::move(directory)), info_(info) {}

  Result<std::vector<ChildState>> try_to_list() const;

  std::string directory_;
  MonitorInfo info_;
};

// The ends of children that a monitor of `directory` wrote down, also when that monitor is dead.
// What was removed is not there. Files that are not whole are left out.
Result<std::vector<ChildState>> read_exits(const std::string& directory);

// The sentence that matters in what an OCI runtime printed: the last msg="..." or "msg":"..." of
// its log lines, else the last line that is not empty.
std::string runtime_error_text(std::string_view printed);

}  // namespace duet::monitor
