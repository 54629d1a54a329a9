#include "object/yaml_composer.h"

#include <cmath>
#include <unordered_set>

#include "object/yaml_scalar.h"

namespace duet::object {

using Type = MarkedNode::Type;

namespace {

// How often the text of a manifest may be there in memory: as written, kept for its anchors and
// expanded.
constexpr size_t kTextCopies = 4;

Mark mark_of(const yaml_event_t& event) {
  return {static_cast<int>(event.start_mark.line) + 1,
          static_cast<int>(event.start_mark.column) + 1};
}

std::string text_of(const unsigned char* text) {
  return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

std::string quoted(std::string_view text) {
  constexpr size_t kShown = 60;
  return "\"" + std::string(text.substr(0, kShown)) + (text.size() > kShown ? "..." : "") + "\"";
}

// The member name that a scalar key stands for in JSON, as Kubernetes makes it.
std::string key_text(const MarkedNode& key) {
  switch (key.type) {
    case Type::kInteger:
      return std::to_string(key.integer);
    case Type::kBool:
      return key.boolean ? "true" : "false";
    default:
      return key.text;
  }
}

}  // namespace

void YamlComposer::note(Mark mark, std::string message) {
  if (out_.problems.size() < limits_.problem_limit) {
    out_.problems.push_back({.file = file_,
                             .line = mark.line,
                             .column = mark.column,
                             .field = {},
                             .message = std::move(message)});
  }
}

bool YamlComposer::fail(Mark mark, std::string message) {
  if (out_.problems.size() >= limits_.problem_limit && !out_.problems.empty()) {
    out_.problems.pop_back();
  }
  note(mark, std::move(message));
  return false;
}

bool YamlComposer::charge(Mark mark, size_t nodes, size_t bytes) {
  nodes_ += nodes;
  bytes_ += bytes;
  if (nodes_ > limits_.node_limit) {
    return fail(mark, "the manifest has more than " + std::to_string(limits_.node_limit) +
                          " values once its aliases are expanded");
  }
  if (bytes_ > kTextCopies * limits_.size_bytes) {
    return fail(mark, "the manifest has more than " +
                          std::to_string(kTextCopies * limits_.size_bytes) +
                          " bytes of text once its aliases are expanded");
  }
  return true;
}

bool YamlComposer::take(const yaml_event_t& event) {
  switch (event.type) {
    case YAML_DOCUMENT_START_EVENT:
      return start_document(event);
    case YAML_SCALAR_EVENT:
      return take_scalar(event);
    case YAML_ALIAS_EVENT:
      return take_alias(event);
    case YAML_SEQUENCE_START_EVENT:
      return open(event, Type::kList, event.data.sequence_start.anchor);
    case YAML_MAPPING_START_EVENT:
      return open(event, Type::kMap, event.data.mapping_start.anchor);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
      return close();
    default:
      return true;
  }
}

bool YamlComposer::start_document(const yaml_event_t& event) {
  anchors_.clear();
  sound_ = true;
  if (++documents_ > limits_.document_limit) {
    return fail(mark_of(event), "the manifest has more than " +
                                    std::to_string(limits_.document_limit) + " documents");
  }
  return true;
}

bool YamlComposer::open(const yaml_event_t& event, Type type, const unsigned char* anchor) {
  const Mark mark = mark_of(event);
  if (stack_.size() >= limits_.depth_limit) {
    return fail(mark, "nested deeper than " + std::to_string(limits_.depth_limit) + " levels");
  }
  if (!charge(mark, 1, 0)) {
    return false;
  }
  Open& entry = stack_.emplace_back();
  entry.node.type = type;
  entry.node.mark = mark;
  entry.anchor = text_of(anchor);
  return true;
}

bool YamlComposer::take_scalar(const yaml_event_t& event) {
  const auto& scalar = event.data.scalar;
  const std::string_view text(reinterpret_cast<const char*>(scalar.value), scalar.length);
  const Mark mark = mark_of(event);
  if (!charge(mark, 1, text.size())) {
    return false;
  }
  MarkedNode node;
  if (scalar.tag != nullptr) {
    auto tagged = resolve_tagged_scalar(text_of(scalar.tag), text);
    if (!tagged.ok()) {
      return fail(mark, tagged.error().message());
    }
    node = std::move(tagged).value();
  } else if (scalar.style == YAML_PLAIN_SCALAR_STYLE) {
    node = resolve_plain_scalar(text);
  } else {
    node.type = Type::kString;
    node.text = std::string(text);
  }
  node.mark = mark;
  if (node.is(Type::kNumber) && !std::isfinite(node.number)) {
    return fail(mark, quoted(text) + " is a number that JSON does not have; quote it");
  }
  const std::string anchor = text_of(scalar.anchor);
  if (!anchor.empty() && !keep_anchor(anchor, node)) {
    return false;
  }
  const bool plain = scalar.style == YAML_PLAIN_SCALAR_STYLE && scalar.tag == nullptr;
  return place(std::move(node), plain && text == "<<");
}

bool YamlComposer::take_alias(const yaml_event_t& event) {
  const std::string name = text_of(event.data.alias.anchor);
  const Mark mark = mark_of(event);
  const auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    for (const Open& entry : stack_) {
      if (entry.anchor == name) {
        return fail(mark, "the alias *" + name + " stands within what it names");
      }
    }
    return fail(mark, "the alias *" + name + " names no anchor before it");
  }
  const Anchored& anchored = found->second;
  if (stack_.size() + anchored.depth > limits_.depth_limit) {
    return fail(mark, "nested deeper than " + std::to_string(limits_.depth_limit) +
                          " levels once the alias *" + name + " is expanded");
  }
  if (!charge(mark, anchored.nodes, anchored.bytes)) {
    return false;
  }
  return place(anchored.node, false);
}

void YamlComposer::measure(const MarkedNode& node, size_t depth, Anchored& out) {
  ++out.nodes;
  out.bytes += node.text.size();
  out.depth = std::max(out.depth, depth + (node.is_scalar() ? 0 : 1));
  for (const MarkedNode& item : node.items) {
    measure(item, depth + 1, out);
  }
  for (const MarkedNode::Member& member : node.members) {
    ++out.nodes;
    out.bytes += member.key.size();
    measure(member.value, depth + 1, out);
  }
}

bool YamlComposer::keep_anchor(const std::string& name, const MarkedNode& node) {
  Anchored anchored;
  measure(node, 0, anchored);
  if (!charge(node.mark, anchored.nodes, anchored.bytes)) {
    return false;
  }
  anchored.node = node;
  anchors_.insert_or_assign(name, std::move(anchored));
  return true;
}

bool YamlComposer::place(MarkedNode node, bool plain_merge_key) {
  if (stack_.empty()) {
    if (!node.is(Type::kNull)) {
      out_.documents.push_back({std::move(node), sound_});
    }
    return true;
  }
  Open& parent = stack_.back();
  if (parent.node.is(Type::kList)) {
    parent.node.items.push_back(std::move(node));
    return true;
  }
  if (!parent.has_key) {
    return take_key(node, plain_merge_key);
  }
  parent.has_key = false;
  if (parent.merges) {
    parent.merge_sources.push_back(std::move(node));
    return true;
  }
  parent.member.value = std::move(node);
  parent.node.members.push_back(std::move(parent.member));
  parent.member = {};
  return true;
}

bool YamlComposer::take_key(const MarkedNode& node, bool plain_merge_key) {
  Open& parent = stack_.back();
  if (!node.is_scalar() || node.is(Type::kNull)) {
    return fail(node.mark, node.is(Type::kNull) ? "a key is missing before the \":\""
                                                : "a key must be a string, not a list or a map");
  }
  parent.merges = plain_merge_key;
  if (plain_merge_key && parent.merged) {
    return fail(node.mark, "duplicate key \"<<\"; give a list of aliases to one");
  }
  parent.merged = parent.merged || plain_merge_key;
  parent.member.key = key_text(node);
  parent.member.mark = node.mark;
  parent.has_key = true;
  return true;
}

bool YamlComposer::close() {
  Open entry = std::move(stack_.back());
  stack_.pop_back();
  if (entry.node.is(Type::kMap)) {
    check_duplicates(entry.node);
    if (!merge(entry)) {
      return false;
    }
  }
  if (!entry.anchor.empty() && !keep_anchor(entry.anchor, entry.node)) {
    return false;
  }
  return place(std::move(entry.node), false);
}

void YamlComposer::check_duplicates(const MarkedNode& map) {
  std::unordered_set<std::string_view> seen;
  for (const MarkedNode::Member& member : map.members) {
    if (!seen.insert(member.key).second) {
      note(member.mark, "duplicate key " + quoted(member.key));
      sound_ = false;
    }
  }
}

// Adds the members of the maps that "<<" names: a map's own members win, then the earlier source.
bool YamlComposer::merge(Open& map) {
  std::vector<MarkedNode> sources;
  for (MarkedNode& source : map.merge_sources) {
    if (source.is(Type::kList)) {
      std::move(source.items.begin(), source.items.end(), std::back_inserter(sources));
    } else {
      sources.push_back(std::move(source));
    }
  }
  std::unordered_set<std::string> seen;
  for (const MarkedNode::Member& member : map.node.members) {
    if (!sources.empty()) {
      seen.insert(member.key);
    }
  }
  for (MarkedNode& source : sources) {
    if (!source.is(Type::kMap)) {
      return fail(source.mark.line == 0 ? map.node.mark : source.mark,
                  "\"<<\" merges a map or a list of maps");
    }
    for (MarkedNode::Member& member : source.members) {
      if (seen.insert(member.key).second) {
        map.node.members.push_back(std::move(member));
      }
    }
  }
  return true;
}

}  // namespace duet::object
