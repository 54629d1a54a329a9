#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace duet::kubelet {

// What a request to the kubelet's API is to the cluster's authorizers: a verb on a subresource of
// this Node.
struct RequestAttributes {
  std::string verb;                       // get, create, ...; empty: a method without one
  std::vector<std::string> subresources;  // the right to one of them is enough
};

// As Kubernetes maps them ("Kubelet authentication/authorization" of its documentation): /pods and
// /healthz are resources of their own since KubeletFineGrainedAuthz, and still part of "proxy" for
// those who have rights from before. `path` is without query. Pure.
RequestAttributes attributes_of(std::string_view method, std::string_view path);

}  // namespace duet::kubelet
