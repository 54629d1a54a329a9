#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "engine/instances.h"
#include "gateway/config.h"
#include "gateway/sandbox_engine.h"

namespace duet::gateway {

// The sandboxes of one handler that answer several requests, on the worker's engine. Lives on the
// worker's thread; outlives its requests, and the handler outlives it.
class InstancePool final : public SandboxUser {
 public:
  // kInvalid: the handler is of a kind whose sandboxes answer one request.
  static Result<std::unique_ptr<InstancePool>> create(const engine::Handler& handler,
                                                      const InstanceReuse& reuse);

  engine::Instances& instances() { return *instances_; }
  // Sandboxes have waited for too long.
  void on_sandbox_ready() override { instances_->tidy(); }

 private:
  InstancePool() = default;
  std::unique_ptr<engine::Instances> instances_;
};

}  // namespace duet::gateway
