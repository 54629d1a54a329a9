#include "pod/sub_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "pod/projection.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/open_beneath.h"

namespace duet::pod {

namespace {

Error leads_out(const std::string& sub_path) {
  return invalid("subPath \"" + sub_path + "\" leads out of the volume");
}

Error failure(const std::string& sub_path, int error) {
  return error == EXDEV || error == ELOOP ? leads_out(sub_path)
                                          : Error::from_errno("subPath " + sub_path, error);
}

// Makes a folder with the volume's own mode, so that who may write to the volume may write there.
Status make_folder(int parent, const std::string& name, mode_t mode, const std::string& sub_path) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0) {
    // A link that leads nowhere is in the way, and stays so.
    return failure(sub_path, errno == EEXIST ? EXDEV : errno);
  }
  if (::fchmodat(parent, name.c_str(), mode, 0) != 0) {
    return failure(sub_path, errno);
  }
  return {};
}

// Walks down, making the folders that are missing.
Result<sys::Fd> open_or_make(const sys::Fd& root, const std::string& sub_path) {
  struct stat volume{};
  if (::fstat(root.get(), &volume) != 0) {
    return failure(sub_path, errno);
  }
  sys::Fd parent;
  for (size_t end = sub_path.find('/');; end = sub_path.find('/', end + 1)) {
    const std::string path = sub_path.substr(0, end);
    sys::Fd here = sys::open_beneath(root.get(), path, O_PATH);
    if (!here.valid() && errno == ENOENT) {
      const int above = parent.valid() ? parent.get() : root.get();
      const std::string name = path.substr(path.rfind('/') + 1);
      DUET_TRY(make_folder(above, name, volume.st_mode & 07777U, sub_path));
      here = sys::open_beneath(root.get(), path, O_PATH);
    }
    if (!here.valid()) {
      return failure(sub_path, errno);
    }
    if (end == std::string::npos) {
      return here;
    }
    parent = std::move(here);
  }
}

Status make_target(const std::string& target, bool folder) {
  DUET_TRY(sys::unmount(target));
  DUET_TRY(sys::remove_tree(target));
  if (folder) {
    return sys::make_directories(target, 0755);
  }
  DUET_TRY(sys::make_directories(target.substr(0, target.rfind('/')), 0755));
  return sys::write_file(target, "");
}

}  // namespace

Result<std::string> bind_sub_path(const std::string& volume, const std::string& sub_path,
                                  const std::string& target) {
  if (!path_is_safe(sub_path)) {
    return leads_out(sub_path);
  }
  DUET_ASSIGN(const sys::Fd root, sys::open_file(volume, O_PATH | O_DIRECTORY));
  DUET_ASSIGN(const sys::Fd place, open_or_make(root, sub_path));
  if (::geteuid() != 0) {
    return volume + "/" + sub_path;
  }
  struct stat info{};
  if (::fstat(place.get(), &info) != 0) {
    return failure(sub_path, errno);
  }
  DUET_TRY(make_target(target, S_ISDIR(info.st_mode)));
  // By descriptor: what the path names may be another thing by now.
  DUET_TRY(sys::bind_mount("/proc/self/fd/" + std::to_string(place.get()), target,
                           sys::MountAccess::kReadWrite));
  return target;
}

Status unbind_sub_paths(const std::string& folder) {
  const auto targets = sys::list_directory(folder);
  const std::string prefix = folder + "/";
  for (const auto& target : targets.value_or({})) {
    DUET_TRY(sys::unmount(prefix + target));
  }
  return sys::remove_tree(folder);
}

}  // namespace duet::pod
