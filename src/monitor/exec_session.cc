#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>

#include "monitor/container_launch.h"
#include "monitor/sessions.h"
#include "monitor/wire.h"

namespace duet::monitor {

ExecSession::ExecSession(Loop& loop, Reaper& reaper, const sys::Clock& clock, Channel& channel,
                         ExecStart request, std::function<void()> close)
    : loop_(loop),
      reaper_(reaper),
      clock_(clock),
      channel_(channel),
      request_(std::move(request)),
      close_(std::move(close)) {}

ExecSession::~ExecSession() {
  if (state_.pid != 0 && state_.phase != ChildPhase::kExited) {
    kill(SIGKILL);
    reaper_.forget(state_.pid);
  }
}

Status ExecSession::begin() {
  RuntimeCall::Io io;
  sys::Pipe in;
  sys::Pipe out;
  sys::Pipe err;
  ::unlink(request_.pid_file.c_str());
  if (!request_.console_socket.empty()) {
    DUET_ASSIGN(ConsoleSocket console, ConsoleSocket::listen(request_.console_socket));
    console_ = std::make_unique<ConsoleSocket>(std::move(console));
  } else {
    DUET_TRY(prepare_pipes(in, out, err));
    io.stdin_fd = in.read.get();
    io.stdout_fd = out.write.get();
    io.stderr_fd = err.write.get();
  }
  channel_.set_reading(false);  // stdin comes when there is a process
  DUET_ASSIGN(call_,
              RuntimeCall::start(loop_, reaper_, request_.argv, io, request_.timeout_ms,
                                 [this](const RuntimeCall::End& end) { runtime_ended(end); }));
  return {};
}

// Nothing is read before the runtime has ended: when it failed, what it printed is the error's
// text.
Status ExecSession::prepare_pipes(sys::Pipe& in, sys::Pipe& out, sys::Pipe& err) {
  if (request_.stdin_open) {
    DUET_ASSIGN(in, sys::make_pipe());
    DUET_ASSIGN(in_, InputPipe::open(loop_, std::move(in.write), [this] { write_stdin({}); }));
  }
  DUET_ASSIGN(out, sys::make_pipe());
  DUET_ASSIGN(err, sys::make_pipe());
  DUET_ASSIGN(out_, OutputPipe::open(loop_, std::move(out.read), [this](std::string_view data) {
                on_output(MessageType::kStdout, data);
              }));
  DUET_ASSIGN(err_, OutputPipe::open(loop_, std::move(err.read), [this](std::string_view data) {
                on_output(MessageType::kStderr, data);
              }));
  set_output_paused(true);
  return {};
}

Status ExecSession::take_terminal(sys::Fd master) {
  sys::Fd writer(::fcntl(master.get(), F_DUPFD_CLOEXEC, 0));
  terminal_.reset(::fcntl(master.get(), F_DUPFD_CLOEXEC, 0));
  if (!writer.valid() || !terminal_.valid()) {
    return Error::from_errno("duplicate a terminal", errno);
  }
  DUET_ASSIGN(out_, OutputPipe::open(loop_, std::move(master), [this](std::string_view data) {
                on_output(MessageType::kStdout, data);
              }));
  DUET_ASSIGN(in_, InputPipe::open(loop_, std::move(writer), [this] { write_stdin({}); }));
  return {};
}

void ExecSession::runtime_ended(const RuntimeCall::End& end) {
  const Status status = adopt(end);
  loop_.defer([call = std::shared_ptr<RuntimeCall>(std::move(call_))] {});
  if (!status.ok()) {
    channel_.send(encode(status.error()));
    close_();
    return;
  }
  if (client_gone_) {
    close_();  // which kills the process
    return;
  }
  channel_.send(encode(MessageType::kDone));
  channel_.set_reading(true);
  set_output_paused(false);
}

Status ExecSession::adopt(const RuntimeCall::End& end) {
  if (end.timed_out) {
    return Error(ErrorCode::kTimeout, "the OCI runtime could not exec within " +
                                          std::to_string(request_.timeout_ms) +
                                          " ms and was killed");
  }
  if (!end.status.ok()) {
    failing_ = true;
    failure_text_ = end.text;
    set_output_paused(false);
    for (OutputPipe* pipe : {out_.get(), err_.get()}) {
      if (pipe != nullptr) {
        pipe->drain();
      }
    }
    return internal("the OCI runtime could not exec (" + end.status.describe() +
                    "): " + failure_text_);
  }
  if (console_ != nullptr) {
    DUET_ASSIGN(sys::Fd master, console_->receive());
    console_.reset();
    DUET_TRY(take_terminal(std::move(master)));
  }
  DUET_ASSIGN(const pid_t pid, read_pid_file(request_.pid_file));
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  DUET_TRY(reaper_.adopt(pid, [this](const sys::ExitStatus& status) { on_end(status); }));
  state_.pid = pid;
  state_.phase = ChildPhase::kRunning;
  state_.started_ns = clock_.now().time_since_epoch() / std::chrono::nanoseconds(1);
  return {};
}

void ExecSession::on_message(MessageType type, std::string_view fields, std::vector<sys::Fd>) {
  WireReader reader(fields);
  if (type == MessageType::kStdin) {
    write_stdin(fields);
  } else if (type == MessageType::kCloseStdin) {
    if (!terminal_.valid()) {
      in_.reset();
    }
  } else if (type == MessageType::kResize) {
    const auto columns = reader.number<uint16_t>();
    resize_terminal(terminal_.get(), columns, reader.number<uint16_t>());
  } else if (type == MessageType::kStreamSignal) {
    kill(reader.number<int32_t>());
  } else {
    close_();
  }
}

void ExecSession::write_stdin(std::string_view data) {
  unwritten_.append(data);
  if (in_ == nullptr) {
    unwritten_.clear();
  } else if (!unwritten_.empty()) {
    unwritten_.erase(0, in_->write(unwritten_));
  }
  channel_.set_reading(unwritten_.empty());
}

void ExecSession::on_output(MessageType type, std::string_view data) {
  if (failing_) {
    append_tail(failure_text_, data);
  } else if (!data.empty()) {
    WireWriter writer;
    writer.number(static_cast<uint8_t>(type));
    writer.raw(data);
    send_or_keep(writer.take());
  }
}

void ExecSession::send_or_keep(std::string message) {
  if (channel_.send(message) == Channel::Sent::kFull) {
    unsent_ = std::move(message);
    set_output_paused(true);
  }
}

void ExecSession::set_output_paused(bool paused) {
  for (OutputPipe* pipe : {out_.get(), err_.get()}) {
    if (pipe != nullptr) {
      paused ? pipe->pause() : pipe->resume();
    }
  }
}

void ExecSession::on_writable() {
  const std::string message = std::move(unsent_);
  unsent_.clear();
  if (!message.empty()) {
    set_output_paused(false);
    send_or_keep(message);
  }
  pump();
}

void ExecSession::on_end(const sys::ExitStatus& status) {
  state_.phase = ChildPhase::kExited;
  state_.exit_code = status.code;
  state_.signal = status.signal;
  state_.finished_ns = clock_.now().time_since_epoch() / std::chrono::nanoseconds(1);
  pidfd_.reset();
  pump();
}

// After the process's end: sends what it printed, then how it ended.
void ExecSession::pump() {
  if (state_.phase != ChildPhase::kExited) {
    return;
  }
  for (OutputPipe* pipe : {out_.get(), err_.get()}) {
    if (pipe != nullptr && unsent_.empty()) {
      pipe->drain();
    }
  }
  if (unsent_.empty() && !exit_told_) {
    exit_told_ = true;
    send_or_keep(encode(MessageType::kExited, state_));
  }
  if (unsent_.empty()) {
    close_();
  }
}

void ExecSession::on_closed() {
  client_gone_ = true;
  if (call_ == nullptr) {
    close_();
  }
}

void ExecSession::kill(int signal) const {
  if (pidfd_.valid()) {
    ::syscall(SYS_pidfd_send_signal, pidfd_.get(), signal, nullptr, 0);
  }
}

}  // namespace duet::monitor
