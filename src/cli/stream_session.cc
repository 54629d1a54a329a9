#include "cli/stream_session.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <optional>

#include "api/failure.h"
#include "api/frame.h"
#include "cli/raw_terminal.h"
#include "sys/fd.h"
#include "sys/file.h"

namespace duet::cli {
namespace {

using api::Channel;

constexpr int kSignalBase = 128;

// Signals as a descriptor, for the time of a session.
class SignalFd {
 public:
  SignalFd() {
    sigemptyset(&mask_);
    for (const int signal : {SIGWINCH, SIGTERM, SIGHUP}) {
      sigaddset(&mask_, signal);
    }
    pthread_sigmask(SIG_BLOCK, &mask_, &before_);
    fd_ = sys::Fd(signalfd(-1, &mask_, SFD_CLOEXEC));
  }
  ~SignalFd() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalFd(const SignalFd&) = delete;
  SignalFd& operator=(const SignalFd&) = delete;

  int get() const { return fd_.get(); }
  int take() const {
    signalfd_siginfo info{};
    return read(fd_.get(), &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo)
                                                                : 0;
  }

 private:
  sigset_t mask_{};
  sigset_t before_{};
  sys::Fd fd_;
};

// The exit code that the last frame says, or why there is none.
Result<int> exit_code_in(const std::string& status) {
  const api::StatusText text = api::parse_status(status);
  if (text.status == "Success") {
    return 0;
  }
  if (text.exit_code >= 0) {
    return text.exit_code;
  }
  return server_error(text.code == 0 ? 500 : text.code, status);
}

class Session {
 public:
  Session(ApiClient::Upgraded upgraded, const StreamOptions& options)
      : connection_(std::move(upgraded.connection)),
        reader_(connection_.fd(), std::move(upgraded.buffered)),
        options_(options) {}

  Result<int> run() {
    DUET_TRY(send_size());
    bool input_open = options_.stdin_open;
    while (true) {
      // What was read with the last frame may hold the next one.
      pollfd polled[3] = {{.fd = connection_.fd(), .events = POLLIN},
                          {.fd = signals_.get(), .events = POLLIN},
                          {.fd = input_open ? 0 : -1, .events = POLLIN}};
      if (poll(polled, 3, reader_.has_buffered() ? 0 : -1) < 0) {
        continue;
      }
      if (reader_.has_buffered() || polled[0].revents != 0) {
        DUET_ASSIGN(const auto code, take_frame());
        if (code) {
          return *code;
        }
      }
      if (polled[1].revents != 0) {
        const int signal = signals_.take();
        if (signal != SIGWINCH) {
          return kSignalBase + signal;
        }
        DUET_TRY(send_size());
      }
      if (polled[2].revents != 0) {
        DUET_ASSIGN(input_open, pass_input());
      }
    }
  }

 private:
  Status send_size() {
    const auto size = options_.tty ? terminal_size(0) : std::nullopt;
    return size ? api::send_frames(connection_.fd(), Channel::kResize, api::format_resize(*size))
                : Status();
  }

  // The exit code, once the process has ended.
  Result<std::optional<int>> take_frame() {
    DUET_ASSIGN(const auto frame, reader_.next());
    if (!frame) {
      return Error(ErrorCode::kUnavailable, "error: the node closed the connection");
    }
    switch (frame->channel) {
      case Channel::kStdout:
        DUET_TRY(sys::write_all(1, frame->payload));
        return std::optional<int>();
      case Channel::kStderr:
        DUET_TRY(sys::write_all(2, frame->payload));
        return std::optional<int>();
      case Channel::kError: {
        DUET_ASSIGN(const int code, exit_code_in(frame->payload));
        return std::optional(code);
      }
      default:
        return std::optional<int>();
    }
  }

  // False at the end of stdin.
  Result<bool> pass_input() {
    char piece[16 << 10];
    const ssize_t got = read(0, piece, sizeof(piece));
    if (got > 0) {
      const Status sent = api::send_frames(connection_.fd(), Channel::kStdin,
                                           std::string_view(piece, static_cast<size_t>(got)));
      return sent.ok();  // a process that has ended takes no more; its end is about to come
    }
    (void)api::send_frames(connection_.fd(), Channel::kClose, std::string_view("\0", 1));
    return false;
  }

  net::HttpClient connection_;
  api::FrameReader reader_;
  StreamOptions options_;
  SignalFd signals_;
};

}  // namespace

Result<int> run_stream_session(ApiClient& api, const std::string& target,
                               const StreamOptions& options) {
  DUET_ASSIGN(auto upgraded, api.upgrade(target, api::kChannelProtocol));
  std::optional<RawTerminal> raw;
  if (options.tty && options.stdin_open && isatty(0) == 1) {
    auto entered = RawTerminal::enter(0);
    if (!entered.ok()) {
      return entered.error();
    }
    raw.emplace(std::move(*entered));
  }
  return Session(std::move(upgraded), options).run();
}

}  // namespace duet::cli
