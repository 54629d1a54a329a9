#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace duet::oci {

// The folder in a content store's `ingest/` where one name's download is under way. It is an OCI
// layout with unfinished blobs (.partial) beside the others, belongs to the helper's user, and
// stays after a failure so that the next pull of the name goes on. Held by one pull at a time.
class DownloadFolder {
 public:
  // Waits until no other pull has the name's folder, and makes it.
  static Result<DownloadFolder> open(const std::string& store, const std::string& name, uid_t uid,
                                     gid_t gid);
  int fd() const { return folder_.get(); }
  // After success.
  Status remove();

 private:
  DownloadFolder(std::string path, sys::Fd lock, sys::Fd folder)
      : path_(std::move(path)), lock_(std::move(lock)), folder_(std::move(folder)) {}
  std::string path_;
  sys::Fd lock_;
  sys::Fd folder_;
};

// Other folders in `ingest/`, of which whoever makes one must hold off garbage collection.
inline constexpr std::string_view kScratchPrefix = "scratch-";

// Makes `blobs/sha256` and an empty `index.json` in the folder for that user to fill; the rest
// stays the caller's.
Status prepare_layout_folder(const std::string& path, uid_t uid, gid_t gid);

// Removes the folders that nobody holds and nobody has used since `before`, and all scratch
// folders; says how many.
Result<int64_t> remove_old_downloads(const std::string& store, sys::WallTime before);

}  // namespace duet::oci
