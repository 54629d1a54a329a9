#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/image.h"
#include "oci/platform.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace duet::oci {

// One name in the store.
struct ImageSummary {
  std::string name;
  Digest target_digest;    // what the name points at: index or manifest
  Digest manifest_digest;  // of this machine's platform; empty if it is not here or is broken
  ImageKind kind = ImageKind::kContainer;
  int64_t size_bytes = 0;  // configuration and layers, as stored
  std::string created;     // RFC 3339; may be empty
  std::string problem;     // why the image cannot be used; empty: it can
};

struct GarbageReport {
  int64_t blobs_removed = 0;
  int64_t bytes_removed = 0;
  int64_t downloads_removed = 0;  // abandoned partial downloads
};

// The node's images: an OCI image layout (image-layout.md) that skopeo and umoci can read, with
// `org.opencontainers.image.ref.name` holding the whole normalised name. Beside the layout's own
// files it has `ingest/` (downloads under way), `corrupt/` (blobs that failed their digest) and
// two lock files.
//
// All functions are thread-safe, and safe against other processes that use the same folder (file
// locks): the agent and the command line work on it at the same time. Every change is atomic and on
// disk before the function returns: after a crash an image is there as a whole or not at all.
class ContentStore {
 public:
  // Opens the store in folder `path`, making it if it does not exist. kInvalid if something else
  // is in that folder.
  static Result<ContentStore> open(const std::string& path);

  // The image of that name (any spelling that parse_reference takes) for this machine. The
  // documents' digests are checked; layers are only looked for. kNotFound: no such name, or parts
  // of it are missing (pull it again); kCorrupt: a document failed its digest; kUnsupported: known,
  // but nothing that duet can run.
  Result<Image> resolve(const std::string& name, Wanted wanted = Wanted::kAny) const;

  // A blob for reading, at offset 0, after its size and digest were checked from end to end. A blob
  // that fails is moved to corrupt/ so that the next pull brings it again, and reported as
  // kCorrupt. kNotFound: not here.
  Result<sys::Fd> open_blob(const Descriptor& blob) const;
  // The same as bytes; kExhausted above `limit_bytes`.
  Result<std::string> read_blob(const Descriptor& blob, int64_t limit_bytes) const;
  bool has_blob(const Digest& digest) const;

  // All names, sorted.
  Result<std::vector<ImageSummary>> list() const;

  // A text that changes whenever a name comes, goes or moves, whoever does it. Costs one stat(2).
  std::string revision() const;

  // Forgets the name; its blobs stay until collect_garbage. kNotFound.
  Status remove(const std::string& name);

  // Gives the image `name` the further name `alias`, which moves if it exists.
  Status tag(const std::string& name, const std::string& alias);

  // Stores `data` and returns its descriptor. Not referenced by anything yet: callers that make an
  // image must hold a `Writing` until they have named it.
  Result<Descriptor> put_blob(std::string media_type, std::string_view data);
  // Stores what `fd` gives to its end if it is `blob`; kCorrupt when size or digest differ. The
  // bytes are copied while they are hashed: the source's owner may change it meanwhile to no
  // effect.
  Status put_blob_from(const Descriptor& blob, int fd);
  // Points `name` at a manifest or index that the store has.
  Status set_name(const std::string& name, const Descriptor& target);

  // Keeps garbage collection (also of other processes) away until it is destroyed.
  class Writing {
   public:
    explicit Writing(sys::Fd lock) : lock_(std::move(lock)) {}

   private:
    sys::Fd lock_;
  };
  Result<Writing> begin_writing() const;

  // Takes in the image `target` with everything it needs for this machine from `layout`, an open
  // folder of another OCI layout whose content is not trusted, and names it `name`. Blobs that the
  // store has already may be missing there. kCorrupt: a digest, size or document is wrong;
  // kNotFound: a part is in neither; kExhausted: more than `size_limit_bytes`.
  Result<Image> adopt(int layout, const Descriptor& target, const std::string& name, Wanted wanted,
                      int64_t size_limit_bytes);

  // Removes every blob that no name and no image of `in_use` (manifest digests, as Image has them)
  // needs, and downloads nobody touched for kDownloadRetention. Waits for writers.
  Result<GarbageReport> collect_garbage(const std::set<Digest>& in_use, sys::WallTime now);

  const std::string& path() const { return path_; }

 private:
  explicit ContentStore(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

inline constexpr std::chrono::hours kDownloadRetention{7 * 24};
inline constexpr int64_t kImageSizeLimitBytes = int64_t{32} << 30;  // all blobs of one image
// At most kIndexEntryLimit names are kept in one store.

}  // namespace duet::oci
