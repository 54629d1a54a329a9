#include "oci/download_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "oci/digest.h"
#include "oci/lock_file.h"
#include "sys/file.h"

namespace duet::oci {

namespace {

constexpr std::string_view kLockSuffix = ".lock";

sys::WallTime time_of(const struct stat& info) {
  return sys::WallTime(std::chrono::duration_cast<sys::WallTime::duration>(
      std::chrono::seconds(info.st_mtim.tv_sec)));
}

}  // namespace

// Only what the helper fills is its own: it must not be able to put a link where we make a folder.
Status prepare_layout_folder(const std::string& path, uid_t uid, gid_t gid) {
  DUET_TRY(sys::make_directories(path + "/blobs", 0711));
  if (::chmod(path.c_str(), 0711) != 0) {
    return Error::from_errno("open folder " + path + " to the helper", errno);
  }
  const std::string blobs = path + "/blobs/sha256";
  if (::mkdir(blobs.c_str(), 0700) != 0 && errno != EEXIST) {
    return Error::from_errno("make folder " + blobs, errno);
  }
  const std::string index = path + "/index.json";
  if (!sys::file_exists(index)) {
    DUET_TRY(sys::write_file(index, "", 0600));
  }
  for (const std::string& given : {blobs, index}) {
    if (::geteuid() == 0 && ::lchown(given.c_str(), uid, gid) != 0) {
      return Error::from_errno("give " + given + " to the helper", errno);
    }
  }
  return {};
}

Result<DownloadFolder> DownloadFolder::open(const std::string& store, const std::string& name,
                                            uid_t uid, gid_t gid) {
  const std::string path = store + "/ingest/" + std::string(digest_hex(digest_of(name)));
  DUET_ASSIGN(sys::Fd lock, lock_file(path + std::string(kLockSuffix), LockMode::kExclusive));
  ::futimens(lock.get(), nullptr);
  struct stat info{};
  if (::stat((path + "/blobs/sha256").c_str(), &info) == 0 && ::geteuid() == 0 &&
      info.st_uid != uid) {
    DUET_TRY(sys::remove_tree(path));  // the helper ran as somebody else, who owns the files
  }
  DUET_TRY(prepare_layout_folder(path, uid, gid));
  DUET_ASSIGN(sys::Fd folder, sys::open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return DownloadFolder(path, std::move(lock), std::move(folder));
}

Status DownloadFolder::remove() {
  folder_.reset();
  DUET_TRY(sys::remove_tree(path_));
  ::unlink((path_ + std::string(kLockSuffix)).c_str());
  lock_.reset();
  return {};
}

Result<int64_t> remove_old_downloads(const std::string& store, sys::WallTime before) {
  DUET_ASSIGN(const auto names, sys::list_directory(store + "/ingest"));
  int64_t removed = 0;
  for (const std::string& name : names) {
    if (name.starts_with(kScratchPrefix)) {
      DUET_TRY(sys::remove_tree(store + "/ingest/" + name));
      ++removed;
      continue;
    }
    struct stat info{};
    const std::string lock_path = store + "/ingest/" + name;
    if (!name.ends_with(kLockSuffix) || ::stat(lock_path.c_str(), &info) != 0 ||
        time_of(info) >= before) {
      continue;
    }
    DUET_ASSIGN(const sys::Fd lock, try_lock_file(lock_path, LockMode::kExclusive));
    if (!lock.valid()) {
      continue;
    }
    DUET_TRY(sys::remove_tree(lock_path.substr(0, lock_path.size() - kLockSuffix.size())));
    ::unlink(lock_path.c_str());
    ++removed;
  }
  return removed;
}

}  // namespace duet::oci
