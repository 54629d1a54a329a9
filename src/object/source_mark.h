#pragma once

#include <string_view>

namespace duet::object {

// The annotation that says which source wrote an object into the store: set by the source, not for
// manifests.
inline constexpr const char* kSourceAnnotation = "duet.edge/source";
inline constexpr std::string_view kClusterSource = "cluster";

}  // namespace duet::object
