#include "object/marked_node.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace duet::object {

using nlohmann::json;
using Type = MarkedNode::Type;

const MarkedNode* MarkedNode::find(std::string_view key) const {
  for (const Member& member : members) {
    if (member.key == key) {
      return member.value.is(Type::kNull) ? nullptr : &member.value;
    }
  }
  return nullptr;
}

bool MarkedNode::is_zero() const {
  switch (type) {
    case Type::kNull:
      return true;
    case Type::kBool:
      return !boolean;
    case Type::kInteger:
      return integer == 0;
    case Type::kNumber:
      return number == 0;
    case Type::kString:
      return text.empty();
    case Type::kList:
      return items.empty();
    case Type::kMap:
      return members.empty();
  }
  return false;
}

json to_json(const MarkedNode& node) {
  switch (node.type) {
    case Type::kNull:
      return nullptr;
    case Type::kBool:
      return node.boolean;
    case Type::kInteger:
      return node.integer;
    case Type::kNumber:
      return node.number;
    case Type::kString:
      return node.text;
    case Type::kList: {
      json list = json::array();
      for (const MarkedNode& item : node.items) {
        list.push_back(to_json(item));
      }
      return list;
    }
    case Type::kMap: {
      json map = json::object();
      for (const MarkedNode::Member& member : node.members) {
        map[member.key] = to_json(member.value);
      }
      return map;
    }
  }
  return nullptr;
}

namespace {

MarkedNode from_number(const json& value) {
  MarkedNode out;
  out.text = value.dump();
  const bool fits =
      value.is_number_integer() &&
      (!value.is_number_unsigned() ||
       value.get<uint64_t>() <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()));
  out.type = fits ? Type::kInteger : Type::kNumber;
  out.integer = fits ? value.get<int64_t>() : 0;
  out.number = value.get<double>();
  return out;
}

}  // namespace

MarkedNode from_json(const json& value) {
  MarkedNode out;
  switch (value.type()) {
    case json::value_t::boolean:
      out.type = Type::kBool;
      out.boolean = value.get<bool>();
      out.text = out.boolean ? "true" : "false";
      break;
    case json::value_t::string:
      out.type = Type::kString;
      out.text = value.get_ref<const std::string&>();
      break;
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
      return from_number(value);
    case json::value_t::array:
      out.type = Type::kList;
      for (const json& item : value) {
        out.items.push_back(from_json(item));
      }
      break;
    case json::value_t::object:
      out.type = Type::kMap;
      for (const auto& [key, item] : value.items()) {
        out.members.push_back({key, {}, from_json(item)});
      }
      break;
    default:
      break;
  }
  return out;
}

}  // namespace duet::object
