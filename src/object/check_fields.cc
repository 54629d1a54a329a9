#include "object/check_fields.h"

#include "base/base64.h"
#include "base/quantity.h"
#include "object/format.h"

namespace duet::object {

using Type = MarkedNode::Type;

namespace {

// Whether what is checked stands below a field without effect, which was warned of already.
enum class Within { kEffective, kIgnored };

void check_object(const Place& place, const Structure& structure, Within within);

bool contains_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const size_t space = words.find(' ');
    if (words.substr(0, space) == word) {
      return true;
    }
    words.remove_prefix(space == std::string_view::npos ? words.size() : space + 1);
  }
  return false;
}

// "A B C" as "A", "B" or "C".
std::string list_words(std::string_view words) {
  std::string out;
  while (!words.empty()) {
    const size_t space = words.find(' ');
    const bool last = space == std::string_view::npos;
    out += out.empty() ? "" : last ? " or " : ", ";
    out += "\"" + std::string(words.substr(0, space)) + "\"";
    words.remove_prefix(last ? words.size() : space + 1);
  }
  return out;
}

const Field* find_field(const Structure& structure, std::string_view name) {
  for (const Field& field : structure.fields) {
    if (field.name == name) {
      return &field;
    }
  }
  return nullptr;
}

// What was found, for messages: `the boolean yes`, `a list`.
std::string describe_found(const MarkedNode& node) {
  switch (node.type) {
    case Type::kNull:
      return "null";
    case Type::kBool:
      return "the boolean " + node.text;
    case Type::kInteger:
      return "the integer " + node.text.substr(0, 40);
    case Type::kNumber:
      return "the number " + node.text.substr(0, 40);
    case Type::kString:
      return "the string " + quote(node.text);
    case Type::kList:
      return "a list";
    case Type::kMap:
      return "an object";
  }
  return "";
}

std::string_view type_name(FieldType type) {
  switch (type) {
    case FieldType::kString:
      return "a string";
    case FieldType::kInteger:
      return "an integer";
    case FieldType::kBoolean:
      return "true or false";
    case FieldType::kNumber:
      return "a number";
    case FieldType::kQuantity:
      return "a quantity";
    case FieldType::kIntOrString:
      return "an integer or a string";
    case FieldType::kTime:
      return "a time";
    case FieldType::kBytes:
      return "base64 text";
    case FieldType::kObject:
      return "an object";
    case FieldType::kAny:
      return "a value";
  }
  return "";
}

bool has_type(const MarkedNode& node, FieldType type) {
  const bool is_text = node.is(Type::kString);
  const bool is_integer = node.is(Type::kInteger);
  switch (type) {
    case FieldType::kString:
    case FieldType::kTime:
    case FieldType::kBytes:
      return is_text;
    case FieldType::kInteger:
      return is_integer;
    case FieldType::kBoolean:
      return node.is(Type::kBool);
    case FieldType::kNumber:
      return is_integer || node.is(Type::kNumber);
    case FieldType::kQuantity:
      return is_text || is_integer || node.is(Type::kNumber);
    case FieldType::kIntOrString:
      return is_text || is_integer;
    case FieldType::kObject:
      return node.is(Type::kMap);
    case FieldType::kAny:
      return true;
  }
  return false;
}

void wrong_type(const Place& place, std::string_view expected) {
  const MarkedNode& node = *place.node();
  std::string message = "expected " + std::string(expected) + ", found " + describe_found(node);
  if (expected == "a string" && node.is_scalar() && !node.is(Type::kNull)) {
    message += "; write it in quotes";
  }
  place.error(std::move(message));
}

std::string scalar_text(const MarkedNode& node) {
  return node.is(Type::kBool) ? (node.boolean ? "true" : "false") : node.text;
}

void check_values(const Place& place, const Field& field) {
  const std::string value = scalar_text(*place.node());
  if (value.empty()) {
    return;
  }
  const bool refuses_some = field.state == FieldState::kSupported && !field.served.empty();
  if (!field.values.empty() && !contains_word(field.values, value)) {
    place.error(quote(value) + " is not possible; use " +
                list_words(refuses_some ? field.served : field.values));
  } else if (refuses_some && !contains_word(field.served, value)) {
    place.error(quote(value) + " is not supported by duet; use " + list_words(field.served));
  }
}

void check_integer(const Place& place, const Field& field) {
  const int64_t value = place.node()->integer;
  if (value < field.least || value > field.most) {
    const bool open = field.most == std::numeric_limits<int64_t>::max();
    place.error(std::to_string(value) + " is out of range; " +
                (open ? "at least " + std::to_string(field.least)
                      : std::to_string(field.least) + " to " + std::to_string(field.most)) +
                " is possible");
  } else if (auto problem = format_problem(field.format, value)) {
    place.error(*problem);
  }
}

void check_text(const Place& place, const Field& field) {
  const std::string& value = place.node()->text;
  if (field.type == FieldType::kBytes) {
    const auto bytes = base64_decode(value);
    if (!bytes.ok()) {
      place.error(bytes.error().message());
    }
    return;
  }
  // An empty string is "not given" unless the field must be.
  if (value.empty() && !field.is_required && field.format != Format::kNonEmpty) {
    return;
  }
  if (auto problem = format_problem(field.format, value)) {
    place.error(*problem);
  }
}

void check_quantity(const Place& place) {
  const auto value = parse_quantity_millis(place.node()->text);
  if (!value.ok() && value.error().code() != ErrorCode::kExhausted) {
    place.error(value.error().message());
  } else if (value.ok() && *value < 0) {
    place.error(quote(place.node()->text) + " must not be negative");
  }
}

// One value: a field's, or an item's or entry's of its list or map.
void check_value(const Place& place, const Field& field, Within within) {
  if (!has_type(*place.node(), field.type)) {
    wrong_type(place, type_name(field.type));
    return;
  }
  if (field.type == FieldType::kObject) {
    check_object(place, *field.fields, within);
    return;
  }
  if (field.type == FieldType::kQuantity) {
    check_quantity(place);
    return;
  }
  if (place.node()->is(Type::kInteger)) {
    check_integer(place, field);
  } else if (place.node()->is(Type::kString)) {
    check_text(place, field);
  }
  check_values(place, field);
}

void check_map(const Place& place, const Field& field, Within within) {
  for (const MarkedNode::Member& member : place.node()->members) {
    const Place entry(&member.value, join_path(place.path(), member.key), member.value.mark,
                      place.findings());
    if (auto problem = format_problem(field.key_format, member.key)) {
      place.findings().error(member.mark, entry.path(), "the key " + *problem);
    }
    if (member.value.is(Type::kNull) && field.type == FieldType::kString) {
      continue;  // an empty value
    }
    check_value(entry, field, within);
  }
}

void check_list(const Place& place, const Field& field, Within within) {
  if (place.size() > field.item_limit) {
    place.error("has " + std::to_string(place.size()) + " items; at most " +
                std::to_string(field.item_limit) + " are possible");
  }
  place.each([&](const Place& item) { check_value(item, field, within); });
}

void check_shape(const Place& place, const Field& field, Within within) {
  switch (field.shape) {
    case Shape::kOne:
      return check_value(place, field, within);
    case Shape::kList:
      return place.node()->is(Type::kList) ? check_list(place, field, within)
                                           : wrong_type(place, "a list");
    case Shape::kMap:
      return place.node()->is(Type::kMap) ? check_map(place, field, within)
                                          : wrong_type(place, "an object");
  }
}

// Whether the value says what would be so without it too.
bool changes_nothing(const MarkedNode& node, const Field& field) {
  if (!field.served.empty() && node.is_scalar()) {
    const std::string value = scalar_text(node);
    return value.empty() || contains_word(field.served, value);
  }
  return node.is_zero();
}

std::string refusal(const Field& field) {
  std::string out = "Kubernetes knows this field, duet does not support it";
  if (!field.served.empty()) {
    out += " beyond " + list_words(field.served);
  }
  return field.note.empty() ? out : out + ": " + std::string(field.note);
}

void check_member(const Place& place, Mark key_mark, const Field& field, Within within) {
  if (field.state == FieldState::kReadOnly) {
    return;
  }
  if (within == Within::kEffective && !changes_nothing(*place.node(), field)) {
    if (field.state == FieldState::kUnsupported) {
      place.findings().error(key_mark, place.path(), refusal(field));
      return;
    }
    if (field.state == FieldState::kIgnored) {
      place.findings().warning(key_mark, place.path(),
                               "accepted without effect: " + std::string(field.note));
    }
  }
  check_shape(place, field, field.state == FieldState::kSupported ? within : Within::kIgnored);
}

void unknown_field(const Place& object, const MarkedNode::Member& member,
                   const Structure& structure) {
  std::vector<std::string_view> names;
  for (const Field& field : structure.fields) {
    names.push_back(field.name);
  }
  const std::string_view meant = nearest_word(member.key, names);
  object.findings().error(member.mark, join_path(object.path(), member.key),
                          meant.empty()
                              ? "unknown field of " + std::string(structure.name)
                              : "unknown field, did you mean \"" + std::string(meant) + "\"?");
}

void check_object(const Place& object, const Structure& structure, Within within) {
  for (const MarkedNode::Member& member : object.node()->members) {
    const Field* field = find_field(structure, member.key);
    if (field == nullptr) {
      unknown_field(object, member, structure);
    } else if (!member.value.is(Type::kNull)) {
      const Place place(&member.value, join_path(object.path(), member.key), member.value.mark,
                        object.findings());
      check_member(place, member.mark, *field, within);
    }
  }
  for (const Field& field : structure.fields) {
    if (field.is_required && object.node()->find(field.name) == nullptr) {
      object.findings().error(object.mark(), join_path(object.path(), field.name),
                              "is required and missing");
    }
  }
}

}  // namespace

void check_fields(const Place& object, const Structure& structure) {
  check_object(object, structure, Within::kEffective);
}

MarkedNode without_read_only(const MarkedNode& object, const Structure& structure) {
  MarkedNode out;
  out.type = object.type;
  out.mark = object.mark;
  for (const MarkedNode::Member& member : object.members) {
    const Field* field = find_field(structure, member.key);
    if (field == nullptr || field->state == FieldState::kReadOnly) {
      continue;
    }
    if (member.value.is(Type::kNull)) {
      continue;
    }
    const bool nested = field->type == FieldType::kObject && field->shape == Shape::kOne;
    out.members.push_back(
        {member.key, member.mark,
         nested ? without_read_only(member.value, *field->fields) : member.value});
  }
  return out;
}

}  // namespace duet::object
