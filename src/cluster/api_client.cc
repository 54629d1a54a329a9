#include "cluster/api_client.h"

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>

#include "cluster/api_error.h"
#include "cluster/backoff.h"
#include "cluster/json_field.h"
#include "net/http_target.h"
#include "object/json_node.h"

namespace duet::cluster {
namespace {

constexpr const char* kJsonType = "application/json";

const char* patch_content_type(PatchType type) {
  switch (type) {
    case PatchType::kMerge:
      return "application/merge-patch+json";
    case PatchType::kJson:
      return "application/json-patch+json";
    case PatchType::kStrategic:
      break;
  }
  return "application/strategic-merge-patch+json";
}

// Seconds of Retry-After (RFC 9110 section 10.2.3); API servers send no dates.
std::optional<std::int64_t> retry_after_of(const net::FieldList& fields) {
  const std::string_view text = net::find_value(fields, "retry-after");
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  constexpr std::int64_t kMost = 24LL * 60 * 60;
  if (error != std::errc() || end != text.data() + text.size() || seconds < 0) {
    return std::nullopt;
  }
  return std::min(seconds, kMost) * 1000;
}

bool asks_to_come_back(int status) { return status == 429 || status == 503; }

}  // namespace

bool pause_for(const std::stop_token& stop, std::int64_t ms) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock lock(mutex);
  condition.wait_for(lock, stop, std::chrono::milliseconds(ms), [] { return false; });
  return !stop.stop_requested();
}

ApiClient::ApiClient(const CurrentAccess& access, const sys::Clock& clock, sys::Random& random,
                     std::stop_token stop, ApiOptions options)
    : access_(access),
      clock_(clock),
      random_(random),
      stop_(std::move(stop)),
      options_(options),
      tls_(clock, {}) {}

Result<Json> ApiClient::get(const std::string& path, const Query& query) {
  return call("GET", path, query);
}

Result<Json> ApiClient::create(const std::string& path, const Json& object) {
  return call("POST", path, {}, kJsonType, to_text(object));
}

Result<Json> ApiClient::replace(const std::string& path, const Json& object) {
  return call("PUT", path, {}, kJsonType, to_text(object));
}

Result<Json> ApiClient::patch(const std::string& path, PatchType type, const Json& patch) {
  return call("PATCH", path, {}, patch_content_type(type), to_text(patch));
}

Result<Json> ApiClient::remove(const std::string& path, const Json& options) {
  return call("DELETE", path, {}, kJsonType, options.is_null() ? "" : to_text(options));
}

Result<ApiList> ApiClient::list(const std::string& path, const Query& query) {
  ApiList all;
  std::string next;
  int pages = 0;
  do {
    if (++pages > options_.list_pages) {
      return Error(ErrorCode::kExhausted, path + ": the list has more than " +
                                              std::to_string(options_.list_pages) + " pages");
    }
    Query page = query;
    page.emplace_back("limit", std::to_string(options_.page_objects));
    if (!next.empty()) {
      page.emplace_back("continue", next);
    }
    DUET_ASSIGN(Json answer, get(path, page));
    Json& items = answer["items"];
    if (!items.is_array() && !items.is_null()) {
      return Error(ErrorCode::kCorrupt, path + ": the server's answer is no list");
    }
    if (all.items.size() + items.size() > options_.list_objects) {
      return Error(ErrorCode::kExhausted, path + ": the list has more than " +
                                              std::to_string(options_.list_objects) + " objects");
    }
    for (Json& item : items) {
      all.items.push_back(std::move(item));
    }
    all.resource_version = resource_version_of(answer);
    next = text_of(member(answer, "metadata"), "continue");
  } while (!next.empty());
  return all;
}

Result<std::unique_ptr<ApiWatch>> ApiClient::watch(const std::string& path, Query query,
                                                   const std::string& resource_version) {
  DUET_TRY(refresh_access());
  query.emplace_back("watch", "1");
  query.emplace_back("allowWatchBookmarks", "true");
  query.emplace_back("resourceVersion", resource_version);
  DUET_ASSIGN(auto connection, open(options_.watch_timeout_ms));
  const auto response = connection->http().send(request_of("GET", path, query));
  if (!response.ok()) {
    return explain(response.error());
  }
  if (response->status != 200) {
    const auto body = connection->http().read_whole_body(options_.answer_bytes);
    return api_error(response->status, body.value_or("")).wrap("watching " + path);
  }
  return std::unique_ptr<ApiWatch>(new ApiWatch(std::move(connection), options_.event_bytes));
}

// Takes over the authorities and the certificate of now, if they are others than before.
Status ApiClient::refresh_access() {
  auto access = access_.get();
  if (access == known_) {
    return {};
  }
  connection_.reset();
  tls_.set_authorities(access->endpoint.ca_pem);
  DUET_TRY(tls_.set_certificate(access->chain_pem, access->key_pem));
  known_ = std::move(access);
  return {};
}

Result<std::unique_ptr<ApiConnection>> ApiClient::open(std::int64_t timeout_ms) {
  auto opened = ApiConnection::open(known_->endpoint, tls_, timeout_ms, stop_);
  if (!opened.ok()) {
    return explain(opened.error());
  }
  return opened;
}

net::ClientRequest ApiClient::request_of(const std::string& method, const std::string& path,
                                         const Query& query) const {
  net::ClientRequest request{.method = method, .target = known_->endpoint.path + path};
  char separator = '?';
  for (const auto& [name, value] : query) {
    request.target += separator + name + "=" + net::percent_encode(value);
    separator = '&';
  }
  request.fields = {{"Accept", kJsonType}, {"User-Agent", "duet/" DUET_VERSION}};
  if (!known_->token.empty()) {
    request.fields.emplace_back("Authorization", "Bearer " + known_->token);
  }
  return request;
}

// One request, and again when the server asks for it: at once when it had closed the connection
// that was kept, later when it is too busy.
Result<Json> ApiClient::call(const std::string& method, const std::string& path, const Query& query,
                             const std::string& content_type, const std::string& body) {
  for (int attempt = 1;; ++attempt) {
    DUET_TRY(refresh_access());
    net::ClientRequest request = request_of(method, path, query);
    request.body = body;
    if (!content_type.empty()) {
      request.fields.emplace_back("Content-Type", content_type);
    }
    DUET_ASSIGN(const Answer answer, exchange(request));
    if (asks_to_come_back(answer.status) && answer.retry_after_ms && attempt < options_.attempts) {
      const std::int64_t least = std::min(*answer.retry_after_ms, options_.retry_after_ms);
      if (pause_for(stop_, least + random_below(random_, least / 2 + 1))) {
        continue;
      }
    }
    if (answer.status >= 400) {
      return api_error(answer.status, answer.body).wrap(method + " " + path);
    }
    auto json = object::parse_json(answer.body);
    if (!json.ok() || !json->is_object()) {
      return Error(ErrorCode::kCorrupt,
                   method + " " + path + ": the server's answer is no JSON object");
    }
    return json;
  }
}

Result<ApiClient::Answer> ApiClient::exchange(const net::ClientRequest& request) {
  for (;;) {
    const bool kept = connection_ != nullptr && connection_->used;
    if (!connection_) {
      DUET_ASSIGN(connection_, open(options_.timeout_ms));
    }
    auto answer = ask(request);
    if (answer.ok()) {
      return answer;
    }
    connection_.reset();
    // The server may close a connection that nobody uses just when a request is on its way.
    if (!kept || answer.error().code() != ErrorCode::kUnavailable || stop_.stop_requested()) {
      return explain(answer.error());
    }
  }
}

Result<ApiClient::Answer> ApiClient::ask(const net::ClientRequest& request) {
  net::HttpClient& http = connection_->http();
  DUET_ASSIGN(const auto response, http.send(request));
  auto body = http.read_whole_body(options_.answer_bytes);
  if (!body.ok()) {
    // Part of an answer came: it must not look like a connection that nobody used.
    return Error(
        body.error().code() == ErrorCode::kUnavailable ? ErrorCode::kCorrupt : body.error().code(),
        "the answer is not whole: " + body.error().message());
  }
  connection_->used = true;
  if (!response.keep_alive) {
    connection_.reset();
  }
  return Answer{response.status, std::move(*body), retry_after_of(response.fields)};
}

// What a person needs to mend it: which server, and for a certificate, what to look at.
Error ApiClient::explain(const Error& error) const {
  const std::string server = known_->endpoint.url();
  if (error.code() == ErrorCode::kPermission) {
    return Error(error.code(), "the certificate of " + server +
                                   " is not trusted: " + error.message() +
                                   "; look at the authority's file and at this machine's clock");
  }
  if (error.code() == ErrorCode::kInvalid) {
    return Error(ErrorCode::kCorrupt, server + ": " + error.message());
  }
  return error.wrap(server);
}

ApiWatch::ApiWatch(std::unique_ptr<ApiConnection> connection, std::size_t event_bytes)
    : connection_(std::move(connection)), event_bytes_(event_bytes) {}

// The next line; nothing: the stream ended.
Result<std::optional<std::string>> ApiWatch::next_line() {
  for (;;) {
    const std::size_t end = pending_.find('\n', searched_);
    if (end != std::string::npos) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      searched_ = 0;
      return std::optional(std::move(line));
    }
    searched_ = pending_.size();
    if (pending_.size() > event_bytes_) {
      return Error(ErrorCode::kCorrupt,
                   "an event has more than " + std::to_string(event_bytes_) + " bytes");
    }
    DUET_ASSIGN(const std::string_view piece, connection_->http().read_body());
    if (piece.empty()) {
      return std::optional<std::string>();
    }
    pending_ += piece;
  }
}

Result<std::optional<ApiWatch::Event>> ApiWatch::next() {
  DUET_ASSIGN(const auto line, next_line());
  if (!line) {
    return std::optional<Event>();
  }
  auto json = object::parse_json(*line);
  if (!json.ok() || !json->is_object() || !json->contains("object") ||
      !(*json)["object"].is_object()) {
    return Error(ErrorCode::kCorrupt, "the watch sent a line that is no event");
  }
  const Json& type = (*json)["type"];
  Json& object = (*json)["object"];
  if (type == "ERROR") {
    const auto code = object.find("code");
    const int status = code != object.end() && code->is_number_integer() ? code->get<int>() : 500;
    return api_error(status, to_text(object)).wrap("the watch ended");
  }
  for (const auto& [name, value] :
       {std::pair("ADDED", Type::kAdded), std::pair("MODIFIED", Type::kModified),
        std::pair("DELETED", Type::kDeleted), std::pair("BOOKMARK", Type::kBookmark)}) {
    if (type == name) {
      return std::optional(Event{value, std::move(object)});
    }
  }
  return Error(ErrorCode::kCorrupt, "the watch sent an event of an unknown type");
}

}  // namespace duet::cluster
