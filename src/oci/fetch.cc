#include "oci/fetch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <set>

#include "oci/digest.h"
#include "oci/image_reader.h"
#include "oci/registry_client.h"
#include "sys/fd.h"
#include "sys/file.h"

namespace duet::oci {

namespace {

// In the blobs' own folder: Landlock does not let files move between folders on older kernels.
constexpr const char* kPartialSuffix = ".partial";
constexpr auto kReportEvery = std::chrono::milliseconds(100);

std::string blob_file(const Digest& digest) {
  return "blobs/sha256/" + std::string(digest_hex(digest));
}

bool has_file(int folder, const std::string& name, int64_t size_bytes) {
  struct stat info{};
  return folder >= 0 && ::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISREG(info.st_mode) && info.st_size == size_bytes;
}

Result<sys::Fd> create(int folder, const std::string& name, int flags) {
  sys::Fd fd(
      ::openat(folder, name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
  return fd.valid() ? Result<sys::Fd>(std::move(fd))
                    : Result<sys::Fd>(Error::from_errno("create " + name, errno));
}

// One run: what is to be brought, and how far it is.
class Fetch {
 public:
  Fetch(const FetchRequest& request, int folder, int present, const EventSink& say)
      : request_(request),
        folder_(folder),
        present_(present),
        say_(say),
        registry_(request, [this](const std::string& text) { note(text); }) {}

  Result<Descriptor> run() {
    DUET_ASSIGN(const auto document, registry_.manifest(request_.version));
    const Descriptor target{document.media_type,
                            digest_of(document.bytes),
                            static_cast<int64_t>(document.bytes.size()),
                            {}};
    DUET_TRY(keep(target, document.bytes));
    DUET_ASSIGN(const Image image,
                read_image(target, request_.wanted, [&](const Descriptor& wanted) {
                  return wanted.digest == target.digest ? Result<std::string>(document.bytes)
                                                        : bring_document(wanted);
                }));
    DUET_TRY(bring_content(image));
    return target;
  }

 private:
  Status keep(const Descriptor& blob, std::string_view bytes) {
    DUET_ASSIGN(const sys::Fd fd, create(folder_, blob_file(blob.digest), O_TRUNC));
    return sys::write_all(fd.get(), bytes);
  }

  // A manifest of an index, or a configuration. The registry serves the former under manifests/.
  Result<std::string> bring_document(const Descriptor& document) {
    if (document.size_bytes > kManifestLimitBytes) {
      return Error(ErrorCode::kExhausted, "document " + document.digest + " is larger than " +
                                              std::to_string(kManifestLimitBytes) + " bytes");
    }
    const bool is_manifest =
        document.media_type == kOciManifest || document.media_type == kDockerManifest ||
        document.media_type == kOciIndex || document.media_type == kDockerIndex;
    std::string bytes;
    if (is_manifest) {
      DUET_ASSIGN(auto answer, registry_.manifest(document.digest));
      bytes = std::move(answer.bytes);
    } else {
      DUET_ASSIGN(bytes, registry_.small_blob(document));
    }
    DUET_TRY(keep(document, bytes));
    return bytes;
  }

  Status bring_content(const Image& image) {
    if (image.size_bytes > request_.size_limit_bytes) {
      return Error(ErrorCode::kExhausted, "the image has " + std::to_string(image.size_bytes) +
                                              " bytes, more than the limit of " +
                                              std::to_string(request_.size_limit_bytes));
    }
    std::vector<Descriptor> missing;
    std::set<Digest> seen;
    for (const Descriptor& blob : content_of(image)) {
      if (seen.insert(blob.digest).second && !is_here(blob)) {
        missing.push_back(blob);
        progress_.total_bytes += blob.size_bytes;
      }
    }
    progress_.blobs_total = static_cast<int>(missing.size());
    for (const Descriptor& blob : missing) {
      DUET_TRY(bring(blob));
      ++progress_.blobs_done;
      report();
    }
    return {};
  }

  bool is_here(const Descriptor& blob) const {
    return has_file(folder_, blob_file(blob.digest), blob.size_bytes) ||
           has_file(present_, std::string(digest_hex(blob.digest)), blob.size_bytes);
  }

  Status bring(const Descriptor& blob) {
    const std::string partial = blob_file(blob.digest) + kPartialSuffix;
    DUET_ASSIGN(const sys::Fd fd, create(folder_, partial, 0));
    const int64_t before = progress_.done_bytes;
    DUET_TRY(registry_.blob(blob, fd.get(), [&](int64_t have_bytes) {
      progress_.done_bytes = before + have_bytes;
      const auto now = std::chrono::steady_clock::now();
      if (now - reported_ >= kReportEvery) {
        report();
      }
    }));
    progress_.done_bytes = before + blob.size_bytes;
    if (::renameat(folder_, partial.c_str(), folder_, blob_file(blob.digest).c_str()) != 0) {
      return Error::from_errno("rename " + partial, errno);
    }
    return {};
  }

  void report() {
    reported_ = std::chrono::steady_clock::now();
    say_({.progress = progress_});
  }

  void note(const std::string& text) {
    PullProgress with_text = progress_;
    with_text.message = text;
    say_({.progress = with_text});
  }

  const FetchRequest& request_;
  int folder_;
  int present_;
  const EventSink& say_;
  RegistryClient registry_;
  PullProgress progress_;
  std::chrono::steady_clock::time_point reported_;
};

}  // namespace

Result<Descriptor> fetch(const FetchRequest& request, int folder, int present,
                         const EventSink& say) {
  return Fetch(request, folder, present, say).run();
}

}  // namespace duet::oci
