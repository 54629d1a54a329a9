#include "container/layer_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

namespace duet::container {

namespace {

constexpr size_t kReadBlockBytes = 64 << 10;
constexpr int64_t kTarBlockBytes = 512;
constexpr int kXattrLimit = 256;  // of one member

struct ArchiveCloser {
  void operator()(archive* each) const { ::archive_read_free(each); }
};
using Archive = std::unique_ptr<archive, ArchiveCloser>;

struct DigestCloser {
  void operator()(EVP_MD_CTX* each) const { ::EVP_MD_CTX_free(each); }
};

std::string text_of(const char* text) { return text == nullptr ? "" : text; }

Error archive_error(archive* from) {
  const std::string text = text_of(::archive_error_string(from));
  return {ErrorCode::kCorrupt,
          "not a readable layer: " + (text.empty() ? "unknown archive error" : text)};
}

// The uncompressed tar as a stream: decompresses, counts and hashes on the way.
class TarStream {
 public:
  explicit TarStream(int64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  Status open(int blob) {
    digest_.reset(::EVP_MD_CTX_new());
    if (!digest_ || ::EVP_DigestInit_ex(digest_.get(), ::EVP_sha256(), nullptr) != 1) {
      return internal("SHA-256 is not available");
    }
    archive* outer = outer_.get();
    ::archive_read_support_filter_gzip(outer);
    ::archive_read_support_filter_zstd(outer);
    ::archive_read_support_format_raw(outer);
    archive_entry* entry = nullptr;
    if (::archive_read_open_fd(outer, blob, kReadBlockBytes) != ARCHIVE_OK ||
        ::archive_read_next_header(outer, &entry) != ARCHIVE_OK) {
      return archive_error(outer);
    }
    return {};
  }

  // The next piece, empty at the end; fails with the cause kept in error().
  std::optional<std::string_view> next() {
    const void* data = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    int got = ARCHIVE_OK;
    do {  // an empty block is not the end
      got = ::archive_read_data_block(outer_.get(), &data, &size, &offset);
    } while (got == ARCHIVE_OK && size == 0);
    if (got == ARCHIVE_EOF) {
      return std::string_view();
    }
    if (got != ARCHIVE_OK) {
      error_ = archive_error(outer_.get());
      return std::nullopt;
    }
    size_bytes_ += static_cast<int64_t>(size);
    if (size_bytes_ > limit_bytes_) {
      error_ = Error(ErrorCode::kExhausted, "the layer is larger than the limit of " +
                                                std::to_string(limit_bytes_) + " bytes");
      return std::nullopt;
    }
    ::EVP_DigestUpdate(digest_.get(), data, size);
    return std::string_view(static_cast<const char*>(data), size);
  }

  // At the end: what the last block lacks, once. Some tools leave it out, and readers of other
  // runtimes do not mind; where it hides that a layer was cut off, its digest does not.
  la_ssize_t padding(const void** buffer) {
    static constexpr std::array<char, kTarBlockBytes> kZeros{};
    *buffer = kZeros.data();
    const int64_t missing = padded_ ? 0 : (kTarBlockBytes - size_bytes_ % kTarBlockBytes);
    padded_ = true;
    return missing % kTarBlockBytes;
  }

  // What follows the end of the tar belongs to the digest too.
  Status drain() {
    for (;;) {
      const auto piece = next();
      if (!piece) {
        return *error_;
      }
      if (piece->empty()) {
        return {};
      }
    }
  }

  std::string diff_id() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes;
    unsigned int length = 0;
    ::EVP_DigestFinal_ex(digest_.get(), bytes.data(), &length);
    constexpr char kHex[] = "0123456789abcdef";
    std::string text = "sha256:";
    for (unsigned int i = 0; i < length; ++i) {
      text += kHex[bytes[i] >> 4U];
      text += kHex[bytes[i] & 15U];
    }
    return text;
  }

  int64_t size_bytes() const { return size_bytes_; }
  const std::optional<Error>& error() const { return error_; }

 private:
  Archive outer_{::archive_read_new()};
  std::unique_ptr<EVP_MD_CTX, DigestCloser> digest_;
  int64_t limit_bytes_;
  int64_t size_bytes_ = 0;
  bool padded_ = false;
  std::optional<Error> error_;
};

la_ssize_t read_tar(archive* inner, void* context, const void** buffer) {
  auto* stream = static_cast<TarStream*>(context);
  const auto piece = stream->next();
  if (!piece) {
    ::archive_set_error(inner, EIO, "%s", stream->error()->message().c_str());
    return ARCHIVE_FATAL;
  }
  if (piece->empty()) {
    return stream->padding(buffer);
  }
  *buffer = piece->data();
  return static_cast<la_ssize_t>(piece->size());
}

// In the C locale libarchive warns that it cannot convert a name and leaves its bytes alone, which
// is what is wanted: in a UTF-8 locale it would normalise them.
bool is_only_about_charset(archive* from) {
  return text_of(::archive_error_string(from)).find("can't be converted") != std::string::npos;
}

std::optional<TreeEntry::Type> type_of(archive_entry* entry) {
  if (::archive_entry_hardlink(entry) != nullptr) {
    return TreeEntry::Type::kHardLink;
  }
  switch (::archive_entry_filetype(entry)) {
    case AE_IFREG:
      return TreeEntry::Type::kFile;
    case AE_IFDIR:
      return TreeEntry::Type::kDirectory;
    case AE_IFLNK:
      return TreeEntry::Type::kSymlink;
    case AE_IFCHR:
      return TreeEntry::Type::kCharDevice;
    case AE_IFBLK:
      return TreeEntry::Type::kBlockDevice;
    case AE_IFIFO:
      return TreeEntry::Type::kFifo;
    default:
      return std::nullopt;
  }
}

Status read_xattrs(archive_entry* entry, TreeEntry& into) {
  if (::archive_entry_xattr_reset(entry) > kXattrLimit) {
    return invalid(into.path + ": more than " + std::to_string(kXattrLimit) +
                   " extended attributes");
  }
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  while (::archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    into.xattrs.emplace_back(text_of(name), std::string(static_cast<const char*>(value), size));
  }
  return {};
}

Result<TreeEntry> entry_of(archive_entry* from) {
  TreeEntry entry;
  entry.path = text_of(::archive_entry_pathname(from));
  const auto type = type_of(from);
  if (entry.path.empty() || !type) {
    return invalid("\"" + entry.path + "\": a member without a name or of an unknown type");
  }
  entry.type = *type;
  entry.link_target = text_of(*type == TreeEntry::Type::kHardLink ? ::archive_entry_hardlink(from)
                                                                  : ::archive_entry_symlink(from));
  const auto uid = ::archive_entry_uid(from);
  const auto gid = ::archive_entry_gid(from);
  if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX) {
    return invalid("\"" + entry.path + "\": owner " + std::to_string(uid) + ":" +
                   std::to_string(gid) + " is out of range");
  }
  entry.mode = ::archive_entry_perm(from);
  entry.uid = static_cast<uid_t>(uid);
  entry.gid = static_cast<gid_t>(gid);
  entry.device = makedev(::archive_entry_rdevmajor(from), ::archive_entry_rdevminor(from));
  entry.mtime.tv_sec = ::archive_entry_mtime(from);
  entry.mtime.tv_nsec = ::archive_entry_mtime_nsec(from);
  entry.size_bytes = *type == TreeEntry::Type::kFile ? ::archive_entry_size(from) : 0;
  DUET_TRY(read_xattrs(from, entry));
  return entry;
}

// Reads the tar's members one by one.
class TarReader {
 public:
  TarReader(TarStream& stream, const LayerReadLimits& limits) : stream_(stream), limits_(limits) {}

  Status open() {
    ::archive_read_support_format_tar(inner_.get());
    if (::archive_read_open(inner_.get(), &stream_, nullptr, read_tar, nullptr) != ARCHIVE_OK) {
      return cause();
    }
    return {};
  }

  // The next member; none at the end.
  Result<std::optional<TreeEntry>> next() {
    archive_entry* entry = nullptr;
    const int got = ::archive_read_next_header(inner_.get(), &entry);
    if (got == ARCHIVE_EOF) {
      return std::optional<TreeEntry>();
    }
    if (got != ARCHIVE_OK && !(got == ARCHIVE_WARN && is_only_about_charset(inner_.get()))) {
      return cause();
    }
    if (++entries_ > limits_.entry_limit) {
      return Error(ErrorCode::kExhausted,
                   "the layer has more than " + std::to_string(limits_.entry_limit) + " members");
    }
    DUET_ASSIGN(auto read, entry_of(entry));
    if (read.size_bytes < 0 || read.size_bytes > limits_.size_bytes - files_bytes_) {
      return Error(ErrorCode::kExhausted, "\"" + read.path +
                                              "\": the layer's files are larger than " +
                                              std::to_string(limits_.size_bytes) + " bytes");
    }
    files_bytes_ += read.size_bytes;
    return std::optional(std::move(read));
  }

  Result<std::optional<ContentPiece>> next_piece() {
    const void* data = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    const int got = ::archive_read_data_block(inner_.get(), &data, &size, &offset);
    if (got == ARCHIVE_EOF) {
      return std::optional<ContentPiece>();
    }
    if (got != ARCHIVE_OK) {
      return cause();
    }
    return std::optional(ContentPiece{{static_cast<const char*>(data), size}, offset});
  }

  int64_t entries() const { return entries_; }

 private:
  Error cause() const { return stream_.error() ? *stream_.error() : archive_error(inner_.get()); }

  TarStream& stream_;
  const LayerReadLimits& limits_;
  Archive inner_{::archive_read_new()};
  int64_t entries_ = 0;
  int64_t files_bytes_ = 0;
};

}  // namespace

Result<LayerSummary> read_layer(int blob, const LayerReadLimits& limits, TreeWriter& writer) {
  TarStream stream(limits.size_bytes);
  DUET_TRY(stream.open(blob));
  TarReader reader(stream, limits);
  DUET_TRY(reader.open());
  for (;;) {
    DUET_ASSIGN(const auto entry, reader.next());
    if (!entry) {
      break;
    }
    DUET_TRY(writer.add(*entry, [&] { return reader.next_piece(); }));
  }
  DUET_TRY(stream.drain());
  DUET_TRY(writer.finish());
  return LayerSummary{stream.diff_id(), reader.entries(), stream.size_bytes()};
}

}  // namespace duet::container
