#include "monitor/container_launch.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>

#include "monitor/protocol.h"
#include "sys/file.h"

namespace duet::monitor {

Result<pid_t> read_pid_file(const std::string& file) {
  DUET_ASSIGN(const std::string text, sys::read_file(file, 64));
  pid_t pid = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), pid);
  if (parsed.ec != std::errc() || pid <= 1) {
    return internal(file + ": the OCI runtime wrote no process id");
  }
  return pid;
}

Result<std::unique_ptr<ContainerLaunch>> ContainerLaunch::begin(Loop& loop, Reaper& reaper,
                                                                Child& child,
                                                                ContainerStart request,
                                                                Callback done) {
  std::unique_ptr<ContainerLaunch> launch(
      new ContainerLaunch(loop, reaper, child, std::move(request), std::move(done)));
  DUET_TRY(launch->create());
  return launch;
}

Status ContainerLaunch::create() {
  RuntimeCall::Io io;
  sys::Pipe in;
  sys::Pipe out;
  sys::Pipe err;
  ::unlink(request_.pid_file.c_str());
  if (!request_.console_socket.empty()) {
    DUET_ASSIGN(ConsoleSocket console, ConsoleSocket::listen(request_.console_socket));
    console_ = std::make_unique<ConsoleSocket>(std::move(console));
  } else {
    if (request_.stdin_open) {
      DUET_ASSIGN(in, sys::make_pipe());
      io.stdin_fd = in.read.get();
      DUET_TRY(child_.take_stdin(std::move(in.write), request_.stdin_once));
    }
    DUET_ASSIGN(out, sys::make_pipe());
    DUET_ASSIGN(err, sys::make_pipe());
    io.stdout_fd = out.write.get();
    io.stderr_fd = err.write.get();
    DUET_TRY(child_.take_output(std::move(out.read), std::move(err.read)));
    child_.begin_preface();
  }
  DUET_ASSIGN(call_, RuntimeCall::start(loop_, reaper_, request_.create_argv, io,
                                        request_.timeout_ms, [this](const RuntimeCall::End& end) {
                                          const Status status = created(end);
                                          if (!status.ok()) {
                                            finish(status);
                                          }
                                        }));
  return {};
}

// The container's init waits now for `start`, so all that was printed until now is the runtime's.
Status ContainerLaunch::created(const RuntimeCall::End& end) {
  const std::string printed = end.text + child_.end_preface();
  if (!end.ok()) {
    return failure("create", end, printed);
  }
  if (console_ != nullptr) {
    DUET_ASSIGN(sys::Fd master, console_->receive());
    console_.reset();
    DUET_TRY(child_.take_terminal(std::move(master)));
  }
  DUET_ASSIGN(const pid_t pid, read_pid_file(request_.pid_file));
  DUET_TRY(child_.take_process(pid));
  created_ = true;
  if (abandoned_) {
    return take_back();
  }
  return held_ ? Status() : start();
}

void ContainerLaunch::proceed() {
  held_ = false;
  const Status status = created_ ? start() : Status();
  if (!status.ok()) {
    finish(status);
  }
}

void ContainerLaunch::abandon() {
  abandoned_ = true;
  if (created_) {
    finish(take_back());
  }
}

Status ContainerLaunch::take_back() {
  [[maybe_unused]] const Status killed = child_.send_signal(SIGKILL);
  return Error(ErrorCode::kConflict, "the client that held " + request_.id + " back is gone");
}

Status ContainerLaunch::start() {
  DUET_ASSIGN(call_,
              RuntimeCall::start(loop_, reaper_, request_.start_argv, {}, request_.timeout_ms,
                                 [this](const RuntimeCall::End& ended) { started(ended); }));
  return {};
}

void ContainerLaunch::started(const RuntimeCall::End& end) {
  if (!end.ok()) {
    [[maybe_unused]] const Status killed = child_.send_signal(SIGKILL);
    finish(failure("start", end, end.text));
    return;
  }
  child_.finish_start();
  finish({});
}

void ContainerLaunch::finish(const Status& status) {
  const Callback done = std::move(done_);
  done(status);  // may destroy this, later
}

Error ContainerLaunch::failure(const char* verb, const RuntimeCall::End& end,
                               const std::string& text) const {
  const std::string what = "the OCI runtime could not " + std::string(verb) + " " + request_.id;
  if (end.timed_out) {
    return {ErrorCode::kTimeout,
            what + " within " + std::to_string(request_.timeout_ms) + " ms and was killed"};
  }
  return internal(what + " (" + end.status.describe() + "): " + text);
}

Status launch_process(Child& child, const ProcessStart& request, const std::vector<sys::Fd>& fds) {
  sys::Command command{.argv = request.argv, .env = request.env};
  command.new_session = true;
  command.cgroup_procs_files = request.cgroup_procs_files;
  command.network_namespace = request.network_namespace;
  for (const sys::Fd& fd : fds) {
    command.extra_fds.push_back(fd.get());
  }
  sys::Pipe in;
  sys::Pipe out;
  sys::Pipe err;
  Terminal terminal;
  if (request.terminal) {
    DUET_ASSIGN(terminal, open_terminal());
    command.stdin_fd = command.stdout_fd = command.stderr_fd = terminal.slave.get();
    command.controlling_terminal = true;
    DUET_TRY(child.take_terminal(std::move(terminal.master)));
  } else {
    if (request.stdin_open) {
      DUET_ASSIGN(in, sys::make_pipe());
      command.stdin_fd = in.read.get();
      DUET_TRY(child.take_stdin(std::move(in.write), request.stdin_once));
    }
    DUET_ASSIGN(out, sys::make_pipe());
    DUET_ASSIGN(err, sys::make_pipe());
    command.stdout_fd = out.write.get();
    command.stderr_fd = err.write.get();
    DUET_TRY(child.take_output(std::move(out.read), std::move(err.read)));
  }
  DUET_ASSIGN(const pid_t pid, sys::spawn(command));
  DUET_TRY(child.take_process(pid));
  child.finish_start();
  return {};
}

}  // namespace duet::monitor
