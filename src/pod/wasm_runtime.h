#pragma once

#include <string>

#include "pod/runtime.h"
#include "sys/cgroup.h"
#include "wasm/code_cache.h"

namespace duet::pod {

// Wasm programs: each in a sandbox process of its own. What it is given must outlive it.
class WasmRuntime final : public Runtime {
 public:
  // `cgroups` is null for an agent that may not make them; memory is then bounded by the engine
  // alone.
  WasmRuntime(std::string sandbox_executable, wasm::CodeCache& cache, const sys::Cgroups* cgroups)
      : executable_(std::move(sandbox_executable)), cache_(cache), cgroups_(cgroups) {}

  Result<monitor::ChildState> start(const StartRequest& request) override;
  Status remove(const PodPaths& paths, const std::string& container,
                const std::string& id) override;
  Result<monitor::ExecStart> exec(const ExecRequest& request) override;

 private:
  std::string executable_;
  wasm::CodeCache& cache_;
  const sys::Cgroups* cgroups_;
};

// What a Wasm program or handler gets as its arguments: by Kubernetes' rules of command and args;
// argv[0] is the container's name when neither the pod nor the image gives a command.
std::vector<std::string> wasm_argv(const object::Container& container,
                                   const oci::ImageConfig& image, const Environment& environment);

// The image's environment with the container's over it.
Environment wasm_environment(const oci::ImageConfig& image, const Environment& environment);

}  // namespace duet::pod
