#include "object/field_table.h"

#include <map>
#include <utility>

#include "object/kind.h"
#include "object/schema.h"

namespace duet::object {
namespace {

constexpr std::string_view kIntroduction =
    "# Kubernetes kinds and fields\n"
    "\n"
    "<!-- Written by duet-fields from the tables in src/object/schema_*.cc; do not edit.\n"
    "     ninja -C build duet-fields && build/duet-fields > docs/kubernetes.md -->\n"
    "\n"
    "Every field that the Kubernetes API (1.36) and the Gateway API (1.7) give these kinds, and "
    "what\n"
    "duet does with it:\n"
    "\n"
    "- **yes**: carried out. A field without type in the table is an object with fields of its "
    "own.\n"
    "- **read-only**: written by the node; what a manifest says is left out, as in Kubernetes.\n"
    "- **no effect**: accepted with a warning that says why.\n"
    "- **no**: refused with an error that names the field.\n"
    "\n"
    "A field that is in none of these tables is unknown, and refused with a suggestion. Values "
    "such\n"
    "as `false`, `0`, `\"\"` and empty lists count as not given where they change nothing.\n";

// Tables are not repeated: a structure that stood before in the same state is referred to.
class Writer {
 public:
  std::string take() { return std::move(out_); }

  void write_kind(const KindInfo& info) {
    const std::string name(info.name);
    out_ += "\n## " + name + " (" + std::string(info.api_version) + ")\n\n";
    out_ += "| field | type | duet | remarks |\n| --- | --- | --- | --- |\n";
    kind_ = name;
    write_fields(schema_of(info.kind), "", FieldState::kSupported);
  }

 private:
  static std::string_view state_word(FieldState state) {
    switch (state) {
      case FieldState::kSupported:
        return "yes";
      case FieldState::kReadOnly:
        return "read-only";
      case FieldState::kIgnored:
        return "no effect";
      case FieldState::kUnsupported:
        return "no";
    }
    return "";
  }

  static std::string_view type_word(FieldType type) {
    switch (type) {
      case FieldType::kString:
        return "string";
      case FieldType::kInteger:
        return "integer";
      case FieldType::kBoolean:
        return "boolean";
      case FieldType::kNumber:
        return "number";
      case FieldType::kQuantity:
        return "quantity";
      case FieldType::kIntOrString:
        return "integer or string";
      case FieldType::kTime:
        return "time";
      case FieldType::kBytes:
        return "base64";
      case FieldType::kObject:
        return "";
      case FieldType::kAny:
        return "any";
    }
    return "";
  }

  static std::string words(std::string_view list) {
    std::string out = "`";
    for (const char c : list) {
      out += c == ' ' ? std::string("`, `") : std::string(1, c);
    }
    return out + "`";
  }

  static void add(std::string& remarks, const std::string& remark) {
    remarks += (remarks.empty() || remark.empty() ? "" : "; ") + remark;
  }

  static std::string remarks_of(const Field& field) {
    std::string out;
    if (field.is_required) {
      add(out, "required");
    }
    if (!field.served.empty() && field.state == FieldState::kIgnored) {
      add(out, "no warning for " + words(field.served));
    } else if (!field.served.empty()) {
      add(out, "only " + words(field.served));
    } else if (!field.values.empty() && field.state == FieldState::kSupported) {
      add(out, words(field.values));
    }
    add(out, std::string(field.note));
    return out;
  }

  void write_fields(const Structure& structure, const std::string& path, FieldState inherited) {
    for (const Field& field : structure.fields) {
      const FieldState state = inherited == FieldState::kSupported ? field.state : inherited;
      write_field(field, path + std::string(field.name), state);
    }
  }

  void write_field(const Field& field, std::string path, FieldState state) {
    path += field.shape == Shape::kList ? "[]" : field.shape == Shape::kMap ? ".*" : "";
    std::string remarks = remarks_of(field);
    bool nested = field.fields != nullptr;
    if (nested) {
      const auto [earlier, fresh] =
          written_.emplace(std::make_pair(field.fields, state), kind_ + " `" + path + "`");
      nested = fresh;
      add(remarks, fresh ? "" : "fields as in " + earlier->second);
    }
    out_ += "| `" + path + "` | " + std::string(type_word(field.type)) + " | " +
            std::string(state_word(state)) + " | " + remarks + " |\n";
    if (nested) {
      write_fields(*field.fields, path + ".", state);
    }
  }

  std::string out_{kIntroduction};
  std::string kind_;
  std::map<std::pair<const Structure*, FieldState>, std::string> written_;
};

}  // namespace

std::string field_table_markdown() {
  Writer writer;
  for (const KindInfo& info : all_kinds()) {
    writer.write_kind(info);
  }
  return writer.take();
}

}  // namespace duet::object
