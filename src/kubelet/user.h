#pragma once

#include <string>
#include <vector>

#include "cluster/json_field.h"

namespace duet::kubelet {

// Who asks, as Kubernetes' authenticators tell it (authentication.k8s.io/v1 UserInfo).
struct User {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  cluster::Json extra;  // an object of lists of texts, or null
};

}  // namespace duet::kubelet
