#include "sys/run_command.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "sys/fd.h"
#include "sys/monotonic_ms.h"

namespace duet::sys {

namespace {

// The parent's side of run(): feeds stdin and drains stdout and stderr until all are closed or time
// is up.
class Conversation {
 public:
  Conversation(Fd in, Fd out, Fd err, const std::string& input, size_t limit_bytes)
      : in_(std::move(in)),
        out_(std::move(out)),
        err_(std::move(err)),
        input_(input),
        limit_(limit_bytes) {
    ::fcntl(in_.get(), F_SETFL, O_NONBLOCK);
    if (input_.empty()) {
      in_.reset();
    }
  }

  // Returns false when the deadline passed first.
  bool hold(int64_t deadline_ms, Output& output) {
    while (out_.valid() || err_.valid() || in_.valid()) {
      std::array<pollfd, 3> waiting = {pollfd{in_.get(), POLLOUT, 0}, pollfd{out_.get(), POLLIN, 0},
                                       pollfd{err_.get(), POLLIN, 0}};
      const int64_t left = deadline_ms - monotonic_ms();
      if (left <= 0) {
        return false;
      }
      if (::poll(waiting.data(), waiting.size(), static_cast<int>(left)) <= 0) {
        continue;
      }
      if (waiting[0].revents != 0) {
        feed();
      }
      if (waiting[1].revents != 0) {
        drain(out_, output.out);
      }
      if (waiting[2].revents != 0) {
        drain(err_, output.err);
      }
    }
    return true;
  }

 private:
  // write(2) to the child, which may have closed its end: that must be EPIPE and no signal,
  // whatever the process does about SIGPIPE elsewhere.
  ssize_t write_quietly() const {
    sigset_t pipe;
    sigset_t before;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    const ssize_t put = ::write(in_.get(), input_.data() + fed_, input_.size() - fed_);
    const int error = errno;
    if (put < 0 && error == EPIPE) {
      const timespec now{};
      ::sigtimedwait(&pipe, nullptr, &now);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = error;
    return put;
  }

  void feed() {
    const ssize_t put = write_quietly();
    if (put < 0 && (errno == EAGAIN || errno == EINTR)) {
      return;
    }
    fed_ += put > 0 ? static_cast<size_t>(put) : 0;
    if (put < 0 || fed_ == input_.size()) {
      in_.reset();
    }
  }

  void drain(Fd& from, std::string& to) const {
    std::array<char, 16384> chunk;
    const ssize_t got = ::read(from.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) {
      return;
    }
    if (got <= 0) {
      from.reset();
      return;
    }
    const size_t room = limit_ - std::min(limit_, to.size());
    to.append(chunk.data(), std::min(room, static_cast<size_t>(got)));
  }

  Fd in_;
  Fd out_;
  Fd err_;
  const std::string& input_;
  size_t limit_;
  size_t fed_ = 0;
};

}  // namespace

Result<Output> run(const Command& command, const std::string& input, int64_t timeout_ms,
                   size_t limit_bytes) {
  DUET_ASSIGN(Pipe in, make_pipe());
  DUET_ASSIGN(Pipe out, make_pipe());
  DUET_ASSIGN(Pipe err, make_pipe());
  Command piped = command;
  piped.stdin_fd = in.read.get();
  piped.stdout_fd = out.write.get();
  piped.stderr_fd = err.write.get();
  DUET_ASSIGN(const pid_t pid, spawn(piped));
  in.read.reset();
  out.write.reset();
  err.write.reset();
  const int64_t deadline = monotonic_ms() + timeout_ms;
  Output output;
  Conversation conversation(std::move(in.write), std::move(out.read), std::move(err.read), input,
                            limit_bytes);
  if (conversation.hold(deadline, output)) {
    auto status = wait_for(pid, std::max<int64_t>(1, deadline - monotonic_ms()));
    if (status.ok()) {
      output.status = *status;
      return output;
    }
  }
  ::kill(pid, SIGKILL);
  (void)wait(pid);
  return Error(ErrorCode::kTimeout,
               command.argv[0] + ": not done after " + std::to_string(timeout_ms) + " ms");
}

}  // namespace duet::sys
