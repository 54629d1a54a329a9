#include "oci/archive.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <nlohmann/json.hpp>

#include "oci/digest.h"
#include "oci/json_reader.h"
#include "oci/layout_folder.h"
#include "oci/manifest.h"
#include "oci/tar_reader.h"
#include "sys/fd.h"
#include "sys/file.h"

namespace duet::oci {

namespace {

using nlohmann::json;

constexpr std::string_view kBlobs = "blobs/sha256/";
constexpr std::string_view kContainerdName = "io.containerd.image.name";

Error corrupt(std::string message) { return {ErrorCode::kCorrupt, std::move(message)}; }

// A file of the archive, stored under its digest.
struct Member {
  Descriptor blob;
  std::string start;  // its first bytes, to tell compression
};

class Unpacking {
 public:
  Unpacking(int archive, int folder, int64_t size_limit_bytes)
      : archive_(archive), folder_(folder), left_bytes_(size_limit_bytes) {}

  Status run() {
    DUET_TRY(read_all_entries());
    if (members_.contains("oci-layout") && members_.contains("index.json")) {
      return finish_layout();
    }
    if (members_.contains("manifest.json")) {
      return finish_docker();
    }
    return invalid(
        "the archive holds no image: neither index.json of an OCI layout nor "
        "manifest.json of docker save");
  }

 private:
  Status read_all_entries() {
    DUET_ASSIGN(TarReader tar, TarReader::open(archive_));
    for (size_t count = 0;; ++count) {
      DUET_ASSIGN(archive_entry* const entry, tar.next());
      if (entry == nullptr) {
        return {};
      }
      if (count == kArchiveEntryLimit) {
        return Error(ErrorCode::kExhausted, "the archive has more than " +
                                                std::to_string(kArchiveEntryLimit) + " entries");
      }
      DUET_ASSIGN(const std::string path, entry_path(entry));
      DUET_TRY(take_entry(tar, entry, path));
    }
  }

  Status take_entry(TarReader& tar, archive_entry* entry, const std::string& path) {
    if (const char* target = archive_entry_hardlink(entry); target != nullptr) {
      DUET_ASSIGN(links_[path], clean_entry_path(target));
      return {};
    }
    if (archive_entry_filetype(entry) == AE_IFLNK) {
      // docker save wrote ../<id>/layer.tar for a layer that is there already.
      const std::string target =
          archive_entry_symlink(entry) == nullptr ? "" : archive_entry_symlink(entry);
      DUET_ASSIGN(links_[path], clean_entry_path(target.starts_with("../") ? target.c_str() + 3
                                                                           : target.c_str()));
      return {};
    }
    return archive_entry_filetype(entry) == AE_IFREG ? store(tar, path) : Status();
  }

  Status store(TarReader& tar, const std::string& path) {
    const sys::Fd out(::openat(folder_, "blobs/sha256/partial",
                               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!out.valid()) {
      return Error::from_errno("create a file", errno);
    }
    Sha256 hash;
    Member member;
    DUET_TRY(tar.read([&](std::string_view data) -> Status {
      left_bytes_ -= static_cast<int64_t>(data.size());
      if (left_bytes_ < 0) {
        return Error(ErrorCode::kExhausted, "the archive is larger than the limit");
      }
      hash.update(data);
      member.blob.size_bytes += static_cast<int64_t>(data.size());
      member.start += data.substr(0, 4 - std::min<size_t>(4, member.start.size()));
      return sys::write_all(out.get(), data);
    }));
    member.blob.digest = hash.finish();
    if (path.starts_with(kBlobs) && path.substr(kBlobs.size()) != digest_hex(member.blob.digest)) {
      return corrupt(path + ": wrong digest: the content is " + member.blob.digest);
    }
    const std::string name = std::string(kBlobs) + std::string(digest_hex(member.blob.digest));
    if (::renameat(folder_, "blobs/sha256/partial", folder_, name.c_str()) != 0) {
      return Error::from_errno("rename to " + name, errno);
    }
    members_[path] = std::move(member);
    return {};
  }

  Result<Member> find(std::string path) const {
    constexpr int kLinkLimit = 8;
    for (int hops = 0; hops < kLinkLimit; ++hops) {
      if (const auto found = members_.find(path); found != members_.end()) {
        return found->second;
      }
      const auto link = links_.find(path);
      if (link == links_.end()) {
        return corrupt("the archive does not hold " + path + ", which it refers to");
      }
      path = link->second;
    }
    return corrupt("the archive's links for " + path + " have no end");
  }

  Result<std::string> text_of(const Member& member) const {
    DUET_ASSIGN(const sys::Fd fd, open_layout_blob(folder_, member.blob));
    return sys::read_all(fd.get(), static_cast<size_t>(kManifestLimitBytes));
  }

  Status write_index(std::string_view text) const {
    const sys::Fd out(::openat(folder_, "index.json", O_WRONLY | O_TRUNC | O_CLOEXEC | O_NOFOLLOW));
    return out.valid() ? sys::write_all(out.get(), text)
                       : Status(Error::from_errno("open index.json", errno));
  }

  Status finish_layout() {
    DUET_ASSIGN(const Member index, find("index.json"));
    DUET_ASSIGN(const std::string text, text_of(index));
    return write_index(text);
  }

  Status finish_docker() {
    DUET_ASSIGN(const Member listing, find("manifest.json"));
    DUET_ASSIGN(const std::string text, text_of(listing));
    // The file is a list; our reader takes objects.
    DUET_ASSIGN(const json document, parse_object("{\"images\":" + text + "}"));
    const json& images = member(document, "images");
    if (!images.is_array() || images.size() > kIndexEntryLimit) {
      return corrupt("manifest.json is not a list of images");
    }
    Index index;
    for (const json& image : images) {
      DUET_TRY(add_docker_image(image, index));
    }
    return write_index(index_json(index));
  }

  Status add_docker_image(const json& image, Index& index) {
    DUET_ASSIGN(const std::string config_path, string_member(image, "Config"));
    DUET_ASSIGN(const auto layer_paths, strings_member(image, "Layers"));
    DUET_ASSIGN(const auto names, strings_member(image, "RepoTags"));
    if (layer_paths.size() > kLayerLimit) {
      return Error(ErrorCode::kExhausted, "more than " + std::to_string(kLayerLimit) + " layers");
    }
    DUET_ASSIGN(const std::string clean_config, clean_entry_path(config_path.c_str()));
    DUET_ASSIGN(const Member config, find(clean_config));
    json layers = json::array();
    for (const std::string& path : layer_paths) {
      DUET_ASSIGN(const std::string clean, clean_entry_path(path.c_str()));
      DUET_ASSIGN(const Member layer, find(clean));
      layers.push_back(descriptor_json(layer, layer_type(layer.start)));
    }
    const json manifest = {{"schemaVersion", 2},
                           {"mediaType", kOciManifest},
                           {"config", descriptor_json(config, kOciConfig)},
                           {"layers", std::move(layers)}};
    DUET_ASSIGN(Descriptor target, store_document(dump_line(manifest)));
    for (const std::string& name : names) {
      target.annotations = {{std::string(kContainerdName), name}};
      index.entries.push_back({.descriptor = target});
    }
    if (names.empty()) {
      index.entries.push_back({.descriptor = target});
    }
    return {};
  }

  static json descriptor_json(const Member& member, std::string_view media_type) {
    return {{"mediaType", media_type},
            {"digest", member.blob.digest},
            {"size", member.blob.size_bytes}};
  }

  static std::string layer_type(std::string_view start) {
    const std::string tar = "application/vnd.oci.image.layer.v1.tar";
    return start.starts_with("\x1f\x8b")           ? tar + "+gzip"
           : start.starts_with("\x28\xb5\x2f\xfd") ? tar + "+zstd"
                                                   : tar;
  }

  Result<Descriptor> store_document(const std::string& text) const {
    Descriptor blob{
        std::string(kOciManifest), digest_of(text), static_cast<int64_t>(text.size()), {}};
    const std::string name = std::string(kBlobs) + std::string(digest_hex(blob.digest));
    const sys::Fd out(::openat(folder_, name.c_str(),
                               O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!out.valid()) {
      return Error::from_errno("create " + name, errno);
    }
    DUET_TRY(sys::write_all(out.get(), text));
    return blob;
  }

  int archive_;
  int folder_;
  int64_t left_bytes_;
  std::map<std::string, Member> members_;
  std::map<std::string, std::string> links_;
};

}  // namespace

Status unpack_archive(int archive, int folder, int64_t size_limit_bytes) {
  return Unpacking(archive, folder, size_limit_bytes).run();
}

}  // namespace duet::oci
