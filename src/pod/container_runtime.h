#pragma once

#include "container/bundle.h"
#include "container/oci_runtime.h"
#include "pod/runtime.h"
#include "sys/cgroup.h"

namespace duet::pod {

// Containers: an overlay over the image's layers, an OCI bundle, an OCI runtime. What it is given
// must outlive it.
class ContainerRuntime final : public Runtime {
 public:
  ContainerRuntime(const container::OciRuntime& oci, const container::BundleHost& host,
                   const sys::Cgroups& cgroups)
      : oci_(oci), host_(host), cgroups_(cgroups) {}

  Result<monitor::ChildState> start(const StartRequest& request) override;
  Status remove(const PodPaths& paths, const std::string& container,
                const std::string& id) override;
  Result<monitor::ExecStart> exec(const ExecRequest& request) override;

 private:
  const container::OciRuntime& oci_;
  const container::BundleHost& host_;
  const sys::Cgroups& cgroups_;
};

}  // namespace duet::pod
