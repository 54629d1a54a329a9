#pragma once

#include <string>

#include "base/result.h"
#include "cluster/access.h"

namespace duet::cluster {

// Reads the current context of a kubeconfig (kubectl's file, also a bootstrap one): server,
// authorities, and a token or a client certificate, each as data in the file or as a file beside
// it. kInvalid names file, line and field. kUnsupported: what would run programs (exec,
// auth-provider), passwords, and a server that is not verified.
Result<Access> read_kubeconfig(const std::string& path);

// The text of a kubeconfig with its data in it, for `read_kubeconfig` and kubectl alike. It holds
// the key: for files of mode 0600.
std::string write_kubeconfig(const Access& access, const std::string& user);

}  // namespace duet::cluster
