#include "object/yaml_reader.h"

#include <yaml.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <unordered_set>

#include "object/yaml_composer.h"

namespace duet::object {
namespace {

// The line and column of a byte, for errors of the encoding, which libyaml gives as an offset.
Mark mark_of_offset(const std::string& text, size_t offset) {
  Mark mark{1, 1};
  for (size_t i = 0; i < std::min(offset, text.size()); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte == '\n') {
      ++mark.line;
      mark.column = 1;
    } else if ((byte & 0xc0) != 0x80) {
      ++mark.column;
    }
  }
  return mark;
}

// The character at a mark that libyaml gave (its lines and columns count from 0); 0: none.
char character_at(const std::string& text, const yaml_mark_t& mark) {
  size_t start = 0;
  for (size_t line = 0; line < mark.line; ++line) {
    start = text.find('\n', start);
    if (start == std::string::npos) {
      return 0;
    }
    ++start;
  }
  return start + mark.column < text.size() ? text[start + mark.column] : 0;
}

std::string or_empty(const char* text) { return text == nullptr ? "" : text; }

// What libyaml found, in words and with its context.
void describe_syntax_error(const yaml_parser_t& parser, const std::string& text, Problem& out) {
  if (parser.error == YAML_MEMORY_ERROR) {
    out.message = "not enough memory to read the file";
    return;
  }
  const std::string what = or_empty(parser.problem);
  if (parser.error == YAML_READER_ERROR) {
    const Mark mark = mark_of_offset(text, parser.problem_offset);
    out.line = mark.line;
    out.column = mark.column;
    const bool control = what.find("control") != std::string::npos;
    out.message = control ? "control characters are not allowed in YAML"
                          : "not UTF-8: " + what + "; save the file as UTF-8";
    return;
  }
  out.line = static_cast<int>(parser.problem_mark.line) + 1;
  out.column = static_cast<int>(parser.problem_mark.column) + 1;
  if (character_at(text, parser.problem_mark) == '\t') {
    out.message = "a tab cannot stand here: indent with spaces";
    return;
  }
  out.message = "not YAML: " + what;
  if (parser.context != nullptr) {
    out.message += " " + or_empty(parser.context) + " that starts at line " +
                   std::to_string(parser.context_mark.line + 1);
  }
}

struct ParserDelete {
  void operator()(yaml_parser_t* parser) const {
    yaml_parser_delete(parser);
    delete parser;
  }
};

// Feeds the events of the whole stream to `composer`; its problems hold what went wrong.
void read_events(const std::string& text, YamlComposer& composer) {
  const std::unique_ptr<yaml_parser_t, ParserDelete> parser(new yaml_parser_t{});
  if (yaml_parser_initialize(parser.get()) == 0) {
    composer.fail({}, "not enough memory to read the file");
    return;
  }
  yaml_parser_set_input_string(parser.get(), reinterpret_cast<const unsigned char*>(text.data()),
                               text.size());
  for (bool more = true; more;) {
    yaml_event_t event;
    if (yaml_parser_parse(parser.get(), &event) == 0) {
      Problem problem;
      describe_syntax_error(*parser, text, problem);
      composer.fail({problem.line, problem.column}, problem.message);
      return;
    }
    more = event.type != YAML_STREAM_END_EVENT && composer.take(event);
    yaml_event_delete(&event);
  }
}

}  // namespace

YamlStream read_yaml(const std::string& text, const std::string& file,
                     const ManifestLimits& limits) {
  YamlStream out;
  if (text.size() > limits.size_bytes) {
    out.problems.push_back({.file = file,
                            .message = "the manifest has " + std::to_string(text.size()) +
                                       " bytes; at most " + std::to_string(limits.size_bytes) +
                                       " are read"});
    return out;
  }
  YamlComposer composer(file, limits, out);
  read_events(text, composer);
  return out;
}

}  // namespace duet::object
