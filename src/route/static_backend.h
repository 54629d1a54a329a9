#pragma once

#include <optional>
#include <string>

#include "gateway/config.h"
#include "object/kinds.h"
#include "route/table_builder.h"

namespace duet::route {

struct StaticBackendOfService {
  gateway::BackendConfig backend;
  std::string problem;  // why it cannot serve, a sentence; empty: it can
};

// The backend of a Service whose annotations (duet.edge/static-files, duet.edge/static-configmap)
// say that files answer for it; nothing: they do not. Where the files are missing it answers 503.
// Pure.
std::optional<StaticBackendOfService> find_static_backend(const object::Service& service,
                                                          const SiteObjects& site);

}  // namespace duet::route
