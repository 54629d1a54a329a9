#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace duet::object {

// A place in a text; both count from 1, columns in characters; 0: not known.
struct Mark {
  int line = 0;
  int column = 0;
};

// A JSON value that knows where in a manifest it stands. Members keep the order of the text and
// their keys differ.
struct MarkedNode {
  enum class Type { kNull, kBool, kInteger, kNumber, kString, kList, kMap };
  struct Member;

  Type type = Type::kNull;
  Mark mark;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;  // a string's value; of other scalars, how they are written
  std::vector<MarkedNode> items;
  std::vector<Member> members;

  // The member's value; nullptr when there is none, when it is null and when this is no map.
  const MarkedNode* find(std::string_view key) const;
  bool is(Type other) const { return type == other; }
  bool is_scalar() const { return type != Type::kList && type != Type::kMap; }
  // false, 0, "", an empty list or map: what the Kubernetes API takes as "not given".
  bool is_zero() const;
};

struct MarkedNode::Member {
  std::string key;
  Mark mark;
  MarkedNode value;
};

nlohmann::json to_json(const MarkedNode& node);
// The same values without marks. The depth of `value` must be bounded (see parse_json).
MarkedNode from_json(const nlohmann::json& value);

}  // namespace duet::object
