#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/invocation.h"
#include "oci/image.h"
#include "sys/fd.h"
#include "wasm/code_cache.h"

namespace duet::cli {

// What `run` and `serve` are asked to start: a file, or an image by name.
struct Workload {
  std::string name;                 // for people and as argv[0]
  sys::Fd module;                   // valid: a WebAssembly module, at offset 0
  std::string digest;               // of the module
  std::optional<oci::Image> image;  // none: a file
};

// `word` is a file if there is one of that name, else an image, which is pulled if it is not here.
Result<Workload> find_workload(const Invocation& invocation, const std::string& word);

// This user's cache of compiled code; `clock` outlives it.
Result<std::unique_ptr<wasm::CodeCache>> open_code_cache(const Invocation& invocation,
                                                         const sys::Clock& clock);

// The values of --env: K=V, or K alone for what this process's environment has.
Result<std::vector<std::pair<std::string, std::string>>> read_environment(
    const Invocation& invocation);

}  // namespace duet::cli
