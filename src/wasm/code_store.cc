#include "wasm/code_store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <vector>

#include "engine/code_file.h"
#include "sys/file.h"

namespace duet::wasm {

namespace {

constexpr std::string_view kCode = ".code";
constexpr std::string_view kSeal = ".seal";
constexpr size_t kReadBytes = 64 << 10;

Result<Mac> begin_seal(const NodeKey& key, const std::string& digest) {
  DUET_ASSIGN(Mac mac, Mac::begin(key));
  mac.add(std::string_view("duet code 1\0", 12));
  mac.add(std::string_view(digest.c_str(), digest.size() + 1));
  return mac;
}

Result<std::string> seal_of_file(const NodeKey& key, const std::string& digest, int fd) {
  DUET_ASSIGN(Mac mac, begin_seal(key, digest));
  std::array<char, kReadBytes> chunk;
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(fd, chunk.data(), chunk.size(), at);
    if (got < 0 && errno != EINTR) {
      return Error::from_errno("read compiled code", errno);
    }
    if (got == 0) {
      return std::move(mac).finish();
    }
    mac.add(std::string_view(chunk.data(), static_cast<size_t>(std::max<ssize_t>(got, 0))));
    at += std::max<ssize_t>(got, 0);
  }
}

// Only this user may have written it, and nobody else may write it now.
Status check_owner(const std::string& path, const struct stat& status) {
  if (status.st_uid != ::geteuid() || (status.st_mode & 0022) != 0) {
    return Error(ErrorCode::kPermission, path + ": must belong to user " +
                                             std::to_string(::geteuid()) +
                                             " and be writable for nobody else");
  }
  return {};
}

// Writes all pieces to `fd` and into `mac`.
class Recorder {
 public:
  Recorder(int fd, Mac& mac) : fd_(fd), mac_(mac) {}
  Status take(std::string_view piece) {
    mac_.add(piece);
    return sys::write_all(fd_, piece);
  }

 private:
  int fd_;
  Mac& mac_;
};

struct Entry {
  std::string stem;  // path without its ending
  uint64_t size_bytes;
  timespec used;
};

Result<std::vector<Entry>> entries_of(const std::string& directory) {
  DUET_ASSIGN(const std::vector<std::string> names, sys::list_directory(directory));
  std::vector<Entry> entries;
  for (const std::string& name : names) {
    struct stat status{};
    if (name.ends_with(kCode) && ::stat((directory + "/" + name).c_str(), &status) == 0) {
      entries.push_back({directory + "/" + name.substr(0, name.size() - kCode.size()),
                         static_cast<uint64_t>(status.st_size), status.st_mtim});
    }
  }
  return entries;
}

void remove_entry(const std::string& stem) {
  ::unlink((stem + std::string(kCode)).c_str());
  ::unlink((stem + std::string(kSeal)).c_str());
}

}  // namespace

Result<CodeStore> CodeStore::open(const std::string& directory, const NodeKey& key,
                                  const sys::Clock& clock) {
  DUET_TRY(sys::make_directories(directory, 0700));
  struct stat status{};
  if (::stat(directory.c_str(), &status) != 0) {
    return Error::from_errno(directory, errno);
  }
  DUET_TRY(check_owner(directory, status));
  return CodeStore(directory, key, clock);
}

// The kernel's own stamps are as coarse as its tick, and two uses within one would be equally old.
void CodeStore::mark_used(int fd) const {
  const auto now = clock_->now().time_since_epoch();
  const auto whole = std::chrono::floor<std::chrono::seconds>(now);
  const timespec stamp{.tv_sec = whole.count(),
                       .tv_nsec = std::chrono::nanoseconds(now - whole).count()};
  const std::array<timespec, 2> times{stamp, stamp};
  ::futimens(fd, times.data());
}

std::string CodeStore::path(const CodeKey& key, std::string_view ending) const {
  return directory_ + "/" + key.digest + "-" + key.compatibility.substr(0, 16) +
         std::string(ending);
}

Result<sys::Fd> CodeStore::find(const CodeKey& key) const {
  const std::string code_path = path(key, kCode);
  DUET_ASSIGN(sys::Fd fd, sys::open_file(code_path, O_RDONLY | O_NOFOLLOW));
  const auto refuse = [&](const std::string& why) {
    ::unlink(code_path.c_str());
    return Error(ErrorCode::kCorrupt, code_path + ": " + why + "; removed");
  };
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) {
    return Error::from_errno(code_path, errno);
  }
  if (!S_ISREG(status.st_mode) || !check_owner(code_path, status).ok()) {
    return refuse("others may have written it");
  }
  const auto expected = sys::read_file(path(key, kSeal), 256);
  DUET_ASSIGN(const std::string seal, seal_of_file(key_, key.digest, fd.get()));
  if (!expected.ok() || !equal_secrets(seal, *expected)) {
    return refuse("its seal is not this node's, so it was changed or cut");
  }
  const auto footer = engine::read_code_footer(fd.get());
  if (!footer.ok() || footer->compatibility_key != key.compatibility) {
    return refuse("it is of another engine");
  }
  mark_used(fd.get());
  return fd;
}

Status CodeStore::store(const std::string& digest,
                        const std::function<Status(const Sink&)>& produce) const {
  std::string fresh = directory_ + "/.new-XXXXXX";
  const sys::Fd file(::mkostemp(fresh.data(), O_CLOEXEC));
  if (!file.valid()) {
    return Error::from_errno(directory_, errno);
  }
  const Status status = [&]() -> Status {
    DUET_ASSIGN(Mac mac, begin_seal(key_, digest));
    Recorder recorder(file.get(), mac);
    DUET_TRY(produce([&](std::string_view piece) { return recorder.take(piece); }));
    DUET_ASSIGN(const engine::CodeFooter footer, engine::read_code_footer(file.get()));
    DUET_ASSIGN(const std::string seal, std::move(mac).finish());
    const CodeKey key{digest, footer.compatibility_key};
    mark_used(file.get());
    // After a crash between the two, or before they reach the disk, the seal does not fit: then the
    // entry is made again.
    DUET_TRY(sys::write_file_atomic(path(key, kSeal), seal, 0600));
    if (::fchmod(file.get(), 0444) != 0 || ::rename(fresh.c_str(), path(key, kCode).c_str()) != 0) {
      return Error::from_errno(path(key, kCode), errno);
    }
    return {};
  }();
  if (!status.ok()) {
    ::unlink(fresh.c_str());
  }
  return status;
}

Status CodeStore::shrink(uint64_t limit_bytes, const std::string& kept_digest) const {
  DUET_ASSIGN(std::vector<Entry> entries, entries_of(directory_));
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.used.tv_sec, a.used.tv_nsec) < std::pair(b.used.tv_sec, b.used.tv_nsec);
  });
  uint64_t total = 0;
  for (const Entry& entry : entries) {
    total += entry.size_bytes;
  }
  const std::string kept = directory_ + "/" + kept_digest;
  for (const Entry& entry : entries) {
    if (total <= limit_bytes) {
      break;
    }
    if (!entry.stem.starts_with(kept)) {
      remove_entry(entry.stem);
      total -= entry.size_bytes;
    }
  }
  return {};
}

Result<uint64_t> CodeStore::size_bytes() const {
  DUET_ASSIGN(const std::vector<Entry> entries, entries_of(directory_));
  uint64_t total = 0;
  for (const Entry& entry : entries) {
    total += entry.size_bytes;
  }
  return total;
}

}  // namespace duet::wasm
