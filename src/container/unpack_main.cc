// duet-unpack: unpacks the layer blob on standard input into an empty folder, shut into that
// folder, and writes what it was as one line of JSON. See docs/decisions/containers.md.

#include <fcntl.h>
#include <iconv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include "container/confine.h"
#include "container/layer_reader.h"
#include "container/tree_writer.h"
#include "sys/file.h"

namespace {

using duet::Result;
using duet::Status;

constexpr char kUsage[] =
    "usage: duet-unpack DIRECTORY ENTRY_LIMIT SIZE_LIMIT_BYTES CPU_LIMIT_SECONDS < LAYER\n"
    "Unpacks one OCI layer (tar, gzip, zstd) into the empty folder DIRECTORY. Needs root.\n";

struct Arguments {
  std::string directory;
  duet::container::LayerReadLimits limits;
  int64_t cpu_seconds = 0;
};

Result<int64_t> number(std::string_view text) {
  int64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size() || value <= 0) {
    return duet::invalid("\"" + std::string(text) + "\" is not a positive number");
  }
  return value;
}

Result<Arguments> parse(int argc, char** argv) {
  if (argc != 5) {
    return duet::invalid(kUsage);
  }
  Arguments arguments;
  arguments.directory = argv[1];
  DUET_ASSIGN(arguments.limits.entry_limit, number(argv[2]));
  DUET_ASSIGN(arguments.limits.size_bytes, number(argv[3]));
  DUET_ASSIGN(arguments.cpu_seconds, number(argv[4]));
  return arguments;
}

// The C library reads its own conversion tables from the file system: while that is the host's.
void load_conversions() {
  const iconv_t conversion = ::iconv_open("ANSI_X3.4-1968", "UTF-8");
  if (conversion != reinterpret_cast<iconv_t>(-1)) {  // NOLINT(performance-no-int-to-ptr): POSIX's
    ::iconv_close(conversion);
  }
}

Result<duet::container::LayerSummary> unpack(const Arguments& arguments) {
  DUET_ASSIGN(const auto names, duet::sys::list_directory(arguments.directory));
  if (!names.empty()) {
    return duet::invalid(arguments.directory + " is not empty");
  }
  load_conversions();
  ::umask(0);
  DUET_TRY(duet::container::confine_to(
      arguments.directory,
      {.file_bytes = arguments.limits.size_bytes, .cpu_seconds = arguments.cpu_seconds}));
  DUET_ASSIGN(const auto root, duet::sys::open_file("/", O_RDONLY | O_DIRECTORY));
  duet::container::TreeWriter writer(root.get());
  return duet::container::read_layer(STDIN_FILENO, arguments.limits, writer);
}

// Plain writes: streams are more machinery than a shut-in process should need.
int fail(int code, const std::string& message) {
  (void)duet::sys::write_all(STDERR_FILENO, message + "\n");
  return code;
}

int run(int argc, char** argv) {
  const auto arguments = parse(argc, argv);
  if (!arguments.ok()) {
    return fail(2, arguments.error().message());
  }
  const auto summary = unpack(*arguments);
  if (!summary.ok()) {
    // The code's name leads, so that the caller can tell a bad archive from a bad machine.
    const auto& error = summary.error();
    return fail(1, std::string(error_code_name(error.code())) + ": " + error.message());
  }
  const auto told = duet::sys::write_all(STDOUT_FILENO,
                                         R"({"diffId":")" + summary->diff_id + R"(","entries":)" +
                                             std::to_string(summary->entries) + R"(,"sizeBytes":)" +
                                             std::to_string(summary->size_bytes) + "}\n");
  return told.ok() ? 0 : fail(1, "internal: " + told.error().message());
}

}  // namespace

int main(int argc, char** argv) {
  // Nothing that would run after main may make system calls that the filter does not know.
  ::_exit(run(argc, argv));
}
