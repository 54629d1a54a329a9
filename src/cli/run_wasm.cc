#include <fcntl.h>
#include <unistd.h>

#include <vector>

#include "cli/image_options.h"
#include "cli/run_options.h"
#include "sys/process.h"
#include "wasm/program.h"

namespace duet::cli {
namespace {

constexpr int kFirstPassedFd = 3;  // where duet-sandbox expects them

// What comes before the person's own arguments.
void add_image_words(const oci::ImageConfig& image, const RunOptions& options,
                     std::vector<std::string>& args) {
  args = image.entrypoint;
  if (options.args.empty()) {
    args.insert(args.end(), image.cmd.begin(), image.cmd.end());
  }
}

wasm::ProgramSpec spec_of(const Workload& workload, const RunOptions& options, bool component) {
  wasm::ProgramSpec spec;
  if (workload.image) {
    add_image_words(workload.image->config, options, spec.args);
    spec.env = workload.image->config.env;
  }
  if (spec.args.empty()) {
    spec.args.push_back(workload.name);
  }
  spec.args.insert(spec.args.end(), options.args.begin(), options.args.end());
  for (const auto& [name, value] : options.env) {
    std::erase_if(spec.env,
                  [&, start = name + "="](const auto& one) { return one.starts_with(start); });
    spec.env.push_back(name + "=" + value);
  }
  for (const auto& mount : options.mounts) {
    spec.mounts.push_back({mount.host_path, mount.guest_path, mount.read_only});
  }
  spec.memory_limit_bytes = static_cast<uint64_t>(options.memory_bytes);
  const bool root = geteuid() == 0;
  spec.uid = options.uid >= 0 ? static_cast<uid_t>(options.uid) : root ? spec.uid : geteuid();
  spec.gid = options.gid >= 0 ? static_cast<gid_t>(options.gid) : root ? spec.gid : getegid();
  spec.network = options.network && component;
  return spec;
}

// exec keeps exactly 0, 1, 2 and the passed descriptors open: everything else is close-on-exec.
Status become(const wasm::SandboxCommand& command) {
  // First out of the way of where they go, then there.
  std::vector<int> high;
  for (const int fd : command.fd_numbers()) {
    const int copy = fcntl(fd, F_DUPFD_CLOEXEC, kFirstPassedFd + 16);
    if (copy < 0) {
      return Error::from_errno("pass a descriptor on", errno);
    }
    high.push_back(copy);
  }
  for (size_t i = 0; i < high.size(); ++i) {
    if (dup2(high[i], kFirstPassedFd + static_cast<int>(i)) < 0) {
      return Error::from_errno("pass a descriptor on", errno);
    }
  }
  std::vector<char*> argv;
  argv.reserve(command.argv.size() + 1);
  for (const auto& word : command.argv) {
    argv.push_back(const_cast<char*>(word.c_str()));
  }
  argv.push_back(nullptr);
  char* const no_environment[] = {nullptr};
  execve(argv[0], argv.data(), no_environment);
  return Error::from_errno("start " + command.argv[0], errno);
}

}  // namespace

Result<int> run_wasm(const Invocation& invocation, const Workload& workload,
                     const RunOptions& options) {
  const sys::SystemClock clock;
  DUET_ASSIGN(const auto cache, open_code_cache(invocation, clock));
  const auto code = cache->ensure(workload.module.get(), workload.digest);
  if (!code.ok()) {
    return command_error(code.error().wrap(workload.name));
  }
  if (engine::is_handler(code->kind)) {
    return invalid("error: " + workload.name +
                   " is a request handler, not a program; try: duet serve " + invocation.words[0]);
  }
  DUET_ASSIGN(const std::string helpers, sys::executable_directory());
  const bool component = code->kind != engine::Kind::kModuleProgram;
  auto command = wasm::make_sandbox_command(helpers + "/duet-sandbox", workload.name,
                                            code->fd.get(), spec_of(workload, options, component));
  if (!command.ok()) {
    return command_error(command.error());
  }
  return command_error(become(*command).error());
}

}  // namespace duet::cli
