#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace duet::api {

// "%41" and, if `plus_is_space`, "+" decoded; kInvalid for a bad escape or a NUL byte.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);

// The parameters of a URL (application/x-www-form-urlencoded), in order.
class Query {
 public:
  static Result<Query> parse(std::string_view text);

  bool has(std::string_view name) const;
  // The first value; empty if there is none.
  std::string get(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
  // As Kubernetes reads booleans: missing, "0" and "false" are false, everything else true.
  bool flag(std::string_view name) const;
  // None when missing or empty; kInvalid names the parameter.
  Result<std::optional<int64_t>> number(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace duet::api
