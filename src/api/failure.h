#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "object/manifest.h"
#include "object/object.h"

namespace duet::api {

// An answer that is no success: metav1.Status, as clients of the Kubernetes API understand it.
struct Failure {
  int http_status = 500;
  std::string reason;   // NotFound, AlreadyExists, Conflict, Expired, Invalid, BadRequest, ...
  std::string message;  // for a person
  std::string kind;     // of the object in question: its plural name; empty: none
  std::string name;
  struct Cause {
    std::string reason;  // FieldValueInvalid
    std::string message;
    std::string field;
  };
  std::vector<Cause> causes;

  // The Status as JSON.
  std::string to_json() const;
};

// What `error` is to a client. With the object that it was about, the sentences are Kubernetes'
// own: pods "x" not found.
Failure failure_of(const Error& error);
Failure failure_of(const Error& error, const object::ObjectKey& about);

Failure bad_request(std::string message);
// 422 with one cause a field.
Failure invalid_object(const object::ObjectKey& about,
                       const std::vector<object::Problem>& problems);

// A Status that says Success about the object.
std::string success_json(const object::ObjectKey& about, const std::string& uid);

// The sentence of a Status document and its reason, for clients; nothing if `json` is none.
struct StatusText {
  std::string status;  // Success, Failure
  std::string reason;
  std::string message;
  int code = 0;
  int exit_code = -1;  // of a command that failed (details.causes, reason ExitCode); -1: none
};
StatusText parse_status(const std::string& json);

}  // namespace duet::api
