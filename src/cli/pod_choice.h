#pragma once

#include <string>
#include <vector>

#include "cli/api_client.h"

namespace duet::cli {

// The name of the pod that `word` means: POD, pod/POD, or a running one behind deploy/NAME or
// svc/NAME. kInvalid: it is none of these; kNotFound: it has no pods.
Result<std::string> choose_pod(ApiClient& api, const Invocation& invocation,
                               const std::string& word);

// The names of the containers of the pod at `path`, init containers first.
Result<std::vector<std::string>> containers_of(ApiClient& api, const std::string& path);

}  // namespace duet::cli
