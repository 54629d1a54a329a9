#include <nlohmann/json.hpp>

#include "object/json_node.h"
#include "object/manifest.h"
#include "object/yaml_scalar.h"

namespace duet::object {

using nlohmann::json;

namespace {

// YAML wants "? " before keys that are longer than 1024 characters.
constexpr size_t kSimpleKeyLimitBytes = 1000;

void emit(const json& value, size_t indent, std::string& out);

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

// Bytes at `text` that must be escaped although they are no ASCII control characters: C1 controls,
// line and paragraph separators, the byte order mark and the last two code points of the plane.
size_t special_length(std::string_view text) {
  if (text.size() >= 2 && text[0] == '\xc2' && static_cast<uint8_t>(text[1]) < 0xa0) {
    return 2;
  }
  for (const std::string_view special :
       {"\xe2\x80\xa8", "\xe2\x80\xa9", "\xef\xbb\xbf", "\xef\xbf\xbe", "\xef\xbf\xbf"}) {
    if (starts_with(text, special)) {
      return special.size();
    }
  }
  return 0;
}

bool is_control(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return byte < 0x20 || byte == 0x7f;
}

// Whether quoting is the only way to write it, whatever else it looks like.
bool has_special(std::string_view text, std::string_view allowed_controls) {
  for (size_t i = 0; i < text.size(); ++i) {
    if ((is_control(text[i]) && allowed_controls.find(text[i]) == std::string_view::npos) ||
        special_length(text.substr(i)) > 0) {
      return true;
    }
  }
  return false;
}

bool is_plain(const std::string& text) {
  constexpr std::string_view kIndicators = "-?:,[]{}#&*!|>'\"%@`<=~";
  const MarkedNode read = resolve_plain_scalar(text);
  return read.is(MarkedNode::Type::kString) &&
         kIndicators.find(text.front()) == std::string_view::npos && text.front() != ' ' &&
         text.back() != ' ' && text.back() != ':' && text.find(": ") == std::string::npos &&
         text.find(" #") == std::string::npos && !starts_with(text, "...") &&
         !has_special(text, "");
}

// A literal block keeps every character, but needs a first line that shows the indentation.
bool is_block(const std::string& text) {
  return text.find('\n') != std::string::npos && text.front() != ' ' && text.front() != '\n' &&
         text.front() != '\t' && !has_special(text, "\n\t");
}

char32_t decode(std::string_view bytes) {
  if (bytes.size() == 1) {
    return static_cast<uint8_t>(bytes[0]);
  }
  char32_t code = static_cast<uint8_t>(bytes[0]) & (bytes.size() == 2 ? 0x1f : 0x0f);
  for (const char c : bytes.substr(1)) {
    code = code << 6 | (static_cast<uint8_t>(c) & 0x3f);
  }
  return code;
}

void escape(std::string_view bytes, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const char32_t code = decode(bytes);
  out += code < 0x100 ? "\\x" : "\\u";
  for (int shift = code < 0x100 ? 4 : 12; shift >= 0; shift -= 4) {
    out += kHex[code >> shift & 15];
  }
}

void emit_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (size_t i = 0; i < text.size(); ++i) {
    const size_t special = special_length(text.substr(i));
    if (text[i] == '"' || text[i] == '\\') {
      out += '\\';
      out += text[i];
    } else if (text[i] == '\n') {
      out += "\\n";
    } else if (text[i] == '\t') {
      out += "\\t";
    } else if (is_control(text[i]) || special > 0) {
      escape(text.substr(i, std::max<size_t>(1, special)), out);
      i += special > 0 ? special - 1 : 0;
    } else {
      out += text[i];
    }
  }
  out += '"';
}

void emit_block(std::string_view text, size_t indent, std::string& out) {
  const size_t last = text.find_last_not_of('\n');
  const size_t ends = text.size() - last - 1;
  out += ends == 0 ? "|-" : ends == 1 ? "|" : "|+";
  const std::string_view lines = ends == 0 ? text : text.substr(0, text.size() - 1);
  for (size_t start = 0; start <= lines.size();) {
    const size_t end = std::min(lines.find('\n', start), lines.size());
    out += '\n';
    if (end > start) {
      out.append(indent, ' ');
      out += lines.substr(start, end - start);
    }
    start = end + 1;
  }
}

void emit_string(const std::string& text, size_t indent, std::string& out) {
  if (text.empty()) {
    out += "\"\"";
  } else if (is_block(text)) {
    emit_block(text, indent, out);
  } else if (is_plain(text)) {
    out += text;
  } else {
    emit_quoted(text, out);
  }
}

void emit_key(const std::string& key, std::string& out) {
  const bool simple = key.size() <= kSimpleKeyLimitBytes;
  out += simple ? "" : "? ";
  if (!key.empty() && is_plain(key)) {
    out += key;
  } else {
    emit_quoted(key, out);
  }
  out += simple ? ":" : "\n:";
}

void emit_map(const json& map, size_t indent, std::string& out) {
  bool first = true;
  for (const auto& [key, value] : map.items()) {
    if (!first) {
      out += '\n';
      out.append(indent, ' ');
    }
    first = false;
    const size_t key_start = out.size();
    emit_key(key, out);
    if (out[key_start] == '?') {
      out.insert(out.size() - 1, indent, ' ');
    }
    // Lists stand at the indentation of their key, as kubectl writes them.
    const size_t inner = value.is_array() ? indent : indent + 2;
    if (value.is_structured() && !value.empty()) {
      out += '\n';
      out.append(inner, ' ');
    } else {
      out += ' ';
    }
    emit(value, inner, out);
  }
}

void emit_list(const json& list, size_t indent, std::string& out) {
  bool first = true;
  for (const json& item : list) {
    if (!first) {
      out += '\n';
      out.append(indent, ' ');
    }
    first = false;
    out += "- ";
    emit(item, indent + 2, out);
  }
}

// Writes `value` at a place that is indented already; lines after the first indent themselves.
void emit(const json& value, size_t indent, std::string& out) {
  if (value.is_object() && !value.empty()) {
    emit_map(value, indent, out);
  } else if (value.is_array() && !value.empty()) {
    emit_list(value, indent, out);
  } else if (value.is_string()) {
    emit_string(value.get_ref<const std::string&>(), std::max<size_t>(indent, 2), out);
  } else {
    out += value.dump();
  }
}

}  // namespace

std::string to_yaml(const std::string& json_text) {
  const auto value = parse_json(json_text);
  if (!value.ok()) {
    return json_text;
  }
  std::string out;
  emit(*value, 0, out);
  return out + "\n";
}

}  // namespace duet::object
