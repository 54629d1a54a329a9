#include "wasm/program.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <cerrno>

#include "sys/file.h"
#include "wasm/launch_spec.h"

namespace duet::wasm {

namespace {

// A file that exists nowhere, and that nobody can change any more.
Result<sys::Fd> sealed_file(std::string_view content) {
  sys::Fd fd(::memfd_create("duet-launch-spec", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) {
    return Error::from_errno("make a memory file", errno);
  }
  DUET_TRY(sys::write_all(fd.get(), content));
  if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) !=
      0) {
    return Error::from_errno("seal a memory file", errno);
  }
  return fd;
}

}  // namespace

std::vector<int> SandboxCommand::fd_numbers() const {
  std::vector<int> numbers;
  numbers.reserve(fds.size());
  for (const sys::Fd& fd : fds) {
    numbers.push_back(fd.get());
  }
  return numbers;
}

Result<SandboxCommand> make_sandbox_command(const std::string& executable, const std::string& label,
                                            int code_fd, const ProgramSpec& spec) {
  DUET_ASSIGN(const std::string bytes, encode_launch_spec(spec));
  SandboxCommand command{.argv = {executable, label}};
  DUET_ASSIGN(sys::Fd spec_fd, sealed_file(bytes));
  sys::Fd code(::fcntl(code_fd, F_DUPFD_CLOEXEC, 0));
  if (!code.valid()) {
    return Error::from_errno("pass the program's code on", errno);
  }
  command.fds.push_back(std::move(spec_fd));
  command.fds.push_back(std::move(code));
  return command;
}

}  // namespace duet::wasm
