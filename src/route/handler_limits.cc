#include "route/handler_limits.h"

#include <array>
#include <variant>

#include "object/annotations.h"
#include "route/annotation_value.h"

namespace duet::route {

namespace {

using Limits = gateway::HandlerLimits;

struct Budget {
  std::string_view annotation;
  std::variant<std::int64_t Limits::*, std::int32_t Limits::*> member;
};

constexpr std::array kBudgets = {
    Budget{"cpu-time", &Limits::cpu_ms},
    Budget{"first-byte-timeout", &Limits::first_byte_ms},
    Budget{"timeout", &Limits::wall_ms},
    Budget{"max-table-elements", &Limits::table_elements},
    Budget{"max-instances", &Limits::instances},
    Budget{"max-handles", &Limits::handles},
    Budget{"max-header-bytes", &Limits::header_bytes},
    Budget{"max-buffer-bytes", &Limits::buffer_bytes},
    Budget{"max-response-bytes", &Limits::response_bytes},
    Budget{"max-log-bytes", &Limits::log_bytes},
    Budget{"max-in-flight", &Limits::in_flight},
    Budget{"max-outgoing", &Limits::outgoing},
    Budget{"max-outgoing-concurrent", &Limits::outgoing_concurrent},
    Budget{"max-outgoing-bytes", &Limits::outgoing_bytes},
    Budget{"outgoing-timeout", &Limits::outgoing_ms},
};

void read_budget(const Budget& budget, const object::StringMap& annotations,
                 HandlerPolicy& policy) {
  std::visit(
      [&](auto member) {
        auto& into = policy.limits.*member;
        std::int64_t value = into;
        read_annotation(annotations, budget.annotation, value, policy.problems);
        into = static_cast<std::remove_reference_t<decltype(into)>>(value);
      },
      budget.member);
}

void read_outbound(const object::StringMap& annotations, HandlerPolicy& policy) {
  constexpr std::string_view kName = "allow-outbound";
  const std::string* text = find_annotation_text(annotations, kName);
  if (text == nullptr) {
    return;
  }
  const auto targets = object::parse_outbound(*text);
  if (!targets.ok()) {
    policy.problems.push_back(annotation_problem(kName, *text, targets.error()));
    return;
  }
  for (const object::OutboundTarget& target : *targets) {
    policy.allow_outbound.push_back({target.scheme, target.host, target.port});
  }
}

void read_resources(const object::Resources& resources, HandlerPolicy& policy) {
  if (resources.memory_limit_bytes) {
    policy.limits.memory_bytes = *resources.memory_limit_bytes;
    if (policy.limits.memory_bytes > kSandboxMemoryBytes) {
      policy.limits.memory_bytes = kSandboxMemoryBytes;
      policy.problems.push_back(
          "resources.limits.memory: a handler's sandbox has at most " +
          object::annotation_text(object::AnnotationType::kBytes, kSandboxMemoryBytes) +
          ", and that holds");
    }
  }
  if (resources.cpu_limit_millis) {
    policy.problems.push_back(
        "resources.limits.cpu: without effect on a handler; duet.edge/cpu-time bounds the CPU time "
        "of each request");
  }
}

}  // namespace

HandlerPolicy handler_policy(const object::Resources& resources,
                             const object::StringMap& annotations) {
  HandlerPolicy policy;
  read_resources(resources, policy);
  for (const Budget& budget : kBudgets) {
    read_budget(budget, annotations, policy);
  }
  read_outbound(annotations, policy);
  const std::string* passing = find_annotation_text(annotations, object::kAuthorizationAnnotation);
  policy.passes_authorization = passing != nullptr && *passing == object::kPass;
  return policy;
}

}  // namespace duet::route
