#include "sys/machine.h"

#include <sched.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>

#include "sys/file.h"

namespace duet::sys {
namespace {

constexpr std::size_t kFileBytes = 64 << 10;
constexpr std::string_view kBlanks = " \t\n";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  return begin == std::string_view::npos
             ? std::string_view()
             : text.substr(begin, text.find_last_not_of(kBlanks) + 1 - begin);
}

// What stands behind `key` at the start of a line, up to the line's end.
std::string_view after(std::string_view text, std::string_view key) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    if (line.starts_with(key)) {
      return trimmed(line.substr(key.size()));
    }
    at = end + 1;
  }
  return {};
}

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string first_line(const std::string& path) {
  const auto text = read_file(path, kFileBytes);
  return text.ok() ? std::string(trimmed(*text)) : std::string();
}

int usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return ::sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
}

std::string os_image(const std::string& root) {
  const std::string text =
      read_file(root + "/etc/os-release", kFileBytes).value_or("PRETTY_NAME=Linux");
  std::string_view name = after(text, "PRETTY_NAME=");
  if (name.size() >= 2 && name.front() == '"' && name.back() == '"') {
    name = name.substr(1, name.size() - 2);
  }
  return std::string(name);
}

Result<std::string> memory_file(const std::string& root) {
  return read_file(root + "/proc/meminfo", kFileBytes);
}

std::string processor_file(const std::string& root) {
  constexpr std::size_t kStatBytes = 1 << 20;  // it has a line for each CPU and each interrupt
  return read_file(root + "/proc/stat", kStatBytes).value_or("");
}

// "cpu  user nice system idle iowait irq softirq steal ...", in ticks of the clock.
std::int64_t worked_ns(std::string_view line) {
  constexpr std::size_t kIdle = 3;
  constexpr std::size_t kWaiting = 4;
  constexpr std::size_t kColumns = 8;  // what follows is counted among them
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  std::int64_t ticks = 0;
  for (std::size_t column = 0; column < kColumns && !line.empty(); ++column) {
    const std::string_view word = line.substr(0, line.find(' '));
    if (column != kIdle && column != kWaiting) {
      ticks += number(word);
    }
    line = trimmed(line.substr(word.size()));
  }
  return ticks * (kSecondNs / ::sysconf(_SC_CLK_TCK));
}

constexpr std::int64_t kKib = 1024;

}  // namespace

Result<Machine> examine_machine(const std::string& root) {
  DUET_ASSIGN(const std::string memory, memory_file(root));
  utsname kernel{};
  ::uname(&kernel);
  return Machine{.cpus = usable_cpus(),
                 .memory_bytes = number(after(memory, "MemTotal:")) * kKib,
                 .id = first_line(root + "/etc/machine-id"),
                 .boot_id = first_line(root + "/proc/sys/kernel/random/boot_id"),
                 .boot_s = number(after(processor_file(root), "btime ")),
                 .kernel_version = kernel.release,
                 .os_image = os_image(root)};
}

Result<MachineUse> measure_machine(const std::string& path, const std::string& root) {
  DUET_ASSIGN(const std::string memory, memory_file(root));
  struct statvfs storage{};
  if (::statvfs(path.c_str(), &storage) != 0) {
    return Error::from_errno("measuring the file system of " + path, errno);
  }
  // "0.20 0.18 0.12 1/80 11206": those that run, and all.
  const std::string load = first_line(root + "/proc/loadavg");
  const std::size_t slash = load.find('/');
  const auto unit = static_cast<std::int64_t>(storage.f_frsize);
  return MachineUse{.cpu_ns = worked_ns(after(processor_file(root), "cpu ")),
                    .memory_available_bytes = number(after(memory, "MemAvailable:")) * kKib,
                    .processes = slash == std::string::npos
                                     ? 0
                                     : number(std::string_view(load).substr(slash + 1)),
                    .process_limit = number(first_line(root + "/proc/sys/kernel/pid_max")),
                    .storage_bytes = static_cast<std::int64_t>(storage.f_blocks) * unit,
                    .storage_available_bytes = static_cast<std::int64_t>(storage.f_bavail) * unit,
                    .inodes = static_cast<std::int64_t>(storage.f_files),
                    .inodes_available = static_cast<std::int64_t>(storage.f_favail)};
}

}  // namespace duet::sys
