#include "engine/code_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace duet::engine {

Result<CodeFooter> read_code_footer(int fd) {
  struct stat info{};
  if (fstat(fd, &info) != 0) {
    return Error::from_errno("compiled file", errno);
  }
  const auto file_bytes = static_cast<std::uint64_t>(info.st_size);
  std::string bytes(std::min<std::uint64_t>(file_bytes, kCodeFooterBytes), '\0');
  const ssize_t count =
      pread(fd, bytes.data(), bytes.size(), info.st_size - static_cast<off_t>(bytes.size()));
  if (count < 0) {
    return Error::from_errno("compiled file", errno);
  }
  bytes.resize(static_cast<std::size_t>(count));
  DUET_ASSIGN(CodeFooter footer, parse_code_footer(bytes, file_bytes));
  DUET_ASSIGN(const std::string guarded, engine_compatibility_key(footer.kind, Bounds::kGuarded));
  DUET_ASSIGN(const std::string checked, engine_compatibility_key(footer.kind, Bounds::kChecked));
  if (footer.compatibility_key != guarded && footer.compatibility_key != checked) {
    return Error(ErrorCode::kCorrupt,
                 "compiled file: it is for another version of the engine or another CPU; compile "
                 "the module again");
  }
  return footer;
}

}  // namespace duet::engine
