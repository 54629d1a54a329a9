// duet-compile: compiles one WebAssembly module or component ahead of time.
//
//   duet-compile [--user UID:GID] [--max-input-bytes N] [--max-memory-bytes N] [--max-cpu-seconds
//   N] [--bounds guarded|checked] [--wagi] [--inspect]
//
// Reads the module from stdin and writes the compiled file (engine/code_file.h) to stdout, with
// --wagi that of a core module as a handler; with --inspect the name of its kind instead. Exit code
// 0: done. 1: the module cannot be used, and stderr says why. 2: wrong usage, or this process could
// not confine itself. A signal: a bound of time or memory was reached.
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "engine/compiler/compile.h"
#include "engine/compiler/confine.h"

namespace duet::engine {
namespace {

constexpr int kExitRefused = 1;
constexpr int kExitUsage = 2;
constexpr std::size_t kReadBytes = 256 << 10;

struct Options {
  Confinement confinement{
      .user = std::nullopt, .memory_bytes = std::uint64_t{4} << 30, .cpu_seconds = 300};
  std::uint64_t max_input_bytes = std::uint64_t{256} << 20;
  Bounds bounds = Bounds::kGuarded;  // of a handler's memory
  Use use = Use::kOwn;
  bool inspect = false;
};

Status parse_count(std::string_view name, std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.begin(), text.end(), out);
  if (error != std::errc() || end != text.end() || out == 0) {
    return invalid(std::string(name) + ": \"" + std::string(text) + "\" is not a positive number");
  }
  return {};
}

Status set_option(Options& options, std::string_view name, std::string_view value) {
  if (name == "--user") {
    DUET_ASSIGN(options.confinement.user, parse_user(value));
    return {};
  }
  if (name == "--max-input-bytes") {
    return parse_count(name, value, options.max_input_bytes);
  }
  if (name == "--max-memory-bytes") {
    return parse_count(name, value, options.confinement.memory_bytes);
  }
  if (name == "--max-cpu-seconds") {
    return parse_count(name, value, options.confinement.cpu_seconds);
  }
  if (name == "--bounds" && (value == "guarded" || value == "checked")) {
    options.bounds = value == "checked" ? Bounds::kChecked : Bounds::kGuarded;
    return {};
  }
  return invalid("unknown option " + std::string(name) + " " + std::string(value));
}

Result<Options> parse_options(std::span<char*> arguments) {
  Options options;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const std::string_view name = arguments[i];
    if (name == "--inspect") {
      options.inspect = true;
      continue;
    }
    if (name == "--wagi") {
      options.use = Use::kWagi;
      continue;
    }
    if (i + 1 == arguments.size()) {
      return invalid("option " + std::string(name) + " is unknown or lacks its value");
    }
    DUET_TRY(set_option(options, name, arguments[++i]));
  }
  return options;
}

Result<std::string> read_input(std::uint64_t max_bytes) {
  std::string input;
  while (true) {
    const std::size_t size = input.size();
    input.resize(size + kReadBytes);
    const ssize_t count = read(STDIN_FILENO, input.data() + size, kReadBytes);
    if (count < 0 && errno == EINTR) {
      input.resize(size);
      continue;
    }
    if (count < 0) {
      return Error::from_errno("reading the module", errno);
    }
    input.resize(size + static_cast<std::size_t>(count));
    if (input.size() > max_bytes) {
      return invalid("the module is larger than " + std::to_string(max_bytes) + " bytes");
    }
    if (count == 0) {
      return input;
    }
  }
}

Status write_all(std::string_view data) {
  while (!data.empty()) {
    const ssize_t count = write(STDOUT_FILENO, data.data(), data.size());
    if (count < 0 && errno != EINTR) {
      return Error::from_errno("writing the compiled file", errno);
    }
    data.remove_prefix(count < 0 ? 0 : static_cast<std::size_t>(count));
  }
  return {};
}

std::string_view inspected_name(Kind kind) {
  switch (kind) {
    case Kind::kModuleProgram:
      return "module-program\n";
    case Kind::kComponentProgram:
      return "component-program\n";
    case Kind::kHandler:
      return "handler\n";
    case Kind::kModuleHandler:
      return "module-handler\n";
    case Kind::kAsyncHandler:
      return "async-handler\n";
  }
  return "unknown\n";
}

Status work(const Options& options) {
  DUET_ASSIGN(const std::string input, read_input(options.max_input_bytes));
  if (options.inspect) {
    DUET_ASSIGN(const Kind kind, inspect(input));
    return write_all(inspected_name(kind));
  }
  DUET_ASSIGN(const CompiledCode code, CompiledCode::compile(input, options.use, options.bounds));
  DUET_TRY(write_all(code.image()));
  return write_all(code.footer());
}

int report(const Error& error, int exit_code) {
  std::fprintf(stderr, "duet-compile: %s\n", error.message().c_str());
  return exit_code;
}

}  // namespace
}  // namespace duet::engine

int main(int argc, char** argv) {
  using namespace duet::engine;  // NOLINT(google-build-using-namespace)
  const auto options = parse_options(std::span(argv, static_cast<std::size_t>(argc)));
  if (!options.ok()) {
    return report(options.error(), kExitUsage);
  }
  if (const auto confined = confine(options->confinement); !confined.ok()) {
    return report(confined.error(), kExitUsage);
  }
  const auto done = work(*options);
  // Not through exit(): nothing is left to be done, and what libraries would do there is not
  // allowed any more.
  _exit(done.ok() ? 0 : report(done.error(), kExitRefused));
}
