#include "container/rootfs.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <optional>
#include <thread>

#include "container/tree_path.h"
#include "sys/file.h"
#include "sys/namespace.h"

namespace duet::container {

namespace {

constexpr size_t kLayerLimit = 500;  // OVL_MAX_STACK
constexpr char kEmptyLayer[] = "/lower/empty";

// The overlay's root shows the attributes of upper/: give it those of the uppermost layer.
Status copy_root_attributes(const std::string& from, const std::string& to) {
  struct stat info{};
  if (::stat(from.c_str(), &info) != 0) {
    return Error::from_errno("stat " + from, errno);
  }
  if (::chown(to.c_str(), info.st_uid, info.st_gid) != 0 ||
      ::chmod(to.c_str(), info.st_mode & 07777U) != 0) {
    return Error::from_errno("set the attributes of " + to, errno);
  }
  return {};
}

// Links with short names to the layers, so that hundreds fit into the page of mount options;
// returns the option, uppermost first. Names need no escaping this way either.
Result<std::string> link_layers(const std::vector<std::string>& layers, const std::string& folder) {
  std::string option;
  for (size_t i = layers.size(); i-- > 0;) {
    const std::string name = std::to_string(i);
    if (::symlink(layers[i].c_str(), (folder + "/" + name).c_str()) != 0) {
      return Error::from_errno("link layer " + layers[i], errno);
    }
    option += (option.empty() ? "" : ":") + name;
  }
  return option;
}

// The paths in the options are relative to the folder of links, and only this thread goes there.
Status mount_from(const std::string& folder, const std::string& options) {
  std::optional<Status> status;
  std::thread thread([&] {
    if (::unshare(CLONE_FS) != 0 || ::chdir(folder.c_str()) != 0 ||
        ::mount("overlay", "../rootfs", "overlay", 0, options.c_str()) != 0) {
      status = Error::from_errno("mount an overlay (" + options + ") in " + folder, errno);
      return;
    }
    status = Status();
  });
  thread.join();
  return *status;
}

Status prepare(const Rootfs& rootfs) {
  for (const char* name : {"/upper", "/work", "/rootfs", "/lower"}) {
    const std::string path = rootfs.directory + name;
    DUET_TRY(remove_foreign_tree(path));
    DUET_TRY(sys::make_directories(path, 0755));
  }
  if (rootfs.layers.empty()) {  // an image of nothing still needs a folder below
    return sys::make_directories(rootfs.directory + kEmptyLayer, 0755);
  }
  return copy_root_attributes(rootfs.layers.back(), rootfs.directory + "/upper");
}

}  // namespace

std::string rootfs_path(const std::string& directory) { return directory + "/rootfs"; }

Result<std::string> mount_rootfs(const Rootfs& rootfs) {
  const std::string target = rootfs_path(rootfs.directory);
  const auto mounted = sys::is_mount_point(target);
  if (mounted.ok() && *mounted) {
    return target;
  }
  if (rootfs.layers.size() > kLayerLimit) {
    return Error(ErrorCode::kExhausted, "an image of " + std::to_string(rootfs.layers.size()) +
                                            " layers is more than overlayfs takes (" +
                                            std::to_string(kLayerLimit) + ")");
  }
  const std::string links = rootfs.directory + "/lower";
  DUET_TRY(sys::make_directories(rootfs.directory, 0700));
  DUET_TRY(prepare(rootfs));
  auto layers = rootfs.layers;
  if (layers.empty()) {
    layers.push_back(rootfs.directory + kEmptyLayer);
  }
  DUET_ASSIGN(const std::string lower, link_layers(layers, links));
  // userxattr: what the unpacker wrote. volatile: the container's own files die with it, so that
  // nothing needs to be synchronised when it ends.
  auto status = mount_from(
      links, "lowerdir=" + lower + ",upperdir=../upper,workdir=../work,userxattr,volatile");
  if (!status.ok()) {
    (void)remove_rootfs(rootfs.directory);
    return status.error();
  }
  return target;
}

std::vector<std::string> layers_below(const std::string& directory) {
  const std::string links = directory + "/lower";
  const auto names = sys::list_directory(links);
  std::vector<std::string> trees;
  for (const auto& name : names.value_or({})) {
    std::array<char, PATH_MAX> target;
    const ssize_t length = ::readlink((links + "/" + name).c_str(), target.data(), target.size());
    if (length > 0) {
      trees.emplace_back(target.data(), static_cast<size_t>(length));
    }
  }
  return trees;
}

Status remove_rootfs(const std::string& directory) {
  DUET_TRY(sys::unmount(rootfs_path(directory)));
  for (const char* name : {"/rootfs", "/upper", "/work", "/lower"}) {
    DUET_TRY(remove_foreign_tree(directory + name));
  }
  return {};
}

}  // namespace duet::container
