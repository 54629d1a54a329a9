#include "sys/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "sys/monotonic_ms.h"

namespace duet::sys {

namespace {

// Everything the child needs, made before it is: until it is the program it runs in its parent's
// memory, where only async-signal-safe calls are allowed.
struct Prepared {
  std::vector<char*> argv;
  std::vector<char*> envp;
  std::vector<int> fds;  // what becomes 0, 1, 2, 3, ...
};

Prepared prepare(const Command& command, int null_fd) {
  Prepared prepared;
  for (const auto& arg : command.argv) {
    prepared.argv.push_back(const_cast<char*>(arg.c_str()));
  }
  prepared.argv.push_back(nullptr);
  if (command.env) {
    for (const auto& entry : *command.env) {
      prepared.envp.push_back(const_cast<char*>(entry.c_str()));
    }
    prepared.envp.push_back(nullptr);
  }
  for (const int fd : {command.stdin_fd, command.stdout_fd, command.stderr_fd}) {
    prepared.fds.push_back(fd < 0 ? null_fd : fd);
  }
  prepared.fds.insert(prepared.fds.end(), command.extra_fds.begin(), command.extra_fds.end());
  return prepared;
}

// Moves prepared.fds to 0, 1, 2, ...; first out of the way of their own targets. Returns false with
// errno set.
bool place_descriptors(std::vector<int>& fds) {
  const int count = static_cast<int>(fds.size());
  for (int& fd : fds) {
    fd = ::fcntl(fd, F_DUPFD_CLOEXEC, count);
    if (fd < 0) {
      return false;
    }
  }
  for (int target = 0; target < count; ++target) {
    if (::dup2(fds[static_cast<size_t>(target)], target) < 0) {
      return false;
    }
  }
  return true;
}

// What a program may take for granted, whatever the process that starts it does for itself.
void reset_inherited() {
  ::umask(022);
  for (const int sig : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGQUIT}) {
    ::signal(sig, SIG_DFL);
  }
  // Not before: its parent's handlers must not run in its parent's memory.
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What the child tells its parent when it could not become the program.
struct ChildFailure {
  int step;
  int errno_value;
};
enum Step { kDescriptors, kFolder, kSession, kTerminal, kCgroup, kNetworkNamespace, kExecute };
constexpr std::array<const char*, 7> kSteps = {"set up its descriptors",
                                               "enter its folder",
                                               "start its session",
                                               "take its terminal",
                                               "join its cgroup",
                                               "enter its network namespace",
                                               "execute"};

[[noreturn]] void fail(int pipe, Step step) {
  const ChildFailure failure{step, errno};
  [[maybe_unused]] const ssize_t put = ::write(pipe, &failure, sizeof failure);
  ::_exit(127);
}

// "0" in cgroup.procs means the writer.
bool join_cgroups(const std::vector<std::string>& procs_files) {
  for (const std::string& file : procs_files) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0 || ::write(fd, "0", 1) != 1) {
      return false;
    }
    ::close(fd);
  }
  return true;
}

bool enter_network_namespace(const std::string& path) {
  if (path.empty()) {
    return true;
  }
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0 || ::setns(fd, CLONE_NEWNET) != 0) {
    return false;
  }
  ::close(fd);
  return true;
}

[[noreturn]] void become(const Command& command, Prepared& prepared, int failure_pipe) {
  reset_inherited();
  const int pipe = static_cast<int>(prepared.fds.size());
  const int aside = ::fcntl(failure_pipe, F_DUPFD_CLOEXEC, pipe + 64);
  if (aside < 0 || !place_descriptors(prepared.fds) || ::dup3(aside, pipe, O_CLOEXEC) < 0) {
    fail(aside < 0 ? failure_pipe : aside, kDescriptors);
  }
  // Now, not at exec: the steps until then may take long, and a parent that is killed meanwhile
  // must not leave its locks and sockets here.
  ::close_range(static_cast<unsigned>(pipe) + 1, ~0U, 0);
  if (!command.working_directory.empty() && ::chdir(command.working_directory.c_str()) != 0) {
    fail(pipe, kFolder);
  }
  if (command.new_session && ::setsid() < 0) {
    fail(pipe, kSession);
  }
  if (command.controlling_terminal && ::ioctl(0, TIOCSCTTY, 0) != 0) {
    fail(pipe, kTerminal);
  }
  if (!join_cgroups(command.cgroup_procs_files)) {
    fail(pipe, kCgroup);
  }
  if (!enter_network_namespace(command.network_namespace)) {
    fail(pipe, kNetworkNamespace);
  }
  if (command.env) {
    ::execvpe(prepared.argv[0], prepared.argv.data(), prepared.envp.data());
  } else {
    ::execvp(prepared.argv[0], prepared.argv.data());
  }
  fail(pipe, kExecute);
}

// A child that shares its parent's memory until it is the program, while the calling thread waits,
// as posix_spawn(3) has it: to copy the tables of all that an agent has mapped, only to throw them
// away, took longer than all else that starting a process does.
pid_t start_child(const Command& command, Prepared& prepared, int failure_pipe) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  // NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.vfork,bugprone-unsafe-functions)
  const pid_t pid = ::vfork();
  if (pid == 0) {
    become(command, prepared, failure_pipe);  // NOLINT(clang-analyzer-unix.Vfork)
  }
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

ExitStatus decode(int status) {
  if (WIFSIGNALED(status)) {
    return {128 + WTERMSIG(status), WTERMSIG(status)};
  }
  return {WEXITSTATUS(status), 0};
}

}  // namespace

std::string ExitStatus::describe() const {
  if (signal != 0) {
    return "signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
  }
  return "exit code " + std::to_string(code);
}

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) {
    return Error::from_errno("make a pipe", errno);
  }
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

Result<pid_t> spawn(const Command& command) {
  if (command.argv.empty()) {
    return invalid("no command to start");
  }
  DUET_ASSIGN(const Fd null_fd, [] {
    const int fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    return fd < 0 ? Result<Fd>(Error::from_errno("open /dev/null", errno)) : Result<Fd>(Fd(fd));
  }());
  DUET_ASSIGN(Pipe failure_pipe, make_pipe());
  Prepared prepared = prepare(command, null_fd.get());
  const pid_t pid = start_child(command, prepared, failure_pipe.write.get());
  if (pid < 0) {
    return Error::from_errno("make a process", errno);
  }
  failure_pipe.write.reset();
  ChildFailure failure{};
  ssize_t got = 0;
  do {
    got = ::read(failure_pipe.read.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof failure) {
    return pid;
  }
  ::waitpid(pid, nullptr, 0);
  return Error::from_errno(
      command.argv[0] + ": cannot " + kSteps[static_cast<size_t>(failure.step)],
      failure.errno_value);
}

Result<ExitStatus> wait(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      return Error::from_errno("wait for process " + std::to_string(pid), errno);
    }
  }
  return decode(status);
}

Result<std::optional<ExitStatus>> try_wait(pid_t pid) {
  int status = 0;
  const pid_t got = ::waitpid(pid, &status, WNOHANG);
  if (got < 0) {
    return Error::from_errno("wait for process " + std::to_string(pid), errno);
  }
  if (got == 0) {
    return std::optional<ExitStatus>();
  }
  return std::optional(decode(status));
}

Result<ExitStatus> wait_for(pid_t pid, int64_t timeout_ms) {
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) {
    return Error::from_errno("open process " + std::to_string(pid), errno);
  }
  const int64_t deadline = monotonic_ms() + timeout_ms;
  for (;;) {
    pollfd waiting{pidfd.get(), POLLIN, 0};
    const int64_t left = deadline - monotonic_ms();
    const int ready = ::poll(&waiting, 1, left > 0 ? static_cast<int>(left) : 0);
    if (ready > 0) {
      return wait(pid);
    }
    if (ready == 0) {
      return Error(ErrorCode::kTimeout, "process " + std::to_string(pid) + " still runs after " +
                                            std::to_string(timeout_ms) + " ms");
    }
    if (errno != EINTR) {
      return Error::from_errno("poll", errno);
    }
  }
}

Status raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return Error::from_errno("read the limit of open files", errno);
  }
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return Error::from_errno("raise the limit of open files", errno);
  }
  return {};
}

Result<std::string> executable_directory() {
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  if (length < 0) {
    return Error::from_errno("read /proc/self/exe", errno);
  }
  const std::string whole(path.data(), static_cast<size_t>(length));
  return whole.substr(0, whole.rfind('/'));
}

}  // namespace duet::sys
