#include "api/failure.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "api/resource_path.h"
#include "object/kind.h"

namespace duet::api {
namespace {

using Json = nlohmann::json;

struct CodeAnswer {
  ErrorCode code;
  int http_status;
  const char* reason;
};

constexpr CodeAnswer kAnswers[] = {
    {ErrorCode::kInvalid, 400, "BadRequest"},
    {ErrorCode::kNotFound, 404, "NotFound"},
    {ErrorCode::kAlreadyExists, 409, "AlreadyExists"},
    {ErrorCode::kConflict, 409, "Conflict"},
    {ErrorCode::kUnavailable, 503, "ServiceUnavailable"},
    {ErrorCode::kPermission, 403, "Forbidden"},
    {ErrorCode::kExhausted, 429, "TooManyRequests"},
    {ErrorCode::kTimeout, 504, "Timeout"},
    {ErrorCode::kCorrupt, 500, "InternalError"},
    {ErrorCode::kUnsupported, 400, "BadRequest"},
    {ErrorCode::kInternal, 500, "InternalError"},
};

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string named(const object::ObjectKey& about) {
  return qualified_resource(about.kind) + " \"" + about.name + "\"";
}

std::string text_at(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

int exit_code_in(const Json& status) {
  const auto details = status.find("details");
  if (details == status.end() || !details->is_object() || !details->contains("causes") ||
      !(*details)["causes"].is_array()) {
    return -1;
  }
  for (const Json& cause : (*details)["causes"]) {
    if (!cause.is_object() || text_at(cause, "reason") != "ExitCode") {
      continue;
    }
    const std::string text = text_at(cause, "message");
    int code = -1;
    std::from_chars(text.data(), text.data() + text.size(), code);
    return code;
  }
  return -1;
}

}  // namespace

std::string Failure::to_json() const {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", message}, {"reason", reason},
                 {"code", http_status}};
  Json details = Json::object();
  if (!name.empty()) {
    details["name"] = name;
  }
  if (!kind.empty()) {
    details["kind"] = kind;
  }
  for (const Cause& cause : causes) {
    Json one = {{"reason", cause.reason}, {"message", cause.message}};
    if (!cause.field.empty()) {
      one["field"] = cause.field;
    }
    details["causes"].push_back(std::move(one));
  }
  if (!details.empty()) {
    status["details"] = std::move(details);
  }
  return dump(status);
}

Failure failure_of(const Error& error) {
  for (const CodeAnswer& answer : kAnswers) {
    if (answer.code == error.code()) {
      return {
          .http_status = answer.http_status, .reason = answer.reason, .message = error.message()};
    }
  }
  return {.reason = "InternalError", .message = error.message()};
}

Failure failure_of(const Error& error, const object::ObjectKey& about) {
  Failure out = failure_of(error);
  out.kind = std::string(object::kind_info(about.kind).plural);
  out.name = about.name;
  switch (error.code()) {
    case ErrorCode::kNotFound:
      out.message = named(about) + " not found";
      break;
    case ErrorCode::kAlreadyExists:
      out.message = named(about) + " already exists";
      break;
    case ErrorCode::kConflict:
      out.message = "Operation cannot be fulfilled on " + named(about) + ": " + error.message();
      break;
    case ErrorCode::kInvalid:
      out.http_status = 422;
      out.reason = "Invalid";
      break;
    default:
      break;
  }
  return out;
}

Failure bad_request(std::string message) {
  return {.http_status = 400, .reason = "BadRequest", .message = std::move(message)};
}

Failure invalid_object(const object::ObjectKey& about,
                       const std::vector<object::Problem>& problems) {
  Failure out{.http_status = 422,
              .reason = "Invalid",
              .kind = std::string(object::kind_info(about.kind).plural),
              .name = about.name};
  for (const object::Problem& problem : problems) {
    if (problem.severity != object::Problem::Severity::kError) {
      continue;
    }
    out.causes.push_back({"FieldValueInvalid", problem.message, problem.field});
    const std::string text =
        problem.field.empty() ? problem.message : problem.field + ": " + problem.message;
    out.message += (out.message.empty() ? "" : ", ") + text;
  }
  const std::string subject = about.name.empty() ? std::string(object::kind_info(about.kind).name)
                                                 : std::string(object::kind_info(about.kind).name) +
                                                       " \"" + about.name + "\"";
  out.message = subject + " is invalid: " + out.message;
  return out;
}

std::string success_json(const object::ObjectKey& about, const std::string& uid) {
  return dump(
      {{"kind", "Status"},
       {"apiVersion", "v1"},
       {"metadata", Json::object()},
       {"status", "Success"},
       {"details",
        {{"name", about.name}, {"kind", object::kind_info(about.kind).plural}, {"uid", uid}}}});
}

StatusText parse_status(const std::string& json) {
  const Json status = Json::parse(json, nullptr, false);
  if (!status.is_object() || text_at(status, "kind") != "Status") {
    return {};
  }
  StatusText out{.status = text_at(status, "status"),
                 .reason = text_at(status, "reason"),
                 .message = text_at(status, "message"),
                 .exit_code = exit_code_in(status)};
  if (const auto code = status.find("code"); code != status.end() && code->is_number_integer()) {
    out.code = code->get<int>();
  }
  return out;
}

}  // namespace duet::api
