#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "engine/code_file.h"
#include "engine/program.h"
#include "sys/file.h"
#include "sys/landlock.h"
#include "wasm/confinement.h"
#include "wasm/launch_spec.h"

// duet-sandbox LABEL: runs one Wasm program (wasm/program.h) and becomes its exit code. Its parent
// has put it into the cgroup and the network namespace; descriptor 3 is the specification, 4 the
// code.
namespace duet::wasm {
namespace {

// The folders that the program gets, opened while we may still open them.
struct Folders {
  std::vector<sys::Fd> fds;
  std::vector<engine::Preopen> preopens;
  std::vector<sys::ReachablePath> reachable;
};

Result<ProgramSpec> read_spec() {
  DUET_ASSIGN(const std::string bytes, [] {
    ::lseek(kSpecFd, 0, SEEK_SET);
    return sys::read_all(kSpecFd, kLaunchSpecLimitBytes);
  }());
  ::close(kSpecFd);
  return decode_launch_spec(bytes);
}

Result<Folders> open_folders(const std::vector<Mount>& mounts) {
  Folders folders;
  for (const Mount& mount : mounts) {
    auto fd = sys::open_file(mount.host_path, O_RDONLY | O_DIRECTORY);
    if (!fd.ok()) {
      return fd.error().wrap("mount at " + mount.guest_path);
    }
    folders.preopens.push_back({fd->get(), mount.guest_path, mount.read_only});
    folders.reachable.push_back({fd->get(), !mount.read_only, true});
    folders.fds.push_back(std::move(*fd));
  }
  return folders;
}

// Files that name lookup reads. Guests cannot name them: they have only their folders.
void add_resolver_files(Folders& folders) {
  for (const char* path : {"/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf",
                           "/etc/gai.conf", "/etc/services"}) {
    auto fd = sys::open_file(path, O_PATH);
    if (fd.ok()) {
      folders.reachable.push_back({fd->get(), false, false});
      folders.fds.push_back(std::move(*fd));
    }
  }
}

engine::ProgramOptions options_of(const ProgramSpec& spec, const Folders& folders) {
  engine::ProgramOptions options;
  options.arguments = spec.args;
  for (const std::string& entry : spec.env) {
    const size_t equals = entry.find('=');
    options.environment.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  options.preopens = folders.preopens;
  options.memory_bytes = spec.memory_limit_bytes;
  options.network = spec.network;
  return options;
}

Result<engine::ProgramEnd> run() {
  ::close_range(kCodeFd + 1, ~0U, 0);
  DUET_ASSIGN(const ProgramSpec spec, read_spec());
  DUET_ASSIGN(Folders folders, open_folders(spec.mounts));
  if (spec.network) {
    add_resolver_files(folders);
  }
  DUET_ASSIGN(const engine::CodeFooter footer, engine::read_code_footer(kCodeFd));
  folders.reachable.push_back({kCodeFd, false, false});  // the engine opens it once more
  DUET_TRY(drop_privileges(spec.uid, spec.gid));
  DUET_TRY(sys::confine_files(folders.reachable));
  DUET_TRY(confine_system_calls(spec.network));
  return engine::run_program(kCodeFd, footer.kind, options_of(spec, folders));
}

}  // namespace
}  // namespace duet::wasm

// Asked by AddressSanitizer where it is compiled in: looking for leaks at the end takes a process
// of its own, which a sandbox may not have.
extern "C" const char* __asan_default_options() {  // NOLINT(bugprone-reserved-identifier)
  return "detect_leaks=0";
}

int main() {  // NOLINT(bugprone-exception-escape)
  const auto end = duet::wasm::run();
  if (!end.ok()) {
    std::fprintf(stderr, "duet-sandbox: %s\n", end.error().message().c_str());
    return duet::wasm::kExitSandboxFailed;
  }
  if (end->trapped) {
    std::fprintf(stderr, "%s\n", end->message.c_str());
    return duet::wasm::kExitTrap;
  }
  return end->exit_code;
}
