#include "wasm/compiler_run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "sys/file.h"
#include "sys/monotonic_ms.h"
#include "sys/process.h"

namespace duet::wasm {

namespace {

constexpr size_t kWordsLimitBytes = 16 << 10;

// What the compiler writes, read until it closes both streams or a bound is reached.
class Conversation {
 public:
  Conversation(const CompilerRun& run, const std::function<Status(std::string_view)>& sink)
      : run_(run), sink_(sink), deadline_ms_(sys::monotonic_ms() + run.timeout_ms) {}

  Status hold(sys::Fd out, sys::Fd err) {
    while (out.valid() || err.valid()) {
      std::array<pollfd, 2> waiting = {pollfd{out.get(), POLLIN, 0}, pollfd{err.get(), POLLIN, 0}};
      const int64_t left = deadline_ms_ - sys::monotonic_ms();
      const int ready =
          left <= 0 ? 0 : ::poll(waiting.data(), waiting.size(), static_cast<int>(left));
      if (ready == 0) {
        return Error(ErrorCode::kTimeout, "compiling took more than " +
                                              std::to_string(run_.timeout_ms / 1000) +
                                              " s and was stopped");
      }
      if (ready > 0 && waiting[0].revents != 0) {
        DUET_TRY(take_code(out));
      }
      if (ready > 0 && waiting[1].revents != 0) {
        take_words(err);
      }
    }
    return {};
  }

  const std::string& words() const { return words_; }

 private:
  Status take_code(sys::Fd& out) {
    std::array<char, 64 << 10> chunk;
    const ssize_t got = ::read(out.get(), chunk.data(), chunk.size());
    if (got <= 0) {
      if (got == 0 || errno != EINTR) {
        out.reset();
      }
      return {};
    }
    size_ += static_cast<uint64_t>(got);
    if (size_ > run_.code_limit_bytes) {
      return Error(ErrorCode::kExhausted, "the compiled code is larger than " +
                                              std::to_string(run_.code_limit_bytes) + " bytes");
    }
    return sink_(std::string_view(chunk.data(), static_cast<size_t>(got)));
  }

  void take_words(sys::Fd& err) {
    std::array<char, 4096> chunk;
    const ssize_t got = ::read(err.get(), chunk.data(), chunk.size());
    if (got == 0 || (got < 0 && errno != EINTR)) {
      err.reset();
    } else if (got > 0 && words_.size() < kWordsLimitBytes) {
      words_.append(chunk.data(), static_cast<size_t>(got));
    }
  }

  const CompilerRun& run_;
  const std::function<Status(std::string_view)>& sink_;
  int64_t deadline_ms_;
  uint64_t size_ = 0;
  std::string words_;
};

Status judge(const sys::ExitStatus& status, std::string words) {
  while (!words.empty() && words.back() == '\n') {
    words.pop_back();
  }
  constexpr std::string_view kName = "duet-compile: ";
  if (words.starts_with(kName)) {
    words.erase(0, kName.size());
  }
  if (status.ok()) {
    return {};
  }
  if (status.signal == SIGXCPU || status.signal == SIGKILL) {
    return Error(ErrorCode::kExhausted, "the compiler reached its limit of processor time");
  }
  if (status.signal != 0) {
    return Error(ErrorCode::kExhausted, "the compiler ended by " + status.describe() +
                                            ", as it does when its memory limit is reached" +
                                            (words.empty() ? "" : ": " + words));
  }
  return status.code == 1 ? Error(ErrorCode::kInvalid, words)
                          : internal("duet-compile (" + status.describe() + "): " + words);
}

}  // namespace

Status run_compiler(const CompilerRun& run, const std::function<Status(std::string_view)>& sink) {
  // Opened again: the caller's position in the file is its own.
  DUET_ASSIGN(const sys::Fd module,
              sys::open_file("/proc/self/fd/" + std::to_string(run.module_fd), O_RDONLY));
  DUET_ASSIGN(sys::Pipe out, sys::make_pipe());
  DUET_ASSIGN(sys::Pipe err, sys::make_pipe());
  sys::Command command{.argv = run.argv, .env = std::vector<std::string>()};
  command.stdin_fd = module.get();
  command.stdout_fd = out.write.get();
  command.stderr_fd = err.write.get();
  command.new_session = true;
  DUET_ASSIGN(const pid_t pid, sys::spawn(command));
  out.write.reset();
  err.write.reset();
  Conversation conversation(run, sink);
  const Status held = conversation.hold(std::move(out.read), std::move(err.read));
  if (!held.ok()) {
    ::kill(pid, SIGKILL);
  }
  DUET_ASSIGN(const sys::ExitStatus status, sys::wait(pid));
  return held.ok() ? judge(status, conversation.words()) : held;
}

}  // namespace duet::wasm
