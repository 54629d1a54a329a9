#pragma once

#include <sys/types.h>

#include <string>

// Where duet-pull is and as whom it runs. It does everything that touches foreign bytes beyond
// hashing and JSON: the network, tar archives, compressed layers.
namespace duet::oci {

struct Helper {
  std::string program;  // path of duet-pull; empty: beside the running executable
  // Used when the caller is root; the helper gives up everything else.
  uid_t uid = 65534;
  gid_t gid = 65534;
};

}  // namespace duet::oci
