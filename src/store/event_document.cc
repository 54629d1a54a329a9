#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/fnv.h"
#include "object/kind.h"
#include "store/document.h"

// core/v1 Event, as `kubectl describe` reads it.
namespace duet::store {
namespace {

using Json = nlohmann::json;

constexpr size_t kMessageLimit = 1024;  // of the Kubernetes API
constexpr size_t kReasonLimit = 128;
constexpr size_t kNameLimit = 253;

// At most `limit` bytes, never half a character of UTF-8.
std::string shortened(const std::string& text, size_t limit) {
  if (text.size() <= limit) {
    return text;
  }
  size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return text.substr(0, end);
}

uint64_t hash_of(std::initializer_list<std::string_view> texts) {
  uint64_t hash = kFnvStart;
  for (const std::string_view text : texts) {
    hash = fnv1a("\xff", fnv1a(text, hash));  // no UTF-8 text holds this byte: a border
  }
  return hash;
}

}  // namespace

EventText event_text(const object::ObjectKey& about, const std::string& uid,
                     const std::string& type, const std::string& reason,
                     const std::string& message) {
  EventText text;
  text.type = type == "Warning" ? "Warning" : "Normal";
  text.reason = shortened(reason, kReasonLimit);
  text.message = shortened(message, kMessageLimit);
  char digits[17];
  std::snprintf(
      digits, sizeof digits, "%016llx",
      static_cast<unsigned long long>(hash_of({object::kind_info(about.kind).name, about.name, uid,
                                               text.type, text.reason, text.message})));
  text.name = about.name.substr(0, kNameLimit - 17) + "." + digits;
  return text;
}

std::string new_event_document(const EventText& text, const object::ObjectKey& about,
                               const std::string& about_uid, const std::string& event_namespace,
                               const Birth& birth) {
  const object::KindInfo& info = object::kind_info(about.kind);
  Json involved = {{"apiVersion", info.api_version}, {"kind", info.name}, {"name", about.name}};
  if (!about.ns.empty()) {
    involved["namespace"] = about.ns;
  }
  if (!about_uid.empty()) {
    involved["uid"] = about_uid;
  }
  const Json json = {{"apiVersion", "v1"},
                     {"kind", "Event"},
                     {"metadata",
                      {{"name", text.name},
                       {"namespace", event_namespace},
                       {"uid", birth.uid},
                       {"resourceVersion", std::to_string(birth.version)},
                       {"creationTimestamp", birth.timestamp}}},
                     {"involvedObject", std::move(involved)},
                     {"type", text.type},
                     {"reason", text.reason},
                     {"message", text.message},
                     {"count", 1},
                     {"firstTimestamp", birth.timestamp},
                     {"lastTimestamp", birth.timestamp},
                     {"source", {{"component", "duet"}}},
                     {"reportingComponent", "duet"},
                     {"reportingInstance", ""}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> repeated_event_document(const object::Object& stored,
                                            const std::string& timestamp, int64_t version) {
  Json json = Json::parse(stored.json, nullptr, false);
  if (!json.is_object() || !json["metadata"].is_object()) {
    return Error(ErrorCode::kCorrupt,
                 object::describe(stored.key) + ": what the store holds is not an object");
  }
  const auto count = json.find("count");
  json["count"] =
      (count != json.end() && count->is_number_integer() ? count->get<int64_t>() : 1) + 1;
  json["lastTimestamp"] = timestamp;
  json["metadata"]["resourceVersion"] = std::to_string(version);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace duet::store
