#include "container/layer_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "container/run.h"
#include "container/tree_path.h"
#include "sys/file.h"
#include "sys/process.h"

namespace duet::container {

namespace {

constexpr std::string_view kSha256 = "sha256:";
constexpr size_t kHexLength = 64;

// The hex part; it becomes a file name, so nothing else may be in it.
Result<std::string> hex_of(const oci::Digest& digest) {
  const std::string hex = digest.starts_with(kSha256) ? digest.substr(kSha256.size()) : "";
  if (hex.size() != kHexLength || hex.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return invalid("\"" + digest + "\" is not a sha256 digest");
  }
  return hex;
}

enum class LockKind { kShared, kExclusiveNow };

// The lock of a layer store among processes; invalid if somebody else holds it.
Result<sys::Fd> lock_store(const std::string& root, LockKind kind) {
  DUET_ASSIGN(sys::Fd fd, sys::open_file(root + "/lock", O_RDWR | O_CREAT, 0600));
  struct flock wanted{};
  wanted.l_type = kind == LockKind::kShared ? F_RDLCK : F_WRLCK;
  wanted.l_whence = SEEK_SET;
  const int operation = kind == LockKind::kShared ? F_OFD_SETLKW : F_OFD_SETLK;
  while (::fcntl(fd.get(), operation, &wanted) != 0) {
    if (errno == EAGAIN || errno == EACCES) {
      return sys::Fd();
    }
    if (errno != EINTR) {
      return Error::from_errno("lock " + root, errno);
    }
  }
  return fd;
}

ErrorCode code_named(std::string_view name) {
  for (int code = 0; code <= static_cast<int>(ErrorCode::kInternal); ++code) {
    if (error_code_name(static_cast<ErrorCode>(code)) == name) {
      return static_cast<ErrorCode>(code);
    }
  }
  return ErrorCode::kInternal;
}

// The unpacker's "code: message".
Error error_of(const sys::ExitStatus& status, std::string text) {
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  const size_t colon = text.find(": ");
  if (status.signal != 0 || colon == std::string::npos) {
    return internal("the unpacker ended with " + status.describe() +
                    (text.empty() ? "" : ": " + text));
  }
  return {code_named(text.substr(0, colon)), text.substr(colon + 2)};
}

// Runs the unpacker; gives the diff_id that it found.
Result<std::string> run_unpacker(sys::Command command, int64_t timeout_ms) {
  DUET_ASSIGN(const auto output, run_leaving_children(std::move(command), timeout_ms));
  if (!output.status.ok()) {
    return error_of(output.status, output.err);
  }
  const auto report = nlohmann::json::parse(output.out, nullptr, false);
  if (!report.is_object() || !report.contains("diffId") || !report["diffId"].is_string()) {
    return internal("the unpacker's report is not readable: " + output.out);
  }
  return report["diffId"].get<std::string>();
}

Status sync_tree(const std::string& directory) {
  DUET_ASSIGN(const sys::Fd fd, sys::open_file(directory, O_RDONLY | O_DIRECTORY));
  if (::syncfs(fd.get()) != 0) {
    return Error::from_errno("sync " + directory, errno);
  }
  return {};
}

Status sync_directory(const std::string& directory) {
  DUET_ASSIGN(const sys::Fd fd, sys::open_file(directory, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) {
    return Error::from_errno("sync " + directory, errno);
  }
  return {};
}

int64_t ms_since(sys::WallTime now, const timespec& then) {
  const auto time = sys::WallTime(std::chrono::seconds(then.tv_sec));
  return std::chrono::duration_cast<std::chrono::milliseconds>(now - time).count();
}

}  // namespace

BlobOpener blobs_of_layout(std::string layout) {
  return [layout = std::move(layout)](const oci::Descriptor& blob) -> Result<sys::Fd> {
    DUET_ASSIGN(const std::string hex, hex_of(blob.digest));
    return sys::open_file(layout + "/blobs/sha256/" + hex, O_RDONLY);
  };
}

LayerStore::LayerStore(Options options) : options_(std::move(options)) {
  if (options_.clock == nullptr) {
    options_.clock = &system_clock_;
  }
}

Result<std::unique_ptr<LayerStore>> LayerStore::open(Options options) {
  std::unique_ptr<LayerStore> store(new LayerStore(std::move(options)));
  const std::string& root = store->options_.root;
  // Only root may reach set-user-id programs of images.
  DUET_TRY(sys::make_directories(root, 0700));
  DUET_TRY(sys::make_directories(root + "/sha256", 0700));
  DUET_TRY(sys::make_directories(root + "/tmp", 0700));
  DUET_TRY(store->clean_leftovers());
  return store;
}

Status LayerStore::clean_leftovers() {
  DUET_ASSIGN(const sys::Fd lock, lock_store(options_.root, LockKind::kExclusiveNow));
  if (!lock.valid()) {
    return {};  // another process unpacks: what is there may be its work
  }
  DUET_ASSIGN(const auto names, sys::list_directory(options_.root + "/tmp"));
  for (const auto& name : names) {
    DUET_TRY(remove_foreign_tree(options_.root + "/tmp/" + name));
  }
  return {};
}

std::string LayerStore::directory_of(const oci::Digest& diff_id) const {
  return options_.root + "/sha256/" + diff_id.substr(std::min(diff_id.size(), kSha256.size()));
}

std::string LayerStore::tree_of(const oci::Digest& diff_id) const {
  return directory_of(diff_id) + "/fs";
}

oci::Digest LayerStore::diff_id_of(const std::string& tree) const {
  const std::string before = options_.root + "/sha256/";
  const bool ours = tree.starts_with(before) && tree.size() >= before.size() + kHexLength;
  return ours ? std::string(kSha256) + tree.substr(before.size(), kHexLength) : "";
}

Result<std::vector<std::string>> LayerStore::ensure(const oci::Image& image,
                                                    const BlobOpener& blobs) {
  std::vector<std::string> trees;
  for (const auto& layer : image.layers) {
    auto status = ensure_layer(layer, blobs);
    if (!status.ok()) {
      return status.error().wrap("image " + image.name + ", layer " + layer.blob.digest);
    }
    trees.push_back(tree_of(layer.diff_id));
  }
  return trees;
}

// The time of a layer's folder is when the layer was last asked for. False: it does not exist.
bool LayerStore::touch(const std::string& directory) const {
  const auto now = options_.clock->now().time_since_epoch();
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now).count();
  const timespec times[2] = {{seconds, 0}, {seconds, 0}};
  return ::utimensat(AT_FDCWD, directory.c_str(), times, 0) == 0;
}

Status LayerStore::ensure_layer(const oci::Layer& layer, const BlobOpener& blobs) {
  DUET_TRY(hex_of(layer.diff_id));
  {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return !busy_.contains(layer.diff_id); });
    if (touch(directory_of(layer.diff_id))) {
      return {};
    }
    busy_.insert(layer.diff_id);
  }
  auto status = unpack(layer, blobs);
  const std::lock_guard lock(mutex_);
  busy_.erase(layer.diff_id);
  done_.notify_all();
  return status;
}

Status LayerStore::unpack(const oci::Layer& layer, const BlobOpener& blobs) {
  DUET_ASSIGN(const sys::Fd lock, lock_store(options_.root, LockKind::kShared));
  DUET_ASSIGN(const sys::Fd blob, blobs(layer.blob));
  DUET_ASSIGN(const std::string scratch,
              sys::make_temporary_directory(options_.root + "/tmp", "unpack-"));
  auto status = unpack_into(layer, blob, scratch);
  const std::string target = directory_of(layer.diff_id);
  if (status.ok() && touch(scratch) && ::rename(scratch.c_str(), target.c_str()) == 0) {
    return sync_directory(options_.root + "/sha256");
  }
  if (status.ok() && errno != EEXIST && errno != ENOTEMPTY) {  // else another process was faster
    status = Error::from_errno("rename " + scratch + " to " + target, errno);
  }
  const auto removed = remove_foreign_tree(scratch);
  return status.ok() ? removed : status;
}

Status LayerStore::unpack_into(const oci::Layer& layer, const sys::Fd& blob,
                               const std::string& directory) {
  const std::string tree = directory + "/fs";
  DUET_TRY(sys::make_directories(tree, 0755));
  const UnpackLimits& limits = options_.limits;
  sys::Command command;
  command.argv = {options_.unpacker, tree, std::to_string(limits.entry_limit),
                  std::to_string(limits.size_bytes), std::to_string(limits.timeout_ms / 1000 + 1)};
  command.env.emplace();  // nothing of the agent's environment is the unpacker's business
  command.stdin_fd = blob.get();
  DUET_ASSIGN(const std::string diff_id, run_unpacker(std::move(command), limits.timeout_ms));
  if (diff_id != layer.diff_id) {
    return Error(ErrorCode::kCorrupt,
                 "its uncompressed digest is " + diff_id + ", but the image says " + layer.diff_id);
  }
  return sync_tree(tree);
}

Result<int> LayerStore::collect_garbage(const std::set<oci::Digest>& keep, int64_t unused_ms) {
  const std::string layers = options_.root + "/sha256";
  DUET_ASSIGN(const auto names, sys::list_directory(layers));
  int removed = 0;
  for (const auto& name : names) {
    const std::string directory = layers + "/" + name;
    const std::string doomed = options_.root + "/tmp/removed-" + name;
    {
      const std::lock_guard lock(mutex_);
      struct stat info{};
      if (keep.contains(std::string(kSha256) + name) || ::stat(directory.c_str(), &info) != 0 ||
          ms_since(options_.clock->now(), info.st_mtim) < unused_ms) {
        continue;
      }
      if (::rename(directory.c_str(), doomed.c_str()) != 0) {
        return Error::from_errno("remove layer " + directory, errno);
      }
    }
    DUET_TRY(remove_foreign_tree(doomed));
    ++removed;
  }
  return removed;
}

}  // namespace duet::container
