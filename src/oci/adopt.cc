#include "oci/blob_store.h"
#include "oci/content_store.h"
#include "oci/image_reader.h"
#include "oci/layout_folder.h"
#include "oci/reference.h"

namespace duet::oci {

namespace {

// Brings blobs from a foreign layout into the store, up to a total size.
class Adoption {
 public:
  Adoption(const BlobStore& blobs, int layout, int64_t size_limit_bytes)
      : blobs_(blobs), layout_(layout), left_bytes_(size_limit_bytes) {}

  Status take(const Descriptor& blob) {
    if (blob.size_bytes > left_bytes_) {
      return Error(ErrorCode::kExhausted, "the image is larger than the limit");
    }
    left_bytes_ -= blob.size_bytes;
    if (blobs_.has(blob)) {
      return {};
    }
    auto file = open_layout_blob(layout_, blob);
    if (!file.ok()) {
      return file.error().code() == ErrorCode::kNotFound
                 ? not_found("blob " + blob.digest + " is missing")
                 : file.error();
    }
    return blobs_.put(blob, file->get());
  }

  Result<std::string> take_document(const Descriptor& document) {
    if (document.size_bytes > kManifestLimitBytes) {
      return Error(ErrorCode::kExhausted, "document " + document.digest + ": larger than " +
                                              std::to_string(kManifestLimitBytes) + " bytes");
    }
    DUET_TRY(take(document));
    return blobs_.read(document, kManifestLimitBytes);
  }

 private:
  const BlobStore& blobs_;
  int layout_;
  int64_t left_bytes_;
};

}  // namespace

Result<Image> ContentStore::adopt(int layout, const Descriptor& target, const std::string& name,
                                  Wanted wanted, int64_t size_limit_bytes) {
  DUET_ASSIGN(const Reference reference, parse_reference(name));
  DUET_ASSIGN(const Writing writing, begin_writing());
  const BlobStore blobs(path_);
  Adoption adoption(blobs, layout, size_limit_bytes);
  const auto bring = [&]() -> Result<Image> {
    DUET_ASSIGN(Image image, read_image(target, wanted, [&](const Descriptor& document) {
                  return adoption.take_document(document);
                }));
    for (const Descriptor& blob : content_of(image)) {
      DUET_TRY(adoption.take(blob));
    }
    image.name = reference.name();
    return image;
  };
  auto image = bring();
  if (!image.ok()) {
    return image.error().wrap("image " + reference.name());
  }
  DUET_TRY(set_name(image->name, target));
  return image;
}

}  // namespace duet::oci
