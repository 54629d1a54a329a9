#pragma once

#include <archive.h>
#include <archive_entry.h>

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"

// libarchive for tar only, with our errors. For the files of duet-pull's verbs; not thread-safe.
namespace duet::oci {

class TarReader {
 public:
  // Reads from `fd`, which the caller keeps open. kInvalid: not a tar at all.
  static Result<TarReader> open(int fd);

  // The next entry, or null at the end. Owned by the reader. kCorrupt: damaged or truncated.
  Result<archive_entry*> next();
  // The content of the current entry, piece by piece.
  Status read(const std::function<Status(std::string_view)>& take);

 private:
  struct Freer {
    void operator()(archive* reader) const { archive_read_free(reader); }
  };
  explicit TarReader(archive* reader) : reader_(reader) {}
  Error failure(const char* what) const;
  std::unique_ptr<archive, Freer> reader_;
};

// The entry's path without leading "/" and "./" and with single slashes; kInvalid with "..".
Result<std::string> entry_path(archive_entry* entry);
Result<std::string> clean_entry_path(const char* path);

}  // namespace duet::oci
