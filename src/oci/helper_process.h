#pragma once

#include <functional>
#include <stop_token>

#include "oci/helper.h"
#include "oci/helper_protocol.h"

namespace duet::oci {

// One run of duet-pull: `request` for the verb, the two open files of the protocol, and how long it
// may take. `on_progress` is called on this thread. Returns the helper's last event, which is never
// an error. The helper is dead when this returns. kUnavailable: stopped; kTimeout.
Result<HelperEvent> run_helper(const Helper& helper, HelperRequest request, int output_fd,
                               int input_fd, int64_t timeout_ms,
                               const std::function<void(const PullProgress&)>& on_progress = {},
                               const std::stop_token& stop = {});

}  // namespace duet::oci
