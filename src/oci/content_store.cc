#include "oci/content_store.h"

#include <algorithm>

#include "oci/blob_store.h"
#include "oci/image_reader.h"
#include "oci/lock_file.h"
#include "oci/manifest.h"
#include "oci/name_index.h"
#include "oci/reference.h"

namespace duet::oci {

namespace {

bool is_repository_of(const std::string& name, const Reference& reference) {
  const auto parsed = parse_reference(name);
  return parsed.ok() && parsed->registry == reference.registry &&
         parsed->repository == reference.repository;
}

// The entry for `reference`: by its whole name, else by its digest under any tag of the repository.
const IndexEntry* find_entry(const Index& index, const Reference& reference) {
  const std::string name = reference.name();
  for (const IndexEntry& entry : index.entries) {
    if (entry_name(entry) == name) {
      return &entry;
    }
  }
  for (const IndexEntry& entry : index.entries) {
    if (!reference.digest.empty() && entry.descriptor.digest == reference.digest &&
        is_repository_of(entry_name(entry), reference)) {
      return &entry;
    }
  }
  return nullptr;
}

Error no_such_image(const std::string& name) {
  return not_found("image " + name + " is not in the image store");
}

Status check_content(const BlobStore& blobs, const Image& image) {
  for (const Descriptor& blob : content_of(image)) {
    if (!blobs.has(blob)) {
      return not_found("blob " + blob.digest + " is missing or incomplete; pull the image again");
    }
  }
  return {};
}

Result<Image> read_stored(const BlobStore& blobs, const Descriptor& target, Wanted wanted) {
  DUET_ASSIGN(Image image, read_image(target, wanted, [&](const Descriptor& document) {
                return blobs.read(document, kManifestLimitBytes);
              }));
  DUET_TRY(check_content(blobs, image));
  return image;
}

}  // namespace

Result<ContentStore> ContentStore::open(const std::string& path) {
  const auto prepare = [&]() -> Status {
    DUET_TRY(NameIndex(path).prepare());
    return BlobStore(path).prepare();
  };
  if (const auto status = prepare(); !status.ok()) {
    return status.error().wrap("image store " + path);
  }
  return ContentStore(path);
}

Result<Image> ContentStore::resolve(const std::string& name, Wanted wanted) const {
  DUET_ASSIGN(const Reference reference, parse_reference(name));
  DUET_ASSIGN(const Index index, NameIndex(path_).load());
  const IndexEntry* entry = find_entry(index, reference);
  if (entry == nullptr) {
    return no_such_image(reference.name());
  }
  auto image = read_stored(BlobStore(path_), entry->descriptor, wanted);
  if (!image.ok()) {
    return image.error().wrap("image " + reference.name());
  }
  image->name = reference.name();
  return image;
}

Result<sys::Fd> ContentStore::open_blob(const Descriptor& blob) const {
  return BlobStore(path_).open(blob);
}

Result<std::string> ContentStore::read_blob(const Descriptor& blob, int64_t limit_bytes) const {
  return BlobStore(path_).read(blob, limit_bytes);
}

bool ContentStore::has_blob(const Digest& digest) const { return BlobStore(path_).has(digest); }

Result<std::vector<ImageSummary>> ContentStore::list() const {
  DUET_ASSIGN(const Index index, NameIndex(path_).load());
  const BlobStore blobs(path_);
  std::vector<ImageSummary> summaries;
  for (const IndexEntry& entry : index.entries) {
    ImageSummary summary{.name = entry_name(entry), .target_digest = entry.descriptor.digest};
    const auto any = read_stored(blobs, entry.descriptor, Wanted::kAny);
    // A name that was only pulled for Wasm may lack the parts for this machine's own platform.
    const auto image = any.ok() ? any : read_stored(blobs, entry.descriptor, Wanted::kWasm);
    if (image.ok()) {
      summary.manifest_digest = image->manifest_digest;
      summary.kind = image->kind;
      summary.size_bytes = image->size_bytes;
      summary.created = image->created;
    } else {
      summary.problem = any.error().message();
    }
    summaries.push_back(std::move(summary));
  }
  std::sort(summaries.begin(), summaries.end(),
            [](const ImageSummary& a, const ImageSummary& b) { return a.name < b.name; });
  return summaries;
}

std::string ContentStore::revision() const { return NameIndex(path_).revision(); }

Status ContentStore::remove(const std::string& name) {
  // A name that another tool wrote need not be a whole reference.
  const std::string whole = normalize_reference(name).value_or(name);
  return NameIndex(path_).update([&](Index& index) -> Status {
    const auto is_it = [&](const IndexEntry& entry) {
      return entry_name(entry) == whole || entry_name(entry) == name;
    };
    return std::erase_if(index.entries, is_it) > 0 ? Status() : no_such_image(whole);
  });
}

Status ContentStore::tag(const std::string& name, const std::string& alias) {
  DUET_ASSIGN(const Reference reference, parse_reference(name));
  DUET_ASSIGN(const Writing writing, begin_writing());
  DUET_ASSIGN(const Index index, NameIndex(path_).load());
  const IndexEntry* entry = find_entry(index, reference);
  return entry == nullptr ? no_such_image(reference.name()) : set_name(alias, entry->descriptor);
}

Result<Descriptor> ContentStore::put_blob(std::string media_type, std::string_view data) {
  return BlobStore(path_).put(std::move(media_type), data);
}

Status ContentStore::put_blob_from(const Descriptor& blob, int fd) {
  return BlobStore(path_).put(blob, fd);
}

Status ContentStore::set_name(const std::string& name, const Descriptor& target) {
  DUET_ASSIGN(const Reference reference, parse_reference(name));
  if (!reference.digest.empty() && reference.digest != target.digest) {
    return Error(ErrorCode::kCorrupt,
                 "image " + reference.name() + ": the content is " + target.digest);
  }
  const std::string whole = reference.name();
  return NameIndex(path_).update([&](Index& index) -> Status {
    std::erase_if(index.entries,
                  [&](const IndexEntry& entry) { return entry_name(entry) == whole; });
    IndexEntry entry{.descriptor = target};
    entry.descriptor.annotations = {{std::string(kRefNameAnnotation), whole}};
    index.entries.push_back(std::move(entry));
    return {};
  });
}

Result<ContentStore::Writing> ContentStore::begin_writing() const {
  DUET_ASSIGN(sys::Fd lock, lock_file(path_ + "/gc.lock", LockMode::kShared));
  return Writing(std::move(lock));
}

}  // namespace duet::oci
