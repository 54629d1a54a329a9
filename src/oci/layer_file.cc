#include "oci/layer_file.h"

#include <unistd.h>

#include <cerrno>
#include <set>

#include "oci/tar_reader.h"
#include "sys/file.h"

namespace duet::oci {

namespace {

// The names of whiteouts that would remove `path`: of itself, of each folder above it, and the
// opaque mark in each folder above it.
std::set<std::string> whiteouts_of(const std::string& path) {
  std::set<std::string> names = {".wh..wh..opq"};
  size_t start = 0;
  for (;;) {
    const size_t slash = path.find('/', start);
    names.insert(path.substr(0, start) + ".wh." + path.substr(start, slash - start));
    if (slash == std::string::npos) {
      return names;
    }
    names.insert(path.substr(0, slash) + "/.wh..wh..opq");
    start = slash + 1;
  }
}

Status copy_out(TarReader& tar, int out, int64_t size_limit_bytes) {
  // A later entry of the same path replaces an earlier one.
  if (::ftruncate(out, 0) != 0 || ::lseek(out, 0, SEEK_SET) != 0) {
    return Error::from_errno("empty the output", errno);
  }
  int64_t total_bytes = 0;
  return tar.read([&](std::string_view data) -> Status {
    total_bytes += static_cast<int64_t>(data.size());
    if (total_bytes > size_limit_bytes) {
      return Error(ErrorCode::kExhausted,
                   "the module is larger than " + std::to_string(size_limit_bytes) + " bytes");
    }
    return sys::write_all(out, data);
  });
}

}  // namespace

Result<LayerAnswer> extract_file(int layer, const std::string& path, int out,
                                 int64_t size_limit_bytes) {
  const std::set<std::string> whiteouts = whiteouts_of(path);
  DUET_ASSIGN(TarReader tar, TarReader::open(layer));
  LayerAnswer answer = LayerAnswer::kAbsent;
  for (size_t count = 0;; ++count) {
    DUET_ASSIGN(archive_entry* const entry, tar.next());
    if (entry == nullptr) {
      return answer;
    }
    if (count == kLayerEntryLimit) {
      return Error(ErrorCode::kExhausted,
                   "the layer has more than " + std::to_string(kLayerEntryLimit) + " entries");
    }
    const auto name = entry_path(entry);
    if (!name.ok()) {
      continue;  // a path that leaves the root names nothing in it
    }
    if (*name != path) {
      // A file of the same layer stands above any whiteout in it.
      if (answer == LayerAnswer::kAbsent && whiteouts.contains(*name)) {
        answer = LayerAnswer::kRemoved;
      }
      continue;
    }
    if (archive_entry_hardlink(entry) != nullptr || archive_entry_filetype(entry) != AE_IFREG) {
      return Error(ErrorCode::kUnsupported,
                   path + " is not a regular file in the image but a " +
                       "link or something else; make it the module itself");
    }
    DUET_TRY(copy_out(tar, out, size_limit_bytes));
    answer = LayerAnswer::kFound;
  }
}

}  // namespace duet::oci
