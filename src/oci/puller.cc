#include "oci/puller.h"

#include <fcntl.h>

#include <algorithm>

#include "oci/auth.h"
#include "oci/download_folder.h"
#include "oci/helper_process.h"
#include "oci/manifest.h"
#include "oci/reference.h"
#include "sys/file.h"

namespace duet::oci {

namespace {

constexpr size_t kAuthFileLimitBytes = 1 << 20;
constexpr size_t kCaFileLimitBytes = 1 << 20;

Result<Credentials> credentials_for(const Reference& reference, const PullOptions& options) {
  std::vector<std::string> texts = options.auth_configs;
  if (!options.auth_file.empty()) {
    DUET_ASSIGN(std::string text, sys::read_file(options.auth_file, kAuthFileLimitBytes));
    texts.push_back(std::move(text));
  }
  for (const std::string& text : texts) {
    auto found = find_credentials(text, reference);
    if (!found.ok()) {
      return invalid("registry credentials: " + found.error().message());
    }
    if (*found) {
      return std::move(**found);
    }
  }
  return Credentials();
}

Scheme scheme_for(const Reference& reference, const PullOptions& options) {
  const auto& plain = options.plain_http_registries;
  if (std::find(plain.begin(), plain.end(), reference.registry) != plain.end()) {
    return Scheme::kHttp;
  }
  return is_loopback_registry(reference.registry) ? Scheme::kHttpsElseHttp : Scheme::kHttps;
}

Result<FetchRequest> make_request(const Reference& reference, const PullOptions& options) {
  FetchRequest request{.endpoint = reference.endpoint(),
                       .repository = reference.repository,
                       .version = reference.version(),
                       .scheme = scheme_for(reference, options),
                       .wanted = options.wanted,
                       .size_limit_bytes = options.size_limit_bytes,
                       .connect_timeout_ms = options.connect_timeout_ms,
                       .stall_timeout_ms = options.stall_timeout_ms,
                       .attempt_limit = options.attempt_limit,
                       .backoff_ms = options.backoff_ms};
  DUET_ASSIGN(Credentials credentials, credentials_for(reference, options));
  request.username = std::move(credentials.username);
  request.password = std::move(credentials.password);
  if (!options.ca_file.empty()) {
    DUET_ASSIGN(request.ca_pem, sys::read_file(options.ca_file, kCaFileLimitBytes));
  }
  return request;
}

Result<Image> pull_into(DownloadFolder& folder, ContentStore& store, const Reference& reference,
                        const FetchRequest& request, const PullOptions& options,
                        const PullProgressCallback& progress, const std::stop_token& stop) {
  DUET_ASSIGN(const sys::Fd present,
              sys::open_file(store.path() + "/blobs/sha256", O_PATH | O_DIRECTORY));
  for (bool again = true;; again = false) {
    DUET_ASSIGN(const HelperEvent event,
                run_helper(options.helper, {.fetch = request}, folder.fd(), present.get(),
                           options.timeout_ms, progress, stop));
    if (!event.target) {
      return internal("duet-pull did not say what it brought");
    }
    auto image = store.adopt(folder.fd(), *event.target, reference.name(), options.wanted,
                             options.size_limit_bytes);
    // What the store had when the helper looked may be collected before it is adopted: once more.
    if (image.ok() || image.error().code() != ErrorCode::kNotFound || !again) {
      return image;
    }
  }
}

}  // namespace

Result<Image> pull(ContentStore& store, const std::string& reference_text,
                   const PullOptions& options, const PullProgressCallback& progress,
                   const std::stop_token& stop) {
  DUET_ASSIGN(const Reference reference, parse_reference(reference_text));
  const auto bring = [&]() -> Result<Image> {
    DUET_ASSIGN(const FetchRequest request, make_request(reference, options));
    DUET_ASSIGN(DownloadFolder folder,
                DownloadFolder::open(store.path(), reference.name(), options.helper.uid,
                                     options.helper.gid));
    auto image = pull_into(folder, store, reference, request, options, progress, stop);
    if (image.ok() || image.error().code() == ErrorCode::kCorrupt) {
      DUET_TRY(folder.remove());  // nothing there is worth going on from
    }
    return image;
  };
  auto image = bring();
  if (!image.ok()) {
    return image.error().wrap("pull " + reference.name());
  }
  return image;
}

}  // namespace duet::oci
