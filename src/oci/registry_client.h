#pragma once

#include <functional>
#include <string>

#include "oci/helper_protocol.h"
#include "oci/http.h"

namespace duet::oci {

// One repository of one registry over the OCI distribution API, for duet-pull. Not thread-safe.
class RegistryClient {
 public:
  // `note` hears about retries in words for a person.
  RegistryClient(const FetchRequest& request, std::function<void(const std::string&)> note);

  struct Document {
    std::string media_type;
    std::string bytes;
  };
  // .../manifests/<version>. kNotFound: the registry has no such name, tag or digest.
  Result<Document> manifest(const std::string& version);
  // .../blobs/<digest>, small and at once.
  Result<std::string> small_blob(const Descriptor& blob);
  // .../blobs/<digest> into the open file `fd`, going on after what it holds already; verified.
  // `progress` hears how many bytes of it are there.
  Status blob(const Descriptor& blob, int fd, const std::function<void(int64_t)>& progress);

 private:
  struct Download;
  Status download_once(Download& download);
  std::string url(const std::string& path) const;
  // One exchange with authentication, redirects and scheme fallback.
  Result<HttpResponse> exchange(const std::string& path, const HttpRequest& request);
  Result<HttpResponse> follow(HttpResponse response, HttpRequest request);
  Status authenticate(const HttpResponse& refused);
  Status fetch_token(const std::string& realm, const std::string& service,
                     const std::string& scope);
  void authorize(HttpRequest& request) const;
  Status check_realm(const std::string& realm) const;
  // Repeats `once` with back-off as long as its failures may pass.
  Status with_retries(const std::string& what, const std::function<Status()>& once);

  const FetchRequest& request_;
  std::function<void(const std::string&)> note_;
  HttpClient http_;
  std::string scheme_;
  bool scheme_may_change_;
  std::string token_;   // bearer
  bool basic_ = false;  // the registry asked for basic authentication
  int64_t retry_after_s_ = -1;
};

}  // namespace duet::oci
