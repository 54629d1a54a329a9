#include "object/json_node.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/quantity.h"

namespace duet::object {

using nlohmann::json;

namespace {

// The nesting of brackets, without building anything.
size_t depth_of(std::string_view text) {
  size_t depth = 0;
  size_t deepest = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      i += c == '\\' ? 1 : 0;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

const json* absent_if_null(const json* value) {
  return value == nullptr || value->is_null() ? nullptr : value;
}

}  // namespace

Result<json> parse_json(std::string_view text) {
  if (depth_of(text) > kJsonDepthLimit) {
    return invalid("JSON is nested deeper than " + std::to_string(kJsonDepthLimit) + " levels");
  }
  json value = json::parse(text, nullptr, false);
  if (value.is_discarded()) {
    return invalid("not JSON");
  }
  return value;
}

std::string describe_json_type(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return "a string";
    case json::value_t::boolean:
      return "a boolean";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
      return "an integer";
    case json::value_t::number_float:
      return "a number";
    default:
      return "an unknown value";
  }
}

JsonNode::JsonNode(const json& value, std::string path, std::optional<Error>& failure)
    : value_(absent_if_null(&value)), path_(std::move(path)), failure_(&failure) {}

JsonNode JsonNode::operator[](std::string_view member) const {
  std::string path = path_.empty() ? std::string(member) : path_ + "." + std::string(member);
  if (value_ == nullptr) {
    return {nullptr, std::move(path), failure_};
  }
  if (!value_->is_object()) {
    expected("an object");
    return {nullptr, std::move(path), failure_};
  }
  const auto found = value_->find(member);
  return {absent_if_null(found == value_->end() ? nullptr : &*found), std::move(path), failure_};
}

JsonNode JsonNode::item(size_t index) const {
  return {&(*value_)[index], path_ + "[" + std::to_string(index) + "]", failure_};
}

bool JsonNode::is_string() const { return value_ != nullptr && value_->is_string(); }

void JsonNode::fail(const std::string& message, ErrorCode code) const {
  if (!failure_->has_value()) {
    *failure_ = Error(code, path_.empty() ? message : path_ + ": " + message);
  }
}

void JsonNode::expected(std::string_view what) const {
  fail("expected " + std::string(what) + ", found " + describe_json_type(*value_));
}

bool JsonNode::check_object() const {
  if (value_ != nullptr && !value_->is_object()) {
    expected("an object");
    return false;
  }
  return value_ != nullptr;
}

void JsonNode::read(std::string& out) const {
  if (value_ == nullptr) {
    return;
  }
  if (!value_->is_string()) {
    return expected("a string");
  }
  out = value_->get_ref<const std::string&>();
}

void JsonNode::read(bool& out) const {
  if (value_ == nullptr) {
    return;
  }
  if (!value_->is_boolean()) {
    return expected("true or false");
  }
  out = value_->get<bool>();
}

void JsonNode::read(int64_t& out) const {
  if (value_ == nullptr) {
    return;
  }
  if (!value_->is_number_integer()) {
    return expected("an integer");
  }
  if (value_->is_number_unsigned() &&
      value_->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return fail("the integer is too large");
  }
  out = value_->get<int64_t>();
}

void JsonNode::read(int& out) const {
  int64_t wide = out;
  read(wide);
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    return fail("the integer does not fit 32 bits");
  }
  out = static_cast<int>(wide);
}

void JsonNode::read(std::optional<bool>& out) const {
  if (value_ != nullptr) {
    read(out.emplace());
  }
}

void JsonNode::read(std::optional<int>& out) const {
  if (value_ != nullptr) {
    read(out.emplace());
  }
}

void JsonNode::read(std::optional<int64_t>& out) const {
  if (value_ != nullptr) {
    read(out.emplace());
  }
}

void JsonNode::each(const std::function<void(const JsonNode&)>& visit) const {
  if (value_ == nullptr) {
    return;
  }
  if (!value_->is_array()) {
    return expected("a list");
  }
  for (size_t i = 0; i < value_->size(); ++i) {
    visit(item(i));
  }
}

void JsonNode::read(std::vector<std::string>& out) const {
  each([&](const JsonNode& node) {
    node.is_string() ? node.read(out.emplace_back()) : node.expected("a string");
  });
}

void JsonNode::read(std::vector<int64_t>& out) const {
  each([&](const JsonNode& node) { node.read(out.emplace_back()); });
}

void JsonNode::read(StringMap& out) const {
  if (!check_object()) {
    return;
  }
  for (const auto& [key, unused] : value_->items()) {
    (*this)[key].read(out[key]);
  }
}

void JsonNode::read_int_or_string(std::string& out) const {
  if (value_ == nullptr || value_->is_string()) {
    return read(out);
  }
  if (!value_->is_number_integer()) {
    return expected("an integer or a string");
  }
  int number = 0;
  read(number);
  out = std::to_string(number);
}

void JsonNode::read_quantity(Result<int64_t> (*parse)(std::string_view),
                             std::optional<int64_t>& out) const {
  if (value_ == nullptr) {
    return;
  }
  if (!value_->is_string() && !value_->is_number()) {
    return expected("a quantity");
  }
  auto parsed = parse(value_->is_string() ? value_->get_ref<const std::string&>() : value_->dump());
  if (!parsed.ok()) {
    return fail(parsed.error().message());
  }
  out = *parsed;
}

void JsonNode::read_millis(std::optional<int64_t>& out) const {
  read_quantity(parse_quantity_millis, out);
}

void JsonNode::read_bytes(std::optional<int64_t>& out) const { read_quantity(parse_quantity, out); }

void JsonNode::read_base64(StringMap& out) const {
  StringMap coded;
  read(coded);
  for (const auto& [key, text] : coded) {
    auto bytes = base64_decode(text);
    if (!bytes.ok()) {
      return (*this)[key].fail(bytes.error().message());
    }
    out[key] = std::move(bytes).value();
  }
}

}  // namespace duet::object
