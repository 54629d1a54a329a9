#include "monitor/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "monitor/terminal.h"
#include "sys/file.h"

namespace duet::monitor {

namespace {

int64_t since_1970_ns(sys::WallTime time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

uint64_t read_oom_kill_count(const std::string& file) {
  constexpr std::string_view kKey = "oom_kill ";
  const auto text = file.empty() ? Result<std::string>(std::string()) : sys::read_file(file, 4096);
  if (!text.ok()) {
    return 0;
  }
  for (size_t line = 0; line < text->size();) {
    if (text->compare(line, kKey.size(), kKey) == 0) {
      return std::strtoull(text->c_str() + line + kKey.size(), nullptr, 10);
    }
    const size_t newline = text->find('\n', line);
    line = newline == std::string::npos ? text->size() : newline + 1;
  }
  return 0;
}

Child::Child(const ChildContext& context, std::string id, CriLog log, std::string oom_counter_file)
    : context_(context),
      log_(std::move(log)),
      oom_counter_file_(std::move(oom_counter_file)),
      oom_count_before_(read_oom_kill_count(oom_counter_file_)) {
  state_.id = std::move(id);
}

Child::~Child() {
  if (state_.pid != 0 && state_.phase != ChildPhase::kExited) {
    context_.reaper.forget(state_.pid);
  }
}

Status Child::take_output(sys::Fd out, sys::Fd err) {
  DUET_ASSIGN(out_, OutputPipe::open(context_.loop, std::move(out), [this](std::string_view data) {
                on_output(OutputStream::kStdout, data);
              }));
  DUET_ASSIGN(err_, OutputPipe::open(context_.loop, std::move(err), [this](std::string_view data) {
                on_output(OutputStream::kStderr, data);
              }));
  return {};
}

Status Child::take_terminal(sys::Fd master) {
  // Reading and writing are watched apart, so each has a descriptor of its own.
  sys::Fd writer(::fcntl(master.get(), F_DUPFD_CLOEXEC, 0));
  terminal_.reset(::fcntl(master.get(), F_DUPFD_CLOEXEC, 0));
  if (!writer.valid() || !terminal_.valid()) {
    return Error::from_errno("duplicate a terminal", errno);
  }
  DUET_ASSIGN(out_,
              OutputPipe::open(context_.loop, std::move(master), [this](std::string_view data) {
                on_output(OutputStream::kStdout, data);
              }));
  return take_stdin(std::move(writer), false);
}

Status Child::take_stdin(sys::Fd write_end, bool once) {
  stdin_once_ = once;
  DUET_ASSIGN(in_, InputPipe::open(context_.loop, std::move(write_end), [this] {
                for (Viewer* viewer : std::vector<Viewer*>(viewers_)) {
                  viewer->on_stdin_writable();
                }
              }));
  return {};
}

std::string Child::end_preface() {
  for (OutputPipe* pipe : {out_.get(), err_.get()}) {
    if (pipe != nullptr) {
      pipe->drain();
    }
  }
  in_preface_ = false;
  return std::move(preface_);
}

Status Child::take_process(pid_t pid) {
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  DUET_TRY(context_.reaper.adopt(pid, [this](const sys::ExitStatus& status) { on_end(status); }));
  state_.pid = pid;
  return {};
}

void Child::finish_start() {
  starting_ = false;
  state_.phase = ChildPhase::kRunning;
  state_.started_ns = since_1970_ns(context_.clock.now());
  context_.changed(state_.id);
  if (early_end_) {
    tell_end(*early_end_);
  }
}

Status Child::send_signal(int signal) {
  if (state_.phase == ChildPhase::kExited || early_end_) {
    return {};
  }
  if (state_.pid == 0 || !pidfd_.valid()) {
    return Error(ErrorCode::kConflict, state_.id + " has no process yet");
  }
  if (::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0) != 0 && errno != ESRCH) {
    return Error::from_errno("signal " + std::to_string(signal) + " to " + state_.id, errno);
  }
  return {};
}

void Child::remove_viewer(Viewer* viewer) { std::erase(viewers_, viewer); }

size_t Child::write_stdin(std::string_view data) {
  return in_ == nullptr ? data.size() : in_->write(data);
}

void Child::close_stdin() {
  if (stdin_once_) {
    in_.reset();
  }
}

void Child::resize(uint16_t columns, uint16_t rows) {
  if (terminal_.valid()) {
    resize_terminal(terminal_.get(), columns, rows);
  }
}

void Child::on_output(OutputStream stream, std::string_view data) {
  if (in_preface_) {
    preface_.append(data);
    if (preface_.size() > kRuntimeTextBytes) {
      preface_.erase(0, preface_.size() - kRuntimeTextBytes);
    }
    return;
  }
  if (data.empty()) {
    log_.finish(stream, context_.clock.now());
    return;
  }
  log_.write(stream, data, context_.clock.now());
  for (Viewer* viewer : viewers_) {
    viewer->on_output(stream, data);
  }
}

void Child::on_end(const sys::ExitStatus& status) {
  pidfd_.reset();
  early_end_ = status;
  if (!starting_) {
    tell_end(status);
  }
}

void Child::tell_end(const sys::ExitStatus& status) {
  for (OutputPipe* pipe : {out_.get(), err_.get()}) {
    if (pipe != nullptr) {
      pipe->drain();
    }
  }
  const sys::WallTime now = context_.clock.now();
  log_.finish(OutputStream::kStdout, now);
  log_.finish(OutputStream::kStderr, now);
  in_.reset();
  state_.phase = ChildPhase::kExited;
  state_.exit_code = status.code;
  state_.signal = status.signal;
  state_.finished_ns = since_1970_ns(now);
  state_.oom_killed = read_oom_kill_count(oom_counter_file_) > oom_count_before_;
  write_exit_file();
  context_.changed(state_.id);
  for (Viewer* viewer : std::vector<Viewer*>(viewers_)) {
    viewer->on_exit(state_);
  }
}

// Whole or not there; against the death of this process, not of the machine: after that nothing
// runs.
void Child::write_exit_file() const {
  const std::string path = context_.exits_directory + "/" + state_.id;
  const std::string fresh = context_.exits_directory + "/." + state_.id;
  if (sys::write_file(fresh, encode(MessageType::kState, state_), 0600).ok()) {
    ::rename(fresh.c_str(), path.c_str());
  }
}

void Child::remove_exit_file() { ::unlink((context_.exits_directory + "/" + state_.id).c_str()); }

}  // namespace duet::monitor
