#include "gateway/instance_pool.h"

#include <utility>

namespace duet::gateway {

Result<std::unique_ptr<InstancePool>> InstancePool::create(const engine::Handler& handler,
                                                           const InstanceReuse& reuse) {
  std::unique_ptr<InstancePool> pool(new InstancePool());
  DUET_ASSIGN(
      engine::Instances instances,
      engine::Instances::create(handler,
                                {.requests = static_cast<std::uint32_t>(reuse.requests),
                                 .concurrency = static_cast<std::uint32_t>(reuse.concurrency)},
                                SandboxEngine::token(*pool)));
  pool->instances_ = std::make_unique<engine::Instances>(std::move(instances));
  return pool;
}

}  // namespace duet::gateway
