#pragma once

#include <string_view>

#include "base/result.h"

namespace duet::cluster {

// The error of an answer with `status` (400 or more), in the words of the Status object that is its
// body, if it is one (Kubernetes API conventions, "Response Status Kind"). Codes:
//   400, 422 kInvalid; 401, 403 kPermission; 404 kNotFound; 409 kConflict, or kAlreadyExists;
//   410 kExhausted: list anew; 429, 5xx kUnavailable; others kUnsupported.
Error api_error(int status, std::string_view body);

}  // namespace duet::cluster
