#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "oci/platform.h"
#include "oci/puller.h"

// What duet and duet-pull say to each other: one JSON request on a descriptor (it may hold
// credentials, so it is never an argument), one JSON object a line as the answer. The program takes
// the verb as its only argument; descriptors are where this page says. Functions are pure.
namespace duet::oci {

inline constexpr int kRequestFd = 3;
inline constexpr int kOutputFd = 4;  // fetch, archive: an open layout folder; module: a file
inline constexpr int kInputFd = 5;   // fetch: blobs that are here already; else the file to read
inline constexpr size_t kRequestLimitBytes = 4 << 20;
inline constexpr size_t kEventLimitBytes = 64 << 10;  // one line

enum class Scheme {
  kHttps,
  kHttp,
  kHttpsElseHttp,  // HTTPS, or HTTP if the peer does not speak TLS at all
};

// The verb "fetch": brings manifest, configuration and layers of one image into the folder.
struct FetchRequest {
  std::string endpoint;  // host[:port]
  std::string repository;
  std::string version;  // tag or digest
  Scheme scheme = Scheme::kHttps;
  Wanted wanted = Wanted::kAny;
  std::string username;  // empty: anonymous
  std::string password;
  std::string ca_pem;  // further authorities
  int64_t size_limit_bytes = 0;
  int64_t connect_timeout_ms = 0;
  int64_t stall_timeout_ms = 0;
  int attempt_limit = 1;
  int64_t backoff_ms = 0;
};

// "archive": reads a tar and makes an OCI layout of it in the folder.
struct ArchiveRequest {
  int64_t size_limit_bytes = 0;
};

// "module": copies one file out of a layer.
struct ModuleRequest {
  std::string path;  // relative to the root, clean
  int64_t size_limit_bytes = 0;
};

// All requests carry whom to become.
struct HelperRequest {
  uid_t uid = 0;
  gid_t gid = 0;
  std::optional<FetchRequest> fetch;
  std::optional<ArchiveRequest> archive;
  std::optional<ModuleRequest> module;
};

std::string encode_request(const HelperRequest& request);
Result<HelperRequest> decode_request(std::string_view json);

// What a layer says about a file.
enum class LayerAnswer { kFound, kAbsent, kRemoved };

// One line of the answer; exactly one member is set.
struct HelperEvent {
  std::optional<PullProgress> progress;
  std::optional<Descriptor> target;   // fetch is done: manifest or index
  std::optional<LayerAnswer> answer;  // module is done
  bool done = false;                  // archive is done
  std::optional<Error> error;
};

std::string encode_event(const HelperEvent& event);  // with its newline
Result<HelperEvent> decode_event(std::string_view line);

}  // namespace duet::oci
