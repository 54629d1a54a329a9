#pragma once

#include <string>

namespace duet::kubelet {

// A Node of this machine, for those who ask about it.
struct NodeView {
  std::string name;
  std::string measured_path;  // on the file system that pods fill
  // Whether the site's own pods are this Node's, as those that the cluster bound to it are.
  bool has_site_pods = true;
};

}  // namespace duet::kubelet
