#include <unistd.h>

#include <charconv>
#include <climits>
#include <cstdlib>

#include "base/quantity.h"
#include "cli/run_options.h"
#include "cli/verbs.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"env", 'e', "KEY=VALUE", "Set a variable; KEY alone passes this shell's own on"},
    {"dir", 0, "HOST::GUEST[:ro]", "A folder of the host and where the program finds it"},
    {"user", 'u', "UID[:GID]", "Run as this user; by default this one, or nobody for root"},
    {"memory", 'm', "BYTES", "Limit of its memory, as 64Mi"},
    {"tty", 't', "", "Give a container a terminal"},
    {"network", 0, "", "Let a Wasm component open sockets"},
    {"plain-http", 0, "REGISTRY", "Speak plain HTTP to this registry (host[:port])"},
    {"auth-file", 0, "PATH", "Credentials in the format of Docker's config.json"},
    {"ca-file", 0, "PATH", "Certificate authorities (PEM) to trust beside the system's"},
};
constexpr Example kExamples[] = {
    {"A WebAssembly file", "duet run hello.wasm"},
    {"With arguments, a variable and a folder to read",
     "duet run --env LOG=debug --dir ./data::/data:ro report.wasm -- --month 3"},
    {"A shell in a container", "duet run -t docker.io/library/busybox:stable -- sh"},
};

Status read_user(const std::string& text, RunOptions& out) {
  const char* end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, out.uid);
  bool good = error == std::errc() && out.uid >= 0 && out.uid < UINT_MAX;
  out.gid = out.uid;
  if (good && after != end) {
    const auto [last, second] = std::from_chars(after + 1, end, out.gid);
    good =
        *after == ':' && second == std::errc() && last == end && out.gid >= 0 && out.gid < UINT_MAX;
  }
  return good ? Status() : invalid("--user must be UID or UID:GID, not \"" + text + "\"");
}

Result<RunOptions> read_options(const Invocation& invocation) {
  RunOptions out{.args = invocation.trailing,
                 .tty = invocation.has("tty"),
                 .network = invocation.has("network")};
  DUET_ASSIGN(out.env, read_environment(invocation));
  for (const auto& text : invocation.values("dir")) {
    DUET_ASSIGN(auto mount, parse_mount(text));
    out.mounts.push_back(std::move(mount));
  }
  if (const std::string user = invocation.value("user"); !user.empty()) {
    DUET_TRY(read_user(user, out));
  }
  if (const std::string memory = invocation.value("memory"); !memory.empty()) {
    const auto bytes = parse_quantity(memory);
    if (!bytes.ok() || *bytes <= 0) {
      return invalid("--memory must be a size like 64Mi, not \"" + memory + "\"");
    }
    out.memory_bytes = *bytes;
  }
  return out;
}

Result<int> run(const Invocation& invocation) {
  if (invocation.words.empty()) {
    return usage_error(invocation, "name a .wasm file or an image to run");
  }
  const auto options = read_options(invocation);
  if (!options.ok()) {
    return usage_error(invocation, options.error().message());
  }
  DUET_ASSIGN(const Workload workload, find_workload(invocation, invocation.words[0]));
  return workload.module.valid() ? run_wasm(invocation, workload, *options)
                                 : run_container(invocation, workload, *options);
}

}  // namespace

Result<RunMount> parse_mount(const std::string& text) {
  RunMount out;
  std::string rest = text;
  if (rest.ends_with(":ro")) {
    out.read_only = true;
    rest.resize(rest.size() - 3);
  } else if (rest.ends_with(":rw")) {
    rest.resize(rest.size() - 3);
  }
  const size_t border = rest.find("::");
  const std::string host = rest.substr(0, border);
  out.guest_path = border == std::string::npos ? host : rest.substr(border + 2);
  if (host.empty() || out.guest_path.empty()) {
    return invalid("--dir must be HOST::GUEST or HOST::GUEST:ro, not \"" + text + "\"");
  }
  char resolved[PATH_MAX];
  if (realpath(host.c_str(), resolved) == nullptr) {
    return Error::from_errno("--dir " + host, errno);
  }
  out.host_path = resolved;
  if (!out.guest_path.starts_with('/')) {
    // Relative to the program's own folder, which is the root.
    out.guest_path = out.guest_path == "." ? "/" : "/" + out.guest_path;
  }
  return out;
}

Verb run_verb() {
  return {.name = "run",
          .arguments = "(FILE.wasm | IMAGE) [--] [ARGUMENT...]",
          .summary = "Run one Wasm program or one container now",
          .description =
              "Runs one program with this terminal, without a node and without keeping anything\n"
              "of it. Its exit code is this command's. A Wasm program is compiled the first time\n"
              "and runs in a sandbox that sees its arguments, the given variables and folders,\n"
              "and nothing else; any user may do that. A container needs root and shares the\n"
              "host's network. Images that are not here are pulled.",
          .flags = kFlags,
          .examples = kExamples,
          .run = run,
          .words = Words::kFilesAndImages,
          .stops_at_word = true};
}

}  // namespace duet::cli
