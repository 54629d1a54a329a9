#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "oci/manifest.h"

namespace duet::oci {

// The file index.json of a content store: which name points at what. Thread-safe, also against
// other processes: readers see a whole file, writers take the lock.
class NameIndex {
 public:
  explicit NameIndex(std::string root) : root_(std::move(root)) {}

  // Makes `oci-layout` and an empty index if they are missing. kInvalid: not an OCI layout.
  Status prepare() const;
  Result<Index> load() const;
  // See ContentStore::revision.
  std::string revision() const;
  // Reads the index, lets `change` change it, and writes it back if that went well.
  Status update(const std::function<Status(Index&)>& change) const;

 private:
  std::string root_;
};

// The name that the entry has in its layout; empty if it has none.
std::string entry_name(const IndexEntry& entry);

}  // namespace duet::oci
