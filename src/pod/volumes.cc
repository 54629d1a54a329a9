#include "pod/volumes.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "pod/sub_path.h"
#include "sys/file.h"

namespace duet::pod {

namespace {

using Type = object::Volume::Type;

constexpr const char* kSubPaths = "/.subpaths";

bool is_mount_point(const std::string& path) {
  struct stat here{};
  struct stat above{};
  return ::stat(path.c_str(), &here) == 0 && ::stat((path + "/..").c_str(), &above) == 0 &&
         here.st_dev != above.st_dev;
}

Status mount_tmpfs(const std::string& path, int64_t size_bytes) {
  if (is_mount_point(path)) {
    return {};
  }
  const std::string options = "mode=0755,size=" + std::to_string(size_bytes);
  if (::mount("tmpfs", path.c_str(), "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options.c_str()) ==
      0) {
    return {};
  }
  // Without the right to mount (an agent that is not root) the folder itself serves: only its user
  // can enter it.
  return errno == EPERM ? Status() : Error::from_errno("mount a tmpfs on " + path, errno);
}

Status prepare_host_path(const object::Volume& volume) {
  const auto& path = volume.host_path;
  const auto& type = volume.host_path_type;
  struct stat info{};
  const bool there = ::stat(path.c_str(), &info) == 0;
  if (!there && type == "DirectoryOrCreate") {
    return sys::make_directories(path);
  }
  if (!there && type == "FileOrCreate") {
    return sys::write_file(path, "");
  }
  if (!there) {
    return not_found("hostPath " + path + " does not exist (type DirectoryOrCreate would make it)");
  }
  if ((type.starts_with("Directory") && !S_ISDIR(info.st_mode)) ||
      (type.starts_with("File") && !S_ISREG(info.st_mode)) ||
      (type == "Socket" && !S_ISSOCK(info.st_mode)) ||
      (type == "CharDevice" && !S_ISCHR(info.st_mode)) ||
      (type == "BlockDevice" && !S_ISBLK(info.st_mode))) {
    return invalid("hostPath " + path + " is not of the type " + type);
  }
  return {};
}

Status prepare_empty_dir(const std::string& path, const object::Volume& volume,
                         const std::optional<int64_t>& group) {
  constexpr int64_t kTmpfsBytes = int64_t{64} << 20;  // unless sizeLimit says otherwise
  if (volume.memory_medium) {
    DUET_TRY(mount_tmpfs(path, volume.size_limit_bytes.value_or(kTmpfsBytes)));
  }
  if (group && ::chown(path.c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(*group)) != 0) {
    return Error::from_errno("chown " + path, errno);
  }
  if (::chmod(path.c_str(), group ? 02777 : 0777) != 0) {
    return Error::from_errno("chmod " + path, errno);
  }
  return {};
}

bool excusable(const object::ProjectionSource& source, const Error& error) {
  return source.optional && error.code() == ErrorCode::kNotFound;
}

Result<object::StringMap> config_map_data(const object::ProjectionSource& source,
                                          const ValueSource& values) {
  const auto map = values.config_map(source.name);
  if (!map.ok()) {
    return excusable(source, map.error()) ? Result<object::StringMap>(object::StringMap{})
                                          : map.error().wrap("configmap \"" + source.name + "\"");
  }
  object::StringMap data = map->data;
  data.insert(map->binary_data.begin(), map->binary_data.end());
  return data;
}

Result<object::StringMap> secret_data(const object::ProjectionSource& source,
                                      const ValueSource& values) {
  const auto secret = values.secret(source.name);
  if (!secret.ok()) {
    return excusable(source, secret.error())
               ? Result<object::StringMap>(object::StringMap{})
               : secret.error().wrap("secret \"" + source.name + "\"");
  }
  return secret->data;
}

Result<object::StringMap> downward_data(const object::ProjectionSource& source,
                                        const object::Pod& pod) {
  object::StringMap data;
  for (const auto& item : source.items) {
    DUET_ASSIGN(data[item.key], field_text(pod, item.key));
  }
  return data;
}

Result<object::StringMap> data_of(const object::ProjectionSource& source, const object::Pod& pod,
                                  const ValueSource& values) {
  using Source = object::ProjectionSource::Type;
  switch (source.type) {
    case Source::kConfigMap:
      return config_map_data(source, values);
    case Source::kSecret:
      return secret_data(source, values);
    case Source::kDownwardApi:
      break;
  }
  return downward_data(source, pod);
}

bool has_secrets(const object::Volume& volume) {
  return std::any_of(volume.sources.begin(), volume.sources.end(), [](const auto& source) {
    return source.type == object::ProjectionSource::Type::kSecret;
  });
}

}  // namespace

Volumes::Volumes(std::string root, const ValueSource& values, ProjectionBounds bounds)
    : root_(std::move(root)), values_(values), bounds_(bounds) {}

std::string Volumes::path_of(const object::Volume& volume) const {
  return volume.type == Type::kHostPath ? volume.host_path : root_ + "/" + volume.name;
}

Status Volumes::prepare(const object::Pod& pod) {
  DUET_TRY(sys::make_directories(root_, 0711));
  for (const auto& volume : pod.spec.volumes) {
    const auto status = prepare_one(pod, volume);
    if (!status.ok()) {
      return status.error().wrap("volume \"" + volume.name + "\"");
    }
  }
  return {};
}

Status Volumes::prepare_one(const object::Pod& pod, const object::Volume& volume) {
  if (volume.type == Type::kHostPath) {
    return prepare_host_path(volume);
  }
  DUET_TRY(sys::make_directories(path_of(volume)));
  return volume.type == Type::kEmptyDir
             ? prepare_empty_dir(path_of(volume), volume, pod.spec.fs_group)
             : prepare_projected(pod, volume);
}

Status Volumes::prepare_projected(const object::Pod& pod, const object::Volume& volume) {
  constexpr int kDefaultMode = 0644;
  ProjectedFiles files;
  for (const auto& source : volume.sources) {
    DUET_ASSIGN(const auto data, data_of(source, pod, values_));
    DUET_ASSIGN(auto some, project(data, source, volume.default_mode.value_or(kDefaultMode)));
    some.merge(files);
    files = std::move(some);
  }
  DUET_TRY(check_bounds(files, bounds_));
  if (has_secrets(volume)) {
    // Twice the bound: the old and the new files are there together for a moment.
    DUET_TRY(mount_tmpfs(path_of(volume), static_cast<int64_t>(2 * bounds_.size_bytes)));
  }
  return publish(path_of(volume), files, pod.spec.fs_group);
}

Result<std::vector<Mount>> Volumes::mounts(const object::Pod& pod,
                                           const object::Container& container) const {
  std::vector<Mount> out;
  for (const auto& mount : container.volume_mounts) {
    const auto volume = std::find_if(pod.spec.volumes.begin(), pod.spec.volumes.end(),
                                     [&](const auto& one) { return one.name == mount.name; });
    if (volume == pod.spec.volumes.end()) {
      return invalid("volumeMount \"" + mount.name + "\" names no volume of the pod");
    }
    std::string host_path = path_of(*volume);
    if (!mount.sub_path.empty()) {
      // No volume has a name with a dot, so this folder is in nobody's way.
      const std::string target =
          root_ + kSubPaths + "/" + container.name + "-" + std::to_string(out.size());
      DUET_ASSIGN(host_path, bind_sub_path(host_path, mount.sub_path, target));
    }
    const bool projected = volume->type == Type::kProjected;
    out.push_back({host_path, mount.mount_path, mount.read_only || projected});
  }
  return out;
}

Status Volumes::unmount() {
  DUET_TRY(unbind_sub_paths(root_ + kSubPaths));
  const auto names = sys::list_directory(root_);
  if (names.ok()) {
    for (const auto& name : *names) {
      const std::string path = root_ + "/" + name;
      if (is_mount_point(path) && ::umount2(path.c_str(), MNT_DETACH) != 0) {
        return Error::from_errno("unmount " + path, errno);
      }
    }
  }
  return {};
}

Status Volumes::remove() {
  DUET_TRY(unmount());
  return sys::remove_tree(root_);
}

}  // namespace duet::pod
