#include "route/upstream_policy.h"

#include <cstdint>

#include "route/annotation_value.h"

namespace duet::route {

void read_upstream_policy(const object::StringMap& annotations, gateway::ProxyBackend& into,
                          std::vector<std::string>& problems) {
  read_annotation(annotations, "connect-timeout", into.connect_timeout_ms, problems);
  read_annotation(annotations, "idle-timeout", into.idle_timeout_ms, problems);
  std::int64_t retries = into.retry_limit;
  read_annotation(annotations, "max-retries", retries, problems);
  into.retry_limit = static_cast<std::int32_t>(retries);
  std::int64_t failures = into.failure_limit;
  read_annotation(annotations, "max-failures", failures, problems);
  into.failure_limit = static_cast<std::int32_t>(failures);
}

}  // namespace duet::route
