#include "engine/program.h"

#include "engine/duet_engine.h"
#include "engine/error_from.h"

namespace duet::engine {
namespace {

duet_slice slice(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

Result<ProgramEnd> run_program(int fd, Kind kind, const ProgramOptions& options) {
  if (is_handler(kind)) {
    return invalid(
        "this is a request handler: it cannot be run as a program; serve it (duet serve, or a pod "
        "with a "
        "containerPort)");
  }
  std::vector<duet_slice> arguments;
  arguments.reserve(options.arguments.size());
  for (const std::string& argument : options.arguments) {
    arguments.push_back(slice(argument));
  }
  std::vector<duet_field> environment;
  environment.reserve(options.environment.size());
  for (const auto& [name, value] : options.environment) {
    environment.push_back({slice(name), slice(value)});
  }
  std::vector<duet_preopen> preopens;
  preopens.reserve(options.preopens.size());
  for (const Preopen& preopen : options.preopens) {
    preopens.push_back({preopen.host_fd, slice(preopen.guest_path), preopen.read_only});
  }
  duet_program_options raw{};
  raw.arguments = arguments.data();
  raw.argument_count = arguments.size();
  raw.environment = environment.data();
  raw.environment_count = environment.size();
  raw.preopens = preopens.data();
  raw.preopen_count = preopens.size();
  raw.memory_bytes = options.memory_bytes;
  raw.table_elements = options.table_elements;
  raw.network = options.network;

  duet_program_end raw_end{};
  duet_error error{};
  if (duet_program_run(fd, kind == Kind::kComponentProgram, &raw, &raw_end, &error) != DUET_OK) {
    return take_error(error).wrap("WebAssembly program");
  }
  ProgramEnd end{.trapped = raw_end.outcome == DUET_PROGRAM_TRAPPED,
                 .exit_code = raw_end.exit_code,
                 .message = std::string(raw_end.message, raw_end.message_size),
                 .peak_memory_bytes = raw_end.peak_memory_bytes};
  duet_program_end_clear(&raw_end);
  return end;
}

}  // namespace duet::engine
