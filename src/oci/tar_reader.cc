#include "oci/tar_reader.h"

#include <algorithm>
#include <vector>

namespace duet::oci {

namespace {
constexpr size_t kReadBytes = 1 << 18;
constexpr size_t kPathLimitBytes = 4096;
}  // namespace

Error TarReader::failure(const char* what) const {
  const char* text = archive_error_string(reader_.get());
  return {ErrorCode::kCorrupt, std::string(what) + ": " + (text == nullptr ? "unknown" : text)};
}

Result<TarReader> TarReader::open(int fd) {
  TarReader reader(archive_read_new());
  archive* raw = reader.reader_.get();
  // Only what is built into the library: a filter by an outside program could not start here.
  archive_read_support_format_tar(raw);
  archive_read_support_filter_gzip(raw);
  archive_read_support_filter_zstd(raw);
  if (archive_read_open_fd(raw, fd, kReadBytes) != ARCHIVE_OK) {
    return Error(ErrorCode::kInvalid, reader.failure("not a tar archive").message());
  }
  return reader;
}

Result<archive_entry*> TarReader::next() {
  archive_entry* entry = nullptr;
  const int result = archive_read_next_header(reader_.get(), &entry);
  if (result == ARCHIVE_EOF) {
    return static_cast<archive_entry*>(nullptr);
  }
  // A warning is about a name or attribute that this machine cannot express.
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) {
    return failure("tar archive");
  }
  return entry;
}

Status TarReader::read(const std::function<Status(std::string_view)>& take) {
  std::vector<char> chunk(kReadBytes);
  for (;;) {
    const la_ssize_t got = archive_read_data(reader_.get(), chunk.data(), chunk.size());
    if (got < 0) {
      return failure("tar archive");
    }
    if (got == 0) {
      return {};
    }
    DUET_TRY(take({chunk.data(), static_cast<size_t>(got)}));
  }
}

Result<std::string> clean_entry_path(const char* path) {
  const std::string_view whole = path == nullptr ? "" : path;
  if (whole.size() > kPathLimitBytes) {
    return invalid("a path longer than " + std::to_string(kPathLimitBytes) + " bytes");
  }
  std::string clean;
  for (size_t start = 0; start <= whole.size();) {
    const size_t end = std::min(whole.find('/', start), whole.size());
    const std::string_view part = whole.substr(start, end - start);
    if (part == "..") {
      return invalid("path \"" + std::string(whole) + "\" leaves the archive");
    }
    if (!part.empty() && part != ".") {
      clean += (clean.empty() ? "" : "/") + std::string(part);
    }
    start = end + 1;
  }
  return clean;
}

Result<std::string> entry_path(archive_entry* entry) {
  return clean_entry_path(archive_entry_pathname(entry));
}

}  // namespace duet::oci
