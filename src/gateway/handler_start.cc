#include "gateway/handler_start.h"

#include <charconv>

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

engine::RequestLimits engine_limits(const HandlerShared& shared) {
  const HandlerLimits& limits = shared.config.limits;
  const auto buffer_bytes = static_cast<std::uint64_t>(limits.buffer_bytes);
  return {.memory_bytes = static_cast<std::uint64_t>(limits.memory_bytes),
          .table_elements = static_cast<std::uint64_t>(limits.table_elements),
          .instance_limit = static_cast<std::uint32_t>(limits.instances),
          .resource_limit = static_cast<std::uint32_t>(limits.handles),
          .outgoing_limit = static_cast<std::uint32_t>(limits.outgoing_concurrent),
          .cpu_budget_ns = static_cast<std::uint64_t>(limits.cpu_ms * kNsPerMs),
          .request_body_bytes = buffer_bytes,
          .response_chunk_bytes = buffer_bytes,
          .header_bytes = static_cast<std::uint64_t>(limits.header_bytes),
          .log_bytes = static_cast<std::uint64_t>(limits.log_bytes),
          .computes_long = shared.conduct.goes_last()};
}

Result<engine::HandlerRequest> start_component(const HandlerShared& shared, const CallHead& head,
                                               std::uint64_t token) {
  std::vector<engine::Field> memory;
  memory.reserve(head.fields.size() + 2);
  std::span<const engine::Field> fields = engine_fields(head.fields, memory);
  char digits[20];
  if (head.framing == net::Framing::kLength) {
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), head.content_length);
    memory.push_back({"content-length", {digits, static_cast<std::size_t>(end - digits)}});
    fields = memory;
  }
  const engine::RequestHead request{
      .method = head.method,
      .scheme = head.scheme,
      .authority = head.authority.empty() ? std::string_view("localhost") : head.authority,
      .path_with_query = head.target,
      .headers = fields,
      .body_complete = head.framing == net::Framing::kNone};
  return shared.instances
             ? shared.instances->instances().start(request, engine_limits(shared), token)
             : engine::HandlerRequest::start(*shared.handler, request, engine_limits(shared),
                                             token);
}

Result<engine::HandlerRequest> start_command(const HandlerShared& shared, const CallHead& head,
                                             std::uint64_t token) {
  DUET_ASSIGN(const std::string environment, shared.cgi->of(head));
  return engine::HandlerRequest::start_command(
      *shared.handler,
      {.environment = environment, .body_complete = head.framing == net::Framing::kNone},
      engine_limits(shared), token);
}

}  // namespace

std::span<const engine::Field> engine_fields(std::span<const net::Field> fields,
                                             std::vector<engine::Field>& memory) {
  memory.clear();
  for (const net::Field& field : fields) {
    memory.push_back({field.name, field.value});
  }
  return memory;
}

Result<engine::HandlerRequest> start_request(const HandlerShared& shared, const CallHead& head,
                                             std::uint64_t token) {
  return shared.cgi ? start_command(shared, head, token) : start_component(shared, head, token);
}

}  // namespace duet::gateway
