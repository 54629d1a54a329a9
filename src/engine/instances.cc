#include "engine/instances.h"

#include <utility>

#include "engine/duet_engine.h"
#include "engine/error_from.h"
#include "engine/raw_request.h"

namespace duet::engine {

Result<Instances> Instances::create(const Handler& handler, const Reuse& reuse,
                                    std::uint64_t token) {
  const duet_reuse raw{reuse.requests, reuse.concurrency, reuse.idle_limit, reuse.idle_ns};
  duet_instances* instances = nullptr;
  duet_error error{};
  if (duet_instances_new(handler.raw(), &raw, token, &instances, &error) != DUET_OK) {
    return take_error(error).wrap("sandboxes that are used again");
  }
  return Instances(instances);
}

Instances::~Instances() {
  if (instances_ != nullptr) {
    duet_instances_free(instances_);
  }
}

Instances::Instances(Instances&& other) noexcept
    : instances_(std::exchange(other.instances_, nullptr)) {}

Instances& Instances::operator=(Instances&& other) noexcept {
  std::swap(instances_, other.instances_);
  return *this;
}

Result<HandlerRequest> Instances::start(const RequestHead& head, const RequestLimits& limits,
                                        std::uint64_t token) {
  const RawHead raw(head);
  const duet_limits raw_limits = to_raw(limits);
  duet_request* request = nullptr;
  duet_error error{};
  if (duet_instances_start(instances_, &raw.get(), &raw_limits, token, &request, &error) !=
      DUET_OK) {
    return take_error(error);
  }
  return HandlerRequest(request);
}

void Instances::tidy() { duet_instances_tidy(instances_); }

std::size_t Instances::count() const { return duet_instances_count(instances_); }

}  // namespace duet::engine
