#include "oci/helper_protocol.h"

#include <nlohmann/json.hpp>

#include "oci/digest.h"
#include "oci/json_reader.h"

namespace duet::oci {

namespace {

using nlohmann::json;

// Enumerations travel as numbers: both ends are one build.
template <typename Enum>
Result<Enum> enum_member(const json& object, const char* key, Enum last) {
  DUET_ASSIGN(const int64_t number, size_member(object, key));
  if (number > static_cast<int64_t>(last)) {
    return Error(ErrorCode::kCorrupt, std::string(key) + " is out of range");
  }
  return static_cast<Enum>(number);
}

template <typename Int>
Status read_number(const json& object, const char* key, Int& number) {
  DUET_ASSIGN(const int64_t value, size_member(object, key));
  number = static_cast<Int>(value);
  return {};
}

json fetch_json(const FetchRequest& fetch) {
  return {{"endpoint", fetch.endpoint},
          {"repository", fetch.repository},
          {"version", fetch.version},
          {"scheme", static_cast<int>(fetch.scheme)},
          {"wanted", static_cast<int>(fetch.wanted)},
          {"username", fetch.username},
          {"password", fetch.password},
          {"caPem", fetch.ca_pem},
          {"sizeLimitBytes", fetch.size_limit_bytes},
          {"connectTimeoutMs", fetch.connect_timeout_ms},
          {"stallTimeoutMs", fetch.stall_timeout_ms},
          {"attemptLimit", fetch.attempt_limit},
          {"backoffMs", fetch.backoff_ms}};
}

Result<FetchRequest> read_fetch(const json& object) {
  FetchRequest fetch;
  DUET_ASSIGN(fetch.endpoint, string_member(object, "endpoint"));
  DUET_ASSIGN(fetch.repository, string_member(object, "repository"));
  DUET_ASSIGN(fetch.version, string_member(object, "version"));
  DUET_ASSIGN(fetch.scheme, enum_member(object, "scheme", Scheme::kHttpsElseHttp));
  DUET_ASSIGN(fetch.wanted, enum_member(object, "wanted", Wanted::kWasm));
  DUET_ASSIGN(fetch.username, string_member(object, "username"));
  DUET_ASSIGN(fetch.password, string_member(object, "password"));
  DUET_ASSIGN(fetch.ca_pem, string_member(object, "caPem"));
  DUET_TRY(read_number(object, "sizeLimitBytes", fetch.size_limit_bytes));
  DUET_TRY(read_number(object, "connectTimeoutMs", fetch.connect_timeout_ms));
  DUET_TRY(read_number(object, "stallTimeoutMs", fetch.stall_timeout_ms));
  DUET_TRY(read_number(object, "attemptLimit", fetch.attempt_limit));
  DUET_TRY(read_number(object, "backoffMs", fetch.backoff_ms));
  return fetch;
}

Result<PullProgress> read_progress(const json& object) {
  PullProgress progress;
  DUET_TRY(read_number(object, "doneBytes", progress.done_bytes));
  DUET_TRY(read_number(object, "totalBytes", progress.total_bytes));
  DUET_TRY(read_number(object, "blobsDone", progress.blobs_done));
  DUET_TRY(read_number(object, "blobsTotal", progress.blobs_total));
  DUET_ASSIGN(progress.message, string_member(object, "message"));
  return progress;
}

Result<Descriptor> read_target(const json& object) {
  Descriptor target;
  DUET_ASSIGN(target.media_type, string_member(object, "mediaType"));
  DUET_ASSIGN(target.digest, string_member(object, "digest"));
  DUET_ASSIGN(target.size_bytes, size_member(object, "size"));
  if (!is_digest(target.digest)) {
    return Error(ErrorCode::kCorrupt, "target without digest");
  }
  return target;
}

}  // namespace

std::string encode_request(const HelperRequest& request) {
  json document = {{"uid", request.uid}, {"gid", request.gid}};
  if (request.fetch) {
    document["fetch"] = fetch_json(*request.fetch);
  }
  if (request.archive) {
    document["archive"] = {{"sizeLimitBytes", request.archive->size_limit_bytes}};
  }
  if (request.module) {
    document["module"] = {{"path", request.module->path},
                          {"sizeLimitBytes", request.module->size_limit_bytes}};
  }
  return dump_line(document);
}

Result<HelperRequest> decode_request(std::string_view text) {
  DUET_ASSIGN(const json document, parse_object(text));
  HelperRequest request;
  DUET_TRY(read_number(document, "uid", request.uid));
  DUET_TRY(read_number(document, "gid", request.gid));
  if (const json& fetch = member(document, "fetch"); fetch.is_object()) {
    DUET_ASSIGN(request.fetch, read_fetch(fetch));
  }
  if (const json& archive = member(document, "archive"); archive.is_object()) {
    request.archive.emplace();
    DUET_TRY(read_number(archive, "sizeLimitBytes", request.archive->size_limit_bytes));
  }
  if (const json& module = member(document, "module"); module.is_object()) {
    request.module.emplace();
    DUET_ASSIGN(request.module->path, string_member(module, "path"));
    DUET_TRY(read_number(module, "sizeLimitBytes", request.module->size_limit_bytes));
  }
  return request;
}

std::string encode_event(const HelperEvent& event) {
  json line = json::object();
  if (event.progress) {
    line["progress"] = {{"doneBytes", event.progress->done_bytes},
                        {"totalBytes", event.progress->total_bytes},
                        {"blobsDone", event.progress->blobs_done},
                        {"blobsTotal", event.progress->blobs_total},
                        {"message", event.progress->message}};
  }
  if (event.target) {
    line["target"] = {{"mediaType", event.target->media_type},
                      {"digest", event.target->digest},
                      {"size", event.target->size_bytes}};
  }
  if (event.answer) {
    line["answer"] = static_cast<int>(*event.answer);
  }
  if (event.done) {
    line["done"] = true;
  }
  if (event.error) {
    line["error"] = {{"code", static_cast<int>(event.error->code())},
                     {"message", event.error->message()}};
  }
  return dump_line(line) + "\n";
}

Result<HelperEvent> decode_event(std::string_view text) {
  DUET_ASSIGN(const json line, parse_object(text));
  HelperEvent event;
  if (const json& progress = member(line, "progress"); progress.is_object()) {
    DUET_ASSIGN(event.progress, read_progress(progress));
  }
  if (const json& target = member(line, "target"); target.is_object()) {
    DUET_ASSIGN(event.target, read_target(target));
  }
  if (!member(line, "answer").is_null()) {
    DUET_ASSIGN(event.answer, enum_member(line, "answer", LayerAnswer::kRemoved));
  }
  if (const json& error = member(line, "error"); error.is_object()) {
    DUET_ASSIGN(const ErrorCode code, enum_member(error, "code", ErrorCode::kInternal));
    DUET_ASSIGN(std::string message, string_member(error, "message"));
    event.error = Error(code, std::move(message));
  }
  event.done = member(line, "done").is_boolean();
  return event;
}

}  // namespace duet::oci
