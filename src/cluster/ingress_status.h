#pragma once

#include <optional>
#include <string>

#include "cluster/json_field.h"

namespace duet::cluster {

// The merge patch that makes `ingress` say that it is answered at `address` and nowhere else, an IP
// address or a host name; nothing: it says so. Pure.
std::optional<Json> ingress_status_patch(const Json& ingress, const std::string& address);

}  // namespace duet::cluster
