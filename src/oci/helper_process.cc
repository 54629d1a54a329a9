#include "oci/helper_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "sys/file.h"
#include "sys/monotonic_ms.h"
#include "sys/process.h"

namespace duet::oci {

namespace {

const char* verb_of(const HelperRequest& request) {
  return request.fetch ? "fetch" : request.archive ? "archive" : "module";
}

// The request as a memory file: a helper that dies early cannot break a pipe.
Result<sys::Fd> request_file(const HelperRequest& request) {
  sys::Fd fd(::memfd_create("duet-pull-request", MFD_CLOEXEC));
  if (!fd.valid()) {
    return Error::from_errno("make a memory file", errno);
  }
  DUET_TRY(sys::write_all(fd.get(), encode_request(request)));
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

// A child that is killed and reaped when it goes out of scope.
class Child {
 public:
  explicit Child(pid_t pid)
      : pid_(pid), pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (!reaped_) {
      kill();
      (void)sys::wait(pid_);
    }
  }

  // May be called from another thread: a pidfd never means another process.
  void kill() const { ::syscall(SYS_pidfd_send_signal, pidfd_.get(), SIGKILL, nullptr, 0); }

  Result<sys::ExitStatus> wait_for(int64_t timeout_ms) {
    auto status = sys::wait_for(pid_, timeout_ms);
    reaped_ = status.ok();
    return status;
  }

 private:
  pid_t pid_;
  sys::Fd pidfd_;
  bool reaped_ = false;
};

// Splits what the helper says into lines and keeps its last word.
class Listener {
 public:
  explicit Listener(const std::function<void(const PullProgress&)>& on_progress)
      : on_progress_(on_progress) {}

  Status hear(std::string_view data) {
    buffer_ += data;
    size_t end = 0;
    while ((end = buffer_.find('\n')) != std::string::npos) {
      DUET_TRY(take_line(std::string_view(buffer_).substr(0, end)));
      buffer_.erase(0, end + 1);
    }
    return buffer_.size() <= kEventLimitBytes
               ? Status()
               : Error(ErrorCode::kExhausted, "duet-pull: a line without end");
  }

  const std::optional<HelperEvent>& last() const { return last_; }

 private:
  Status take_line(std::string_view line) {
    DUET_ASSIGN(HelperEvent event, decode_event(line));
    if (event.progress) {
      if (on_progress_) {
        on_progress_(*event.progress);
      }
      return {};
    }
    last_ = std::move(event);
    return {};
  }

  const std::function<void(const PullProgress&)>& on_progress_;
  std::string buffer_;
  std::optional<HelperEvent> last_;
};

Status listen(int fd, int64_t deadline_ms, Listener& listener) {
  std::array<char, 16384> chunk;
  for (;;) {
    const int64_t left = deadline_ms - sys::monotonic_ms();
    if (left <= 0) {
      return Error(ErrorCode::kTimeout, "not done within the time allowed");
    }
    pollfd waiting{fd, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left, 1 << 30)));
    if (ready <= 0) {
      continue;
    }
    const ssize_t got = ::read(fd, chunk.data(), chunk.size());
    if (got == 0) {
      return {};
    }
    if (got > 0) {
      DUET_TRY(listener.hear({chunk.data(), static_cast<size_t>(got)}));
    } else if (errno != EINTR) {
      return Error::from_errno("read from duet-pull", errno);
    }
  }
}

// Of our environment only where the site's proxy is; everything else comes with the request.
std::vector<std::string> proxy_environment() {
  std::vector<std::string> kept;
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "http_proxy", "no_proxy", "NO_PROXY"}) {
    if (const char* value = ::getenv(name)) {
      kept.push_back(std::string(name) + "=" + value);
    }
  }
  return kept;
}

Result<std::string> program_path(const Helper& helper) {
  if (!helper.program.empty()) {
    return helper.program;
  }
  DUET_ASSIGN(const std::string folder, sys::executable_directory());
  return folder + "/duet-pull";
}

}  // namespace

Result<HelperEvent> run_helper(const Helper& helper, HelperRequest request, int output_fd,
                               int input_fd, int64_t timeout_ms,
                               const std::function<void(const PullProgress&)>& on_progress,
                               const std::stop_token& stop) {
  const int64_t deadline_ms = sys::monotonic_ms() + timeout_ms;
  request.uid = helper.uid;
  request.gid = helper.gid;
  DUET_ASSIGN(const std::string program, program_path(helper));
  DUET_ASSIGN(const sys::Fd words, request_file(request));
  DUET_ASSIGN(sys::Pipe answers, sys::make_pipe());
  DUET_ASSIGN(const pid_t pid, sys::spawn({.argv = {program, verb_of(request)},
                                           .env = proxy_environment(),
                                           .working_directory = "/",
                                           .stdout_fd = answers.write.get(),
                                           .stderr_fd = STDERR_FILENO,
                                           .extra_fds = {words.get(), output_fd, input_fd}}));
  Child child(pid);
  answers.write.reset();
  const std::stop_callback on_stop(stop, [&child] { child.kill(); });
  Listener listener(on_progress);
  const auto heard = listen(answers.read.get(), deadline_ms, listener);
  if (stop.stop_requested()) {
    return Error(ErrorCode::kUnavailable, "stopped");
  }
  if (!heard.ok()) {
    return heard.error();
  }
  DUET_ASSIGN(const sys::ExitStatus status,
              child.wait_for(std::max<int64_t>(1, deadline_ms - sys::monotonic_ms())));
  if (!listener.last()) {
    return internal("duet-pull ended without an answer: " + status.describe());
  }
  if (listener.last()->error) {
    return *listener.last()->error;
  }
  if (!status.ok()) {
    return internal("duet-pull failed: " + status.describe());
  }
  return *listener.last();
}

}  // namespace duet::oci
