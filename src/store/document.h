#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "object/object.h"
#include "sys/clock.h"

// What the store itself writes into the JSON of objects: identity, versions, deletion marks. Every
// other field passes through untouched, known or not. Pure functions, thread-safe.
namespace duet::store {

// What a new object gets.
struct Birth {
  std::string uid;
  int64_t version = 0;
  std::string timestamp;  // RFC 3339
};

// When the object was made, as its document says; nothing: it does not.
std::optional<std::string> creation_timestamp(const object::Object& object);

// A changed document, or the word that nothing changed.
struct Change {
  bool changed = false;
  std::string json;
};

// kInvalid unless `object.json` is a JSON object of its key's kind, name and namespace, of sane
// depth and size.
Status check_document(const object::Object& object, size_t size_bytes);

// The document of a new object: without status and deletion marks, with what `birth` says.
Result<std::string> born_document(const object::Object& object, const Birth& birth);

// `stored` replaced by `next` as Store::update says. kConflict when next names another uid.
Result<Change> replaced_document(const object::Object& stored, const object::Object& next,
                                 int64_t version);

// `stored` with another `status`, which must be a JSON object.
Result<Change> status_document(const object::Object& stored, const std::string& status_json,
                               int64_t version);

// `stored` marked as being deleted since `now`. A mark that is there already is only ever brought
// nearer.
Result<Change> marked_document(const object::Object& stored, sys::WallTime now,
                               int64_t grace_period_seconds, int64_t version);

// `stored` as it left, for the watchers.
Result<std::string> gone_document(const object::Object& stored, int64_t version);

bool is_marked(const object::Object& stored);

// spec.terminationGracePeriodSeconds of a Pod, or Kubernetes' default of 30 s.
int64_t pod_grace_period_seconds(const object::Object& pod);

// A Kubernetes Event about `about`.
struct EventText {
  std::string name;  // of the Event; the same for equal events
  std::string type;
  std::string reason;
  std::string message;
};
EventText event_text(const object::ObjectKey& about, const std::string& uid,
                     const std::string& type, const std::string& reason,
                     const std::string& message);
std::string new_event_document(const EventText& text, const object::ObjectKey& about,
                               const std::string& about_uid, const std::string& event_namespace,
                               const Birth& birth);
// `stored`, seen once more.
Result<std::string> repeated_event_document(const object::Object& stored,
                                            const std::string& timestamp, int64_t version);

}  // namespace duet::store
