#pragma once

#include <string>
#include <utility>

#include "pod/runtime.h"

namespace duet::pod {

// Stands where this machine has no runtime: whoever wants one is told why.
class UnavailableRuntime final : public Runtime {
 public:
  explicit UnavailableRuntime(std::string why) : why_(std::move(why)) {}

  Result<monitor::ChildState> start(const StartRequest&) override { return error(); }
  Status remove(const PodPaths&, const std::string&, const std::string&) override { return {}; }
  Result<monitor::ExecStart> exec(const ExecRequest&) override { return error(); }

 private:
  Error error() const { return {ErrorCode::kUnavailable, why_}; }
  std::string why_;
};

}  // namespace duet::pod
