#include "container/run.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <utility>

#include "sys/fd.h"

namespace duet::container {

namespace {

constexpr size_t kOutputLimitBytes = 64 << 10;

Result<sys::Fd> scratch_file(const char* name) {
  sys::Fd fd(::memfd_create(name, MFD_CLOEXEC));
  if (!fd.valid()) {
    return Error::from_errno("memfd", errno);
  }
  return fd;
}

std::string content_of(const sys::Fd& fd) {
  std::string text(kOutputLimitBytes, '\0');
  const ssize_t got = ::pread(fd.get(), text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  return text;
}

}  // namespace

Result<sys::Output> run_leaving_children(sys::Command command, int64_t timeout_ms) {
  DUET_ASSIGN(const sys::Fd out, scratch_file("stdout"));
  DUET_ASSIGN(const sys::Fd err, scratch_file("stderr"));
  command.stdout_fd = out.get();
  command.stderr_fd = err.get();
  DUET_ASSIGN(const pid_t pid, sys::spawn(command));
  auto status = sys::wait_for(pid, timeout_ms);
  if (!status.ok()) {
    ::kill(pid, SIGKILL);
    (void)sys::wait(pid);
    return status.error().wrap(command.argv[0]);
  }
  return sys::Output{*status, content_of(out), content_of(err)};
}

std::string find_program(const std::string& name, const std::vector<std::string>& directories) {
  for (const auto& directory : directories) {
    std::string path = directory + "/" + name;
    struct stat info{};
    if (::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
        ::access(path.c_str(), X_OK) == 0) {
      return path;
    }
  }
  return "";
}

std::vector<std::string> program_directories() {
  std::vector<std::string> directories;
  const char* path = std::getenv("PATH");
  std::stringstream stream(path == nullptr ? "" : path);
  for (std::string part; std::getline(stream, part, ':');) {
    if (part.starts_with('/')) {
      directories.push_back(part);
    }
  }
  for (const char* more :
       {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}) {
    directories.emplace_back(more);
  }
  return directories;
}

}  // namespace duet::container
