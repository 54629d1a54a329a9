#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace duet::api {

// labelSelector and fieldSelector of the Kubernetes API: which objects a list or watch is about.
// Immutable.
class Selector {
 public:
  // `labels`: a=b, a==b, a!=b, a in (b,c), a notin (b,c), a, !a, joined by commas. `fields`:
  // path=value, path!=value of any field (metadata.name, status.phase, involvedObject.uid).
  // kInvalid says what cannot be read.
  static Result<Selector> parse(std::string_view labels, std::string_view fields);

  bool matches_all() const { return labels_.empty() && fields_.empty(); }
  bool matches(const nlohmann::json& object) const;
  // As above for the object's text.
  bool matches(const std::string& object_json) const;

 private:
  struct Requirement {
    enum class Type { kIn, kNotIn, kExists, kNotExists };
    std::string key;
    Type type = Type::kExists;
    std::vector<std::string> values;
  };
  static Result<std::vector<Requirement>> parse_labels(std::string_view text);
  static Result<Requirement> parse_label(std::string_view text);
  static Result<std::vector<Requirement>> parse_fields(std::string_view text);
  static bool holds(const Requirement& requirement, const std::string* value);

  std::vector<Requirement> labels_;
  std::vector<Requirement> fields_;
};

}  // namespace duet::api
