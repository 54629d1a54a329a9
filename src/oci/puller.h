#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "oci/content_store.h"
#include "oci/helper.h"

namespace duet::oci {

struct PullOptions {
  Helper helper;
  Wanted wanted = Wanted::kAny;
  // Credentials in the format of Docker's config.json ("auths"): texts, the first that has the
  // registry wins (imagePullSecrets), then the file. Credential helpers are not called.
  std::vector<std::string> auth_configs;
  std::string auth_file;  // empty: none; must exist otherwise
  std::string ca_file;    // PEM, beside the system's own authorities; empty: only those
  // Registries (host[:port]) spoken to over plain HTTP. Loopback ones fall back to it unasked.
  std::vector<std::string> plain_http_registries;
  int64_t size_limit_bytes = kImageSizeLimitBytes;
  int64_t connect_timeout_ms = 15'000;
  int64_t stall_timeout_ms = 30'000;             // no byte for so long: try again, resuming
  int64_t timeout_ms = int64_t{60} * 60 * 1000;  // the whole pull
  int attempt_limit = 5;     // requests for one thing, with back-off between them
  int64_t backoff_ms = 500;  // before the second; doubles, at most 30 s
};

struct PullProgress {
  int64_t done_bytes = 0;
  int64_t total_bytes = 0;  // 0: not known yet
  int blobs_done = 0;
  int blobs_total = 0;
  std::string message;  // for a person: a retry and why; mostly empty
};
using PullProgressCallback = std::function<void(const PullProgress&)>;

// Brings `reference` from its registry into `store` under its normalised name, by a duet-pull child
// that may write to its own download folder only; what it brought is verified here again. An
// interrupted pull goes on where it was. Pulls of one name wait for each other; different names run
// at the same time. `progress` (may be empty) is called on this thread. `stop` ends it:
// kUnavailable.
//
// kInvalid: not a reference; kNotFound: the registry has no such image or platform; kPermission:
// credentials missing or refused; kUnavailable: registry or network cannot be reached, or it is
// busy; kTimeout; kCorrupt: wrong digest or truncated data; kExhausted: a bound; kUnsupported: the
// image is nothing that duet runs.
Result<Image> pull(ContentStore& store, const std::string& reference, const PullOptions& options,
                   const PullProgressCallback& progress = {}, const std::stop_token& stop = {});

}  // namespace duet::oci
