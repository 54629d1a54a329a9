#include "wasm/launch_spec.h"

#include <charconv>

namespace duet::wasm {

namespace {

Status check(const ProgramSpec& spec) {
  if (spec.args.empty()) {
    return invalid("a Wasm program needs its name as first argument");
  }
  if (spec.mounts.size() > kMountLimit) {
    return invalid("a Wasm program can have at most " + std::to_string(kMountLimit) + " mounts");
  }
  for (const std::string& entry : spec.env) {
    if (entry.find('=') == std::string::npos || entry[0] == '=') {
      return invalid("environment entry '" + entry.substr(0, 40) + "' is not NAME=VALUE");
    }
  }
  for (const Mount& mount : spec.mounts) {
    if (mount.host_path.empty() || mount.host_path[0] != '/') {
      return invalid("mount of '" + mount.host_path + "': the host's path must be absolute");
    }
    if (mount.guest_path.empty()) {
      return invalid("mount of " + mount.host_path + ": it needs a path in the guest");
    }
  }
  return {};
}

class Writer {
 public:
  void put(char tag, std::string_view text) {
    has_zero_ = has_zero_ || text.find('\0') != std::string_view::npos;
    bytes_ += tag;
    bytes_ += text;
    bytes_ += '\0';
  }
  Result<std::string> finish() && {
    if (has_zero_) {
      return invalid("arguments, environment and paths cannot hold a zero byte");
    }
    if (bytes_.size() > kLaunchSpecLimitBytes) {
      return invalid("arguments and environment are " + std::to_string(bytes_.size()) +
                     " bytes, more than " + std::to_string(kLaunchSpecLimitBytes));
    }
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
  bool has_zero_ = false;
};

template <typename Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// Takes one record into `spec`; false: it means nothing here.
bool take(char tag, std::string_view text, ProgramSpec& spec) {
  switch (tag) {
    case 'a':
      spec.args.emplace_back(text);
      return true;
    case 'e':
      spec.env.emplace_back(text);
      return true;
    case 'h':
      spec.mounts.push_back({.host_path = std::string(text)});
      return true;
    case 'g':
      if (spec.mounts.empty()) {
        return false;
      }
      spec.mounts.back().guest_path = text;
      return true;
    case 'o':
      if (spec.mounts.empty() || (text != "ro" && text != "rw")) {
        return false;
      }
      spec.mounts.back().read_only = text == "ro";
      return true;
    case 'm':
      return parse(text, spec.memory_limit_bytes);
    case 'u':
      return parse(text, spec.uid);
    case 'i':
      return parse(text, spec.gid);
    case 'n':
      spec.network = text == "1";
      return text == "1" || text == "0";
    default:
      return false;
  }
}

}  // namespace

Result<std::string> encode_launch_spec(const ProgramSpec& spec) {
  DUET_TRY(check(spec));
  Writer writer;
  for (const std::string& arg : spec.args) {
    writer.put('a', arg);
  }
  for (const std::string& entry : spec.env) {
    writer.put('e', entry);
  }
  for (const Mount& mount : spec.mounts) {
    writer.put('h', mount.host_path);
    writer.put('g', mount.guest_path);
    writer.put('o', mount.read_only ? "ro" : "rw");
  }
  writer.put('m', std::to_string(spec.memory_limit_bytes));
  writer.put('u', std::to_string(spec.uid));
  writer.put('i', std::to_string(spec.gid));
  writer.put('n', spec.network ? "1" : "0");
  writer.put('.', "");
  return std::move(writer).finish();
}

Result<ProgramSpec> decode_launch_spec(std::string_view bytes) {
  const Error malformed(ErrorCode::kCorrupt, "the specification of the program is not whole");
  ProgramSpec spec;
  while (!bytes.empty()) {
    const char tag = bytes[0];
    const size_t end = bytes.find('\0', 1);
    if (end == std::string_view::npos) {
      return malformed;
    }
    if (tag == '.') {
      DUET_TRY(check(spec));
      return end + 1 == bytes.size() ? Result<ProgramSpec>(std::move(spec)) : malformed;
    }
    if (!take(tag, bytes.substr(1, end - 1), spec)) {
      return malformed;
    }
    bytes.remove_prefix(end + 1);
  }
  return malformed;
}

}  // namespace duet::wasm
