#include "oci/blob_store.h"
#include "oci/content_store.h"
#include "oci/digest.h"
#include "oci/download_folder.h"
#include "oci/lock_file.h"
#include "oci/manifest.h"
#include "oci/name_index.h"

namespace duet::oci {

namespace {

// Marks what is reachable from documents. A document that is missing or damaged has no children:
// the other platforms of an index are never there, and what is damaged must be pulled again anyway.
class Marker {
 public:
  explicit Marker(const BlobStore& blobs) : blobs_(blobs) {}

  void mark(const Descriptor& target) {
    if (!marked_.insert(target.digest).second || !blobs_.has(target)) {
      return;
    }
    const auto text = blobs_.read(target, kManifestLimitBytes);
    const auto kind =
        text.ok() ? document_kind(target.media_type, *text) : Result<DocumentKind>(text.error());
    if (!kind.ok()) {
      return;
    }
    if (*kind == DocumentKind::kIndex) {
      mark_index(*text);
    } else {
      mark_manifest(*text);
    }
  }

  bool is_marked(const Digest& digest) const { return marked_.contains(digest); }

 private:
  void mark_index(const std::string& text) {
    const auto index = parse_index(text);
    if (!index.ok()) {
      return;
    }
    for (const IndexEntry& entry : index->entries) {
      mark(entry.descriptor);  // ends: a document cannot hold its own digest
    }
  }

  void mark_manifest(const std::string& text) {
    const auto manifest = parse_manifest(text);
    if (!manifest.ok()) {
      return;
    }
    marked_.insert(manifest->config.digest);
    for (const Descriptor& layer : manifest->layers) {
      marked_.insert(layer.digest);
    }
  }

  const BlobStore& blobs_;
  std::set<Digest> marked_;
};

}  // namespace

Result<GarbageReport> ContentStore::collect_garbage(const std::set<Digest>& in_use,
                                                    sys::WallTime now) {
  DUET_ASSIGN(const sys::Fd no_writers, lock_file(path_ + "/gc.lock", LockMode::kExclusive));
  const BlobStore blobs(path_);
  DUET_ASSIGN(const Index index, NameIndex(path_).load());
  Marker marker(blobs);
  for (const IndexEntry& entry : index.entries) {
    marker.mark(entry.descriptor);
  }
  for (const Digest& digest : in_use) {
    if (const auto size_bytes = blobs.size_of(digest)) {
      marker.mark({"", digest, *size_bytes, {}});
    }
  }
  DUET_ASSIGN(const auto digests, blobs.list());
  GarbageReport report;
  for (const Digest& digest : digests) {
    if (!marker.is_marked(digest)) {
      DUET_ASSIGN(const int64_t size_bytes, blobs.remove(digest));
      report.bytes_removed += size_bytes;
      ++report.blobs_removed;
    }
  }
  DUET_TRY(blobs.remove_leftovers());
  DUET_ASSIGN(report.downloads_removed, remove_old_downloads(path_, now - kDownloadRetention));
  return report;
}

}  // namespace duet::oci
