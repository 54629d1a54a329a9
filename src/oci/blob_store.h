#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/image.h"
#include "sys/fd.h"

namespace duet::oci {

// The files of a content store that are named by their digest: `blobs/sha256/`, with `ingest/` for
// what is being written and `corrupt/` for what failed. Thread-safe, also against other processes.
class BlobStore {
 public:
  explicit BlobStore(std::string root) : root_(std::move(root)) {}

  // Makes the folders.
  Status prepare() const;

  bool has(const Descriptor& blob) const;  // present with the right size; the digest is not read
  bool has(const Digest& digest) const { return size_of(digest).has_value(); }
  std::optional<int64_t> size_of(const Digest& digest) const;

  // As ContentStore's functions of these names.
  Result<sys::Fd> open(const Descriptor& blob) const;
  Result<std::string> read(const Descriptor& blob, int64_t limit_bytes) const;
  Status put(const Descriptor& blob, int fd) const;
  Result<Descriptor> put(std::string media_type, std::string_view data) const;

  // All digests that are there.
  Result<std::vector<Digest>> list() const;
  // Removes the blob and says how large it was.
  Result<int64_t> remove(const Digest& digest) const;
  // Removes what writers that died left behind, and the damaged blobs. Only when nobody writes.
  Status remove_leftovers() const;

  std::string path_of(const Digest& digest) const;

 private:
  Status quarantine(const Descriptor& blob, int fd) const;
  std::string root_;
};

}  // namespace duet::oci
