#include "oci/blob_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "oci/digest.h"
#include "sys/file.h"

namespace duet::oci {

namespace {

constexpr std::string_view kWritingPrefix = "blob-";

Error corrupt(std::string message) { return {ErrorCode::kCorrupt, std::move(message)}; }

// Copies `from` to `to` while hashing; stops one byte past `blob`'s size.
Status copy_checked(int from, int to, const Descriptor& blob) {
  Sha256 hash;
  std::vector<char> chunk(1 << 18);
  int64_t total_bytes = 0;
  for (;;) {
    const ssize_t got = ::read(from, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Error::from_errno("read", errno);
    }
    if (got == 0) {
      break;
    }
    total_bytes += got;
    if (total_bytes > blob.size_bytes) {
      return corrupt("larger than the " + std::to_string(blob.size_bytes) + " bytes announced");
    }
    const std::string_view part(chunk.data(), static_cast<size_t>(got));
    hash.update(part);
    DUET_TRY(sys::write_all(to, part));
  }
  if (total_bytes != blob.size_bytes) {
    return corrupt("truncated: " + std::to_string(total_bytes) + " of " +
                   std::to_string(blob.size_bytes) + " bytes");
  }
  if (const Digest found = hash.finish(); found != blob.digest) {
    return corrupt("wrong digest: the content is " + found);
  }
  return {};
}

Status sync_folder(const std::string& path) {
  DUET_ASSIGN(const sys::Fd folder, sys::open_file(path, O_RDONLY | O_DIRECTORY));
  return ::fsync(folder.get()) == 0 ? Status() : Error::from_errno("fsync " + path, errno);
}

}  // namespace

std::string BlobStore::path_of(const Digest& digest) const {
  return root_ + "/blobs/sha256/" + std::string(digest_hex(digest));
}

Status BlobStore::prepare() const {
  // Others may look a blob up by its digest, but not list or read the images.
  DUET_TRY(sys::make_directories(root_ + "/blobs/sha256", 0711));
  DUET_TRY(sys::make_directories(root_ + "/ingest", 0711));
  return sys::make_directories(root_ + "/corrupt", 0700);
}

bool BlobStore::has(const Descriptor& blob) const {
  return size_of(blob.digest) == blob.size_bytes;
}

std::optional<int64_t> BlobStore::size_of(const Digest& digest) const {
  struct stat info{};
  if (!is_digest(digest) || ::stat(path_of(digest).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::nullopt;
  }
  return info.st_size;
}

Result<sys::Fd> BlobStore::open(const Descriptor& blob) const {
  if (!is_digest(blob.digest)) {
    return invalid("\"" + blob.digest + "\" is not a SHA-256 digest");
  }
  auto opened = sys::open_file(path_of(blob.digest), O_RDONLY);
  if (!opened.ok()) {
    return opened.error().code() == ErrorCode::kNotFound
               ? not_found("blob " + blob.digest + " is not in the image store")
               : opened.error();
  }
  sys::Fd fd = std::move(opened).value();
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) {
    return Error::from_errno("blob " + blob.digest, errno);
  }
  std::string problem;
  if (info.st_size != blob.size_bytes) {
    problem = "has " + std::to_string(info.st_size) + " bytes instead of " +
              std::to_string(blob.size_bytes);
  } else {
    auto found = digest_of_file(fd.get(), blob.size_bytes);
    if (!found.ok()) {
      return found.error().wrap("blob " + blob.digest);
    }
    if (*found != blob.digest) {
      problem = "now has the content of " + *found;
      DUET_TRY(quarantine(blob, fd.get()));
    }
  }
  if (!problem.empty()) {
    return corrupt("blob " + blob.digest + " in the image store is damaged: it " + problem +
                   "; pull or import the image again");
  }
  ::lseek(fd.get(), 0, SEEK_SET);
  return fd;
}

// Moves the damaged file away, unless the name stands for another file by now.
Status BlobStore::quarantine(const Descriptor& blob, int fd) const {
  const std::string path = path_of(blob.digest);
  struct stat ours{};
  struct stat named{};
  if (::fstat(fd, &ours) != 0 || ::stat(path.c_str(), &named) != 0 || ours.st_ino != named.st_ino ||
      ours.st_dev != named.st_dev) {
    return {};
  }
  const std::string aside = root_ + "/corrupt/" + std::string(digest_hex(blob.digest));
  if (::rename(path.c_str(), aside.c_str()) != 0 && errno != ENOENT && errno != EACCES &&
      errno != EROFS) {
    return Error::from_errno("move " + path + " aside", errno);
  }
  return {};
}

Result<std::string> BlobStore::read(const Descriptor& blob, int64_t limit_bytes) const {
  if (blob.size_bytes > limit_bytes) {
    return Error(ErrorCode::kExhausted,
                 "blob " + blob.digest + " has " + std::to_string(blob.size_bytes) +
                     " bytes, more than the limit of " + std::to_string(limit_bytes));
  }
  DUET_ASSIGN(const sys::Fd fd, open(blob));
  return sys::read_all(fd.get(), static_cast<size_t>(limit_bytes));
}

Status BlobStore::put(const Descriptor& blob, int fd) const {
  if (!is_digest(blob.digest)) {
    return invalid("\"" + blob.digest + "\" is not a SHA-256 digest");
  }
  if (has(blob)) {
    return {};
  }
  std::string temporary = root_ + "/ingest/" + std::string(kWritingPrefix) + "XXXXXX";
  const sys::Fd out(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!out.valid()) {
    return Error::from_errno("create a file in " + root_ + "/ingest", errno);
  }
  auto status = copy_checked(fd, out.get(), blob);
  if (status.ok() && (::fchmod(out.get(), 0600) != 0 || ::fsync(out.get()) != 0)) {
    status = Error::from_errno("fsync", errno);
  }
  if (status.ok() && ::rename(temporary.c_str(), path_of(blob.digest).c_str()) != 0) {
    status = Error::from_errno("rename", errno);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status.error().wrap("blob " + blob.digest);
  }
  return sync_folder(root_ + "/blobs/sha256");
}

Result<Descriptor> BlobStore::put(std::string media_type, std::string_view data) const {
  Descriptor blob{std::move(media_type), digest_of(data), static_cast<int64_t>(data.size()), {}};
  if (!has(blob)) {
    const std::string path = path_of(blob.digest);
    DUET_TRY(sys::write_file_atomic(path, data, 0600));
  }
  return blob;
}

Result<std::vector<Digest>> BlobStore::list() const {
  DUET_ASSIGN(const auto names, sys::list_directory(root_ + "/blobs/sha256"));
  std::vector<Digest> digests;
  for (const std::string& name : names) {
    if (Digest digest = "sha256:" + name; is_digest(digest)) {
      digests.push_back(std::move(digest));
    }
  }
  return digests;
}

Result<int64_t> BlobStore::remove(const Digest& digest) const {
  const std::string path = path_of(digest);
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0 || ::unlink(path.c_str()) != 0) {
    return Error::from_errno("remove " + path, errno);
  }
  return int64_t{info.st_size};
}

Status BlobStore::remove_leftovers() const {
  DUET_ASSIGN(const auto writing, sys::list_directory(root_ + "/ingest"));
  for (const std::string& name : writing) {
    if (name.starts_with(kWritingPrefix)) {
      ::unlink((root_ + "/ingest/" + name).c_str());
    }
  }
  DUET_ASSIGN(const auto blobs, sys::list_directory(root_ + "/blobs/sha256"));
  for (const std::string& name : blobs) {
    // write_file_atomic's files of writers that died: a digest, a dot and six letters.
    if (name.size() == 64 + 7 && name[64] == '.') {
      ::unlink((root_ + "/blobs/sha256/" + name).c_str());
    }
  }
  DUET_ASSIGN(const auto damaged, sys::list_directory(root_ + "/corrupt"));
  for (const std::string& name : damaged) {
    ::unlink((root_ + "/corrupt/" + name).c_str());
  }
  return {};
}

}  // namespace duet::oci
