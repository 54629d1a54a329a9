#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "object/object.h"

namespace duet::kubelet {

// What a path of the kubelet's API names behind its first segment: NAMESPACE/POD[/UID][/CONTAINER].
struct PodPath {
  object::ObjectKey pod;
  std::string uid;  // empty: whatever pod has the name
  std::string container;
};

// What stands in such a path, in this order, beside namespace and pod.
enum class PodPathForm {
  kContainer,       // /containerLogs/NS/POD/CONTAINER
  kUidOrContainer,  // /exec/NS/POD/[UID/]CONTAINER
  kUid,             // /portForward/NS/POD[/UID]
};

// `rest` begins behind the slash that ends the first segment, still percent-encoded. Nothing: it is
// not of this form. Pure.
std::optional<PodPath> parse_pod_path(std::string_view rest, PodPathForm form);

}  // namespace duet::kubelet
