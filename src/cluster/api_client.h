#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cluster/access.h"
#include "cluster/api_connection.h"
#include "cluster/json_field.h"
#include "net/tls_client.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

using Query = std::vector<std::pair<std::string, std::string>>;

// Kinds of patches (RFC 7386, RFC 6902, and Kubernetes' own).
enum class PatchType { kMerge, kJson, kStrategic };

struct ApiOptions {
  std::int64_t timeout_ms = 10'000;  // of each wait for the server
  std::int64_t watch_timeout_ms =
      150'000;                           // without a byte on a watch; bookmarks come every minute
  std::size_t answer_bytes = 32 << 20;   // of one answer's body
  std::size_t event_bytes = 8 << 20;     // of one line of a watch
  std::int64_t page_objects = 250;       // of one answer to a list
  std::size_t list_objects = 10'000;     // of a whole list
  int list_pages = 1'000;                // of a whole list; pages may be empty
  int attempts = 5;                      // when the server asks to come back later (Retry-After)
  std::int64_t retry_after_ms = 30'000;  // waited for at most, each time
};

// All objects of a list, and the version from which a watch goes on.
struct ApiList {
  std::vector<Json> items;
  std::string resource_version;
};

class ApiWatch;

// Talks to an API server over one connection, which is made when it is needed and kept. Errors are
// those of api_error(), and for the way to the server kUnavailable, kTimeout, and kPermission when
// its certificate is not to be trusted; kCorrupt: it answered something that is no answer. A server
// that asks to come back later is asked again. Blocking; for one thread. A stop ends what waits.
class ApiClient {
 public:
  // `access`, `clock` and `random` must outlive this.
  ApiClient(const CurrentAccess& access, const sys::Clock& clock, sys::Random& random,
            std::stop_token stop, ApiOptions options = {});
  ApiClient(const ApiClient&) = delete;
  ApiClient& operator=(const ApiClient&) = delete;

  // `path` begins with "/api" or "/apis".
  Result<Json> get(const std::string& path, const Query& query = {});
  Result<Json> create(const std::string& path, const Json& object);
  Result<Json> replace(const std::string& path, const Json& object);
  Result<Json> patch(const std::string& path, PatchType type, const Json& patch);
  // `options`: a DeleteOptions object, or nothing.
  Result<Json> remove(const std::string& path, const Json& options);

  // All pages of a list.
  Result<ApiList> list(const std::string& path, const Query& query);
  // Changes from just after `resource_version`, over a connection of their own. The server ends the
  // watch after some minutes.
  Result<std::unique_ptr<ApiWatch>> watch(const std::string& path, Query query,
                                          const std::string& resource_version);

 private:
  struct Answer {
    int status = 0;
    std::string body;
    std::optional<std::int64_t> retry_after_ms;
  };
  Status refresh_access();
  Result<std::unique_ptr<ApiConnection>> open(std::int64_t timeout_ms);
  net::ClientRequest request_of(const std::string& method, const std::string& path,
                                const Query& query) const;
  Result<Json> call(const std::string& method, const std::string& path, const Query& query,
                    const std::string& content_type = "", const std::string& body = "");
  Result<Answer> exchange(const net::ClientRequest& request);
  Result<Answer> ask(const net::ClientRequest& request);
  Error explain(const Error& error) const;

  const CurrentAccess& access_;
  const sys::Clock& clock_;
  sys::Random& random_;
  std::stop_token stop_;
  ApiOptions options_;
  std::shared_ptr<const Access> known_;  // whose authorities and certificate tls_ has
  net::TlsClient tls_;
  std::unique_ptr<ApiConnection> connection_;
};

// A watch that runs. For the thread of its client, which must outlive it.
class ApiWatch {
 public:
  enum class Type { kAdded, kModified, kDeleted, kBookmark };
  struct Event {
    Type type;
    Json object;
  };

  // The next event; nothing: the server ended the watch. kExhausted: the version is too old (410),
  // list anew. kCorrupt: what came is no event, or larger than event_bytes.
  Result<std::optional<Event>> next();

 private:
  friend class ApiClient;
  ApiWatch(std::unique_ptr<ApiConnection> connection, std::size_t event_bytes);
  Result<std::optional<std::string>> next_line();

  std::unique_ptr<ApiConnection> connection_;
  std::size_t event_bytes_;
  std::string pending_;       // what came and is no whole line yet
  std::size_t searched_ = 0;  // of it, without a line's end
};

// Waits until `ms` have passed or a stop is asked for; true: the time has passed.
bool pause_for(const std::stop_token& stop, std::int64_t ms);

}  // namespace duet::cluster
