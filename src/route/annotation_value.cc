#include "route/annotation_value.h"

#include "object/annotations.h"

namespace duet::route {

const std::string* find_annotation_text(const object::StringMap& annotations,
                                        std::string_view name) {
  const auto found = annotations.find(std::string(object::kAnnotationPrefix) + std::string(name));
  return found == annotations.end() ? nullptr : &found->second;
}

std::string annotation_problem(std::string_view name, const std::string& text, const Error& error) {
  return "annotation " + std::string(object::kAnnotationPrefix) + std::string(name) + ": \"" +
         text + "\" " + error.message() + "; the default holds";
}

void read_annotation(const object::StringMap& annotations, std::string_view name,
                     std::int64_t& into, std::vector<std::string>& problems) {
  const std::string* text = find_annotation_text(annotations, name);
  const object::Annotation* annotation = object::find_annotation(name);
  if (text == nullptr || annotation == nullptr) {
    return;
  }
  const auto value = object::parse_annotation(*annotation, *text);
  if (value.ok()) {
    into = *value;
  } else {
    problems.push_back(annotation_problem(name, *text, value.error()));
  }
}

}  // namespace duet::route
