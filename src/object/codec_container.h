#pragma once

#include "object/json_node.h"
#include "object/pod.h"

// Decoders of a container and of the security context that a pod has too; for codec_*.cc alone.
namespace duet::object {

void read_container(const JsonNode& node, Container& out);
void read_security_context(const JsonNode& node, SecurityContext& out);

}  // namespace duet::object
