#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gateway/exchange.h"

namespace duet::gateway {

// What a program that speaks CGI/1.1 (RFC 3875, section 4.1) and WAGI finds in its environment.
// Immutable.
//
// What a client sends never replaces what the gateway or the pod says: a field becomes HTTP_<NAME>
// only if its name has nothing but letters, digits and '-', and if the pod has no variable of that
// name. Proxy is no such field (HTTP_PROXY would lead the guest's own requests elsewhere), nor is
// Proxy-Authorization; Authorization is one only where the pod says so (section 4.1.18).
class CgiEnvironment {
 public:
  // `own`: the handler's variables. Those whose names CGI gives a meaning are left out.
  explicit CgiEnvironment(const std::vector<std::pair<std::string, std::string>>& own,
                          bool passes_authorization = false);

  // The environment of one request: "NAME=value" of each variable, each ended by a zero byte.
  // kInvalid: the path stands for a zero byte, or ends within an escape.
  Result<std::string> of(const CallHead& head) const;

 private:
  bool is_own(std::string_view name) const;
  bool is_hidden(std::string_view field) const;

  bool passes_authorization_;
  std::string own_;                      // as of() gives it
  std::vector<std::string> own_fields_;  // names of own variables that begin with HTTP_
};

}  // namespace duet::gateway
