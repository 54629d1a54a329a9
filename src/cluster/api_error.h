#pragma once

#include <string_view>

#include "base/result.h"

namespace duet::cluster {

// The error of an answer with `status` (400 or more), in the words of the Status object that is its
// body, if it is one (Kubernetes API conventions, "Response Status Kind"). Codes:
//   400, 422 kInvalid; 401, 403 kPermission; 404 kNotFound; 409 kConflict, or kAlreadyExists;
//   410 kExhausted: list anew; 429, 5xx kUnavailable; others kUnsupported.
Error api_error(int status, std::string_view body);

// Whether sending it again would change nothing: the server will not have it.
bool is_refusal(const Error& error);

// Whether a change of an object came too late, or is wrong: it is gone, or another one by now,
// which a watch will say.
bool is_moot(const Error& error);

}  // namespace duet::cluster
