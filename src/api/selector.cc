#include "api/selector.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace duet::api {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') {
    text.remove_prefix(1);
  }
  while (!text.empty() && text.back() == ' ') {
    text.remove_suffix(1);
  }
  return text;
}

// The items between commas that are not inside parentheses.
std::vector<std::string_view> split_items(std::string_view text) {
  std::vector<std::string_view> out;
  size_t start = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      out.push_back(trim(text.substr(start, i - start)));
      start = i + 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')') {
      --depth;
    }
  }
  return out;
}

bool is_word(std::string_view text) {
  return text.find_first_of(" =!(),") == std::string_view::npos;
}

Error unreadable(std::string_view text) {
  return invalid("unable to parse the selector \"" + std::string(text) +
                 "\": write key=value, key!=value, key in (a,b), key notin (a,b), key or !key");
}

// The field at the dotted `path`, or null.
const nlohmann::json* field_at(const nlohmann::json& object, std::string_view path) {
  const nlohmann::json* at = &object;
  while (!path.empty()) {
    const size_t dot = path.find('.');
    if (!at->is_object()) {
      return nullptr;
    }
    const auto found = at->find(std::string(path.substr(0, dot)));
    if (found == at->end()) {
      return nullptr;
    }
    at = &*found;
    path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
  }
  return at;
}

}  // namespace

Result<Selector::Requirement> Selector::parse_label(std::string_view text) {
  Requirement out;
  if (const size_t open = text.find('('); open != std::string_view::npos && text.back() == ')') {
    const std::string_view head = trim(text.substr(0, open));
    const size_t space = head.find(' ');
    const std::string_view word =
        space == std::string_view::npos ? "" : trim(head.substr(space + 1));
    out.key = std::string(head.substr(0, space));
    out.type = word == "notin" ? Requirement::Type::kNotIn : Requirement::Type::kIn;
    for (const auto value : split_items(text.substr(open + 1, text.size() - open - 2))) {
      out.values.emplace_back(value);
    }
    if ((word != "in" && word != "notin") || out.key.empty() || !is_word(out.key)) {
      return unreadable(text);
    }
    return out;
  }
  if (const size_t equals = text.find('='); equals != std::string_view::npos) {
    const bool negated = equals > 0 && text[equals - 1] == '!';
    std::string_view value = text.substr(equals + 1);
    if (value.starts_with('=') && !negated) {
      value.remove_prefix(1);
    }
    out.key = std::string(trim(text.substr(0, negated ? equals - 1 : equals)));
    out.type = negated ? Requirement::Type::kNotIn : Requirement::Type::kIn;
    out.values = {std::string(trim(value))};
    return out.key.empty() || !is_word(out.key) || !is_word(out.values[0])
               ? Result<Requirement>(unreadable(text))
               : out;
  }
  const bool negated = text.starts_with('!');
  out.key = std::string(trim(negated ? text.substr(1) : text));
  out.type = negated ? Requirement::Type::kNotExists : Requirement::Type::kExists;
  return out.key.empty() || !is_word(out.key) ? Result<Requirement>(unreadable(text)) : out;
}

Result<std::vector<Selector::Requirement>> Selector::parse_labels(std::string_view text) {
  std::vector<Requirement> out;
  if (trim(text).empty()) {
    return out;
  }
  for (const auto item : split_items(text)) {
    DUET_ASSIGN(auto one, parse_label(item));
    out.push_back(std::move(one));
  }
  return out;
}

Result<std::vector<Selector::Requirement>> Selector::parse_fields(std::string_view text) {
  DUET_ASSIGN(auto out, parse_labels(text));
  for (const auto& one : out) {
    if (one.type == Requirement::Type::kExists || one.type == Requirement::Type::kNotExists ||
        one.values.size() != 1) {
      return invalid("unable to parse the field selector \"" + std::string(text) +
                     "\": write field=value or field!=value");
    }
  }
  return out;
}

Result<Selector> Selector::parse(std::string_view labels, std::string_view fields) {
  Selector out;
  DUET_ASSIGN(out.labels_, parse_labels(labels));
  DUET_ASSIGN(out.fields_, parse_fields(fields));
  return out;
}

bool Selector::holds(const Requirement& requirement, const std::string* value) {
  const auto& values = requirement.values;
  const bool among =
      value != nullptr && std::find(values.begin(), values.end(), *value) != values.end();
  switch (requirement.type) {
    case Requirement::Type::kIn:
      return among;
    case Requirement::Type::kNotIn:
      return !among;
    case Requirement::Type::kExists:
      return value != nullptr;
    case Requirement::Type::kNotExists:
      return value == nullptr;
  }
  return false;
}

bool Selector::matches(const nlohmann::json& object) const {
  const nlohmann::json* labels = field_at(object, "metadata.labels");
  for (const auto& one : labels_) {
    const std::string* value = nullptr;
    if (labels != nullptr && labels->is_object()) {
      const auto found = labels->find(one.key);
      value = found == labels->end() ? nullptr : found->get_ptr<const std::string*>();
    }
    if (!holds(one, value)) {
      return false;
    }
  }
  for (const auto& one : fields_) {
    const nlohmann::json* found = field_at(object, one.key);
    // A field that is missing counts as empty, as in Kubernetes.
    const std::string value =
        found == nullptr || found->is_null() ? ""
        : found->is_string()
            ? found->get<std::string>()
            : found->dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (!holds(one, &value)) {
      return false;
    }
  }
  return true;
}

bool Selector::matches(const std::string& object_json) const {
  if (matches_all()) {
    return true;
  }
  const auto object = nlohmann::json::parse(object_json, nullptr, false);
  return object.is_object() && matches(object);
}

}  // namespace duet::api
