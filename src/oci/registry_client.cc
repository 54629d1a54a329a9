#include "oci/registry_client.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "net/http_target.h"
#include "oci/auth.h"
#include "oci/digest.h"
#include "oci/json_reader.h"
#include "oci/reference.h"
#include "sys/file.h"

namespace duet::oci {

namespace {

constexpr int kRedirectLimit = 5;
constexpr int64_t kErrorBodyLimitBytes = 64 << 10;
constexpr int64_t kTokenLimitBytes = 1 << 20;
constexpr int64_t kBackoffLimitMs = 30'000;
constexpr int64_t kRetryAfterLimitS = 60;

// Scheme, host and port: who may see what was meant for it.
std::string origin_of(const std::string& url) {
  return url.substr(0, url.find("://")) + "://" + url_host(url);
}

// What the registry says about its refusal: the errors of the distribution specification.
std::string refusal_text(const HttpResponse& response) {
  constexpr size_t kShownBytes = 300;
  std::string text = "HTTP " + std::to_string(response.status);
  const auto document = parse_object(response.body);
  if (!document.ok()) {
    return text;
  }
  const auto& errors = member(*document, "errors");
  if (errors.is_array() && !errors.empty()) {
    text += ": " + string_member(errors[0], "code").value_or("") + " " +
            string_member(errors[0], "message").value_or("");
  }
  return text.substr(0, kShownBytes);
}

Error refusal(const HttpResponse& response) {
  const std::string text = refusal_text(response);
  if (response.status == 401 || response.status == 403) {
    return {ErrorCode::kPermission, "the registry refuses: " + text};
  }
  if (response.status == 404) {
    return not_found("the registry does not have it: " + text);
  }
  if (response.status == 429 || response.status / 100 == 5) {
    return {ErrorCode::kUnavailable, "the registry is busy or broken: " + text};
  }
  return {ErrorCode::kInternal, "the registry answers " + text};
}

bool may_pass(const Error& error) {
  return error.code() == ErrorCode::kUnavailable || error.code() == ErrorCode::kTimeout;
}

int64_t error_body_limit(int status, int64_t good_limit_bytes) {
  return status / 100 == 2 ? good_limit_bytes : kErrorBodyLimitBytes;
}

}  // namespace

RegistryClient::RegistryClient(const FetchRequest& request,
                               std::function<void(const std::string&)> note)
    : request_(request),
      note_(std::move(note)),
      http_({.ca_pem = request.ca_pem,
             .connect_timeout_ms = request.connect_timeout_ms,
             .stall_timeout_ms = request.stall_timeout_ms}),
      scheme_(request.scheme == Scheme::kHttp ? "http" : "https"),
      scheme_may_change_(request.scheme == Scheme::kHttpsElseHttp) {}

std::string RegistryClient::url(const std::string& path) const {
  return scheme_ + "://" + request_.endpoint + "/v2/" + request_.repository + path;
}

void RegistryClient::authorize(HttpRequest& request) const {
  if (!token_.empty()) {
    request.headers.push_back("Authorization: Bearer " + token_);
  } else if (basic_) {
    request.basic_username = request_.username;
    request.basic_password = request_.password;
  }
}

Result<HttpResponse> RegistryClient::exchange(const std::string& path, const HttpRequest& request) {
  for (bool authenticated = false;;) {
    HttpRequest attempt = request;
    attempt.url = url(path);
    authorize(attempt);
    auto response = http_.get(attempt);
    if (!response.ok() && response.error().code() == ErrorCode::kUnsupported &&
        scheme_may_change_) {
      scheme_ = "http";
      scheme_may_change_ = false;
      continue;
    }
    if (!response.ok() && response.error().code() == ErrorCode::kUnsupported) {
      return Error(ErrorCode::kPermission,
                   origin_of(attempt.url) + ": no TLS (" + response.error().message() +
                       "); plain HTTP must be allowed for this registry by configuration");
    }
    if (!response.ok()) {
      return response.error().wrap(origin_of(attempt.url));
    }
    scheme_may_change_ = false;
    if (response->status == 401 && !authenticated) {
      token_.clear();
      DUET_TRY(authenticate(*response));
      authenticated = true;
      continue;
    }
    return follow(std::move(response).value(), std::move(attempt));
  }
}

Result<HttpResponse> RegistryClient::follow(HttpResponse response, HttpRequest request) {
  const std::string origin = origin_of(request.url);
  for (int hops = 0; response.status / 100 == 3 && !response.redirect_url.empty(); ++hops) {
    if (hops == kRedirectLimit) {
      return Error(ErrorCode::kUnavailable, "the registry redirects without end");
    }
    const std::string target = response.redirect_url;
    if (request.url.starts_with("https://") && !target.starts_with("https://")) {
      return Error(ErrorCode::kPermission, "the registry redirects from HTTPS to plain HTTP");
    }
    if (origin_of(target) != origin) {
      std::erase_if(request.headers,
                    [](const std::string& line) { return line.starts_with("Authorization:"); });
      request.basic_username.clear();
    }
    request.url = target;
    auto next = http_.get(request);
    if (!next.ok()) {
      return next.error().wrap(origin_of(target));
    }
    response = std::move(next).value();
  }
  if (response.status / 100 != 2) {
    retry_after_s_ = response.retry_after_s;
    if (response.status != 416) {
      return refusal(response);
    }
  }
  return response;
}

Status RegistryClient::authenticate(const HttpResponse& refused) {
  for (const std::string& value : refused.challenges) {
    const auto challenge = parse_challenge(value);
    if (!challenge.ok()) {
      continue;
    }
    const auto parameter = [&](const char* name) {
      const auto found = challenge->parameters.find(name);
      return found == challenge->parameters.end() ? std::string() : found->second;
    };
    if (challenge->scheme == "bearer") {
      std::string scope = parameter("scope");
      return fetch_token(parameter("realm"), parameter("service"),
                         scope.empty() ? "repository:" + request_.repository + ":pull" : scope);
    }
    if (challenge->scheme == "basic") {
      if (request_.username.empty()) {
        return Error(ErrorCode::kPermission,
                     request_.endpoint + " asks for credentials, and none are configured for it");
      }
      basic_ = true;
      return {};
    }
  }
  return Error(ErrorCode::kPermission, request_.endpoint +
                                           " asks for authentication that is neither Bearer nor "
                                           "Basic: " +
                                           refusal_text(refused));
}

// The realm is the registry's choice: credentials go there only over TLS, or if the registry itself
// is one that is spoken to in the clear.
Status RegistryClient::check_realm(const std::string& realm) const {
  const bool clear = realm.starts_with("http://") && scheme_ == "http";
  if (!realm.starts_with("https://") && !clear) {
    return Error(ErrorCode::kPermission, request_.endpoint +
                                             " names a token service that is not "
                                             "reached over HTTPS");
  }
  return {};
}

Status RegistryClient::fetch_token(const std::string& realm, const std::string& service,
                                   const std::string& scope) {
  DUET_TRY(check_realm(realm));
  HttpRequest request{.url = realm + (realm.find('?') == std::string::npos ? "?" : "&") +
                             "service=" + net::percent_encode(service) +
                             "&scope=" + net::percent_encode(scope)};
  request.basic_username = request_.username;
  request.basic_password = request_.password;
  request.body_limit_bytes = [](int) { return kTokenLimitBytes; };
  auto answer = http_.get(request);
  if (!answer.ok()) {
    return answer.error().wrap("token service " + url_host(realm));
  }
  if (answer->status != 200) {
    retry_after_s_ = answer->retry_after_s;
    return refusal(*answer).wrap("token service " + url_host(realm));
  }
  const auto document = parse_object(answer->body);
  token_ = document.ok() ? string_member(*document, "token").value_or("") : "";
  if (token_.empty() && document.ok()) {
    token_ = string_member(*document, "access_token").value_or("");
  }
  const bool clean = std::all_of(token_.begin(), token_.end(), [](char c) { return c > ' '; });
  if (token_.empty() || !clean) {
    return Error(ErrorCode::kUnavailable, "token service " + url_host(realm) + " gives no token");
  }
  return {};
}

Status RegistryClient::with_retries(const std::string& what, const std::function<Status()>& once) {
  int64_t backoff_ms = request_.backoff_ms;
  for (int attempt = 1;; ++attempt) {
    retry_after_s_ = -1;
    const auto status = once();
    if (status.ok() || !may_pass(status.error()) || attempt >= request_.attempt_limit) {
      return status.ok() ? status : Status(status.error().wrap(what));
    }
    const int64_t asked_ms = std::min(retry_after_s_, kRetryAfterLimitS) * 1000;
    const int64_t wait_ms = std::max(backoff_ms, asked_ms);
    note_(what + ": " + status.error().message() + "; again in " + std::to_string(wait_ms) + " ms");
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    backoff_ms = std::min(backoff_ms * 2, kBackoffLimitMs);
  }
}

Result<RegistryClient::Document> RegistryClient::manifest(const std::string& version) {
  Document document;
  const auto once = [&]() -> Status {
    HttpRequest request;
    request.headers = {"Accept: " + std::string(kOciIndex) + ", " + std::string(kOciManifest) +
                       ", " + std::string(kDockerIndex) + ", " + std::string(kDockerManifest)};
    request.body_limit_bytes = [](int status) {
      return error_body_limit(status, kManifestLimitBytes);
    };
    DUET_ASSIGN(HttpResponse response, exchange("/manifests/" + version, request));
    document.media_type = response.content_type;
    document.bytes = std::move(response.body);
    if (is_digest(version) && digest_of(document.bytes) != version) {
      return Error(ErrorCode::kCorrupt,
                   "wrong digest: the content is " + digest_of(document.bytes));
    }
    return {};
  };
  DUET_TRY(with_retries("manifest " + version, once));
  return document;
}

Result<std::string> RegistryClient::small_blob(const Descriptor& blob) {
  std::string bytes;
  const auto once = [&]() -> Status {
    HttpRequest request;
    request.body_limit_bytes = [&](int status) {
      return error_body_limit(status, std::min(blob.size_bytes, kManifestLimitBytes));
    };
    DUET_ASSIGN(HttpResponse response, exchange("/blobs/" + blob.digest, request));
    bytes = std::move(response.body);
    if (static_cast<int64_t>(bytes.size()) < blob.size_bytes) {
      return Error(ErrorCode::kCorrupt, "truncated: " + std::to_string(bytes.size()) + " of " +
                                            std::to_string(blob.size_bytes) + " bytes");
    }
    if (digest_of(bytes) != blob.digest) {
      return Error(ErrorCode::kCorrupt, "wrong digest: the content is " + digest_of(bytes));
    }
    return {};
  };
  DUET_TRY(with_retries("blob " + blob.digest, once));
  return bytes;
}

// A blob on its way: what is in the file, and its hash so far.
struct RegistryClient::Download {
  const Descriptor& blob;
  int fd;
  const std::function<void(int64_t)>& progress;
  Sha256 hash;
  int64_t have_bytes = 0;

  // Hashes what the file holds already.
  Status begin() {
    ::lseek(fd, 0, SEEK_SET);
    std::vector<char> chunk(1 << 18);
    ssize_t got = 0;
    while ((got = ::read(fd, chunk.data(), chunk.size())) > 0) {
      hash.update({chunk.data(), static_cast<size_t>(got)});
      have_bytes += got;
    }
    if (got < 0) {
      return Error::from_errno("read the partial download", errno);
    }
    return have_bytes > blob.size_bytes ? restart() : Status();
  }

  Status restart() {
    hash.finish();
    have_bytes = 0;
    if (::ftruncate(fd, 0) != 0 || ::lseek(fd, 0, SEEK_SET) != 0) {
      return Error::from_errno("empty the partial download", errno);
    }
    return {};
  }

  Status take(std::string_view data) {
    if (have_bytes + static_cast<int64_t>(data.size()) > blob.size_bytes) {
      return Error(ErrorCode::kCorrupt, "larger than the " + std::to_string(blob.size_bytes) +
                                            " bytes that the manifest says");
    }
    DUET_TRY(sys::write_all(fd, data));
    hash.update(data);
    have_bytes += static_cast<int64_t>(data.size());
    progress(have_bytes);
    return {};
  }
};

Status RegistryClient::download_once(Download& download) {
  if (download.have_bytes == download.blob.size_bytes) {
    return {};
  }
  const int64_t asked_from = download.have_bytes;
  bool first = true;
  HttpRequest request;
  if (asked_from > 0) {
    request.headers.push_back("Range: bytes=" + std::to_string(asked_from) + "-");
  }
  request.body_limit_bytes = [&](int status) { return error_body_limit(status, INT64_MAX); };
  request.sink = [&](int status, std::string_view data) -> Status {
    // A server that does not know ranges sends everything again.
    if (std::exchange(first, false) && asked_from > 0 && status != 206) {
      DUET_TRY(download.restart());
    }
    return download.take(data);
  };
  DUET_ASSIGN(const HttpResponse response, exchange("/blobs/" + download.blob.digest, request));
  const std::string from = "bytes " + std::to_string(asked_from) + "-";
  if (response.status == 416 || (response.status == 206 && !response.content_range.empty() &&
                                 !response.content_range.starts_with(from))) {
    DUET_TRY(download.restart());
    return Error(ErrorCode::kUnavailable, "the registry sent another range than was asked for");
  }
  if (download.have_bytes < download.blob.size_bytes) {
    return Error(ErrorCode::kCorrupt, "truncated: " + std::to_string(download.have_bytes) + " of " +
                                          std::to_string(download.blob.size_bytes) + " bytes");
  }
  return {};
}

Status RegistryClient::blob(const Descriptor& blob, int fd,
                            const std::function<void(int64_t)>& progress) {
  Download download{.blob = blob, .fd = fd, .progress = progress};
  DUET_TRY(download.begin());
  // What an earlier run left may be damaged: then once more from the start.
  for (bool resumed = download.have_bytes > 0;; resumed = false) {
    DUET_TRY(with_retries("blob " + blob.digest, [&] { return download_once(download); }));
    const Digest found = download.hash.finish();
    if (found == blob.digest) {
      return {};
    }
    DUET_TRY(download.restart());
    if (!resumed) {
      return Error(ErrorCode::kCorrupt,
                   "blob " + blob.digest + ": wrong digest: the content is " + found);
    }
  }
}

}  // namespace duet::oci
