#include "gateway/arguments.h"

#include <charconv>

namespace duet::gateway {
namespace {

Result<std::uint32_t> parse_count(const std::string& name, const std::string& value,
                                  std::uint32_t most) {
  std::uint32_t count = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (error != std::errc{} || end != value.data() + value.size() || count == 0 || count > most) {
    return invalid(name + " must be a number from 1 to " + std::to_string(most));
  }
  return count;
}

constexpr std::uint32_t kWorkerLimit = 256;
constexpr std::uint32_t kSandboxLimit = 100'000;

Status parse_one(const std::string& name, const std::string& value, Arguments& arguments) {
  if (name == "--control") {
    arguments.control = value;
  } else if (name == "--user") {
    DUET_ASSIGN(arguments.user, parse_user(value));
  } else if (name == "--workers") {
    DUET_ASSIGN(const std::uint32_t count, parse_count(name, value, kWorkerLimit));
    arguments.workers = static_cast<int>(count);
  } else if (name == "--sandboxes") {
    DUET_ASSIGN(arguments.sandboxes, parse_count(name, value, kSandboxLimit));
  } else if (name == "--read") {
    arguments.read.push_back(value);
  } else if (name == "--write") {
    arguments.write.push_back(value);
  } else if (name == "--worker") {
    arguments.worker_folders = value;
  } else {
    return invalid("unknown option " + name);
  }
  return {};
}

}  // namespace

Result<Arguments> parse_arguments(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) {
      return invalid(name + " needs a value");
    }
    DUET_TRY(parse_one(name, argv[i + 1], arguments));
  }
  if (arguments.control.empty() && !arguments.worker_folders) {
    return invalid("--control is missing");
  }
  return arguments;
}

}  // namespace duet::gateway
