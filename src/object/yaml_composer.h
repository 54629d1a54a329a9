#pragma once

#include <yaml.h>

#include <map>
#include <string>
#include <vector>

#include "object/manifest.h"
#include "object/marked_node.h"
#include "object/yaml_reader.h"

namespace duet::object {

// Builds documents from libyaml's events; for yaml_reader.cc alone. It keeps what is open on a
// stack of its own, counts nodes and bytes before it makes or copies them, and so stays within the
// limits whatever the events are. Not thread-safe.
class YamlComposer {
 public:
  // `out` must outlive the composer.
  YamlComposer(const std::string& file, const ManifestLimits& limits, YamlStream& out)
      : file_(file), limits_(limits), out_(out) {}

  // False when reading must end; the reason is then among the problems.
  bool take(const yaml_event_t& event);
  // Notes a problem that ends the reading.
  bool fail(Mark mark, std::string message);

 private:
  // A list or map whose end has not come yet.
  struct Open {
    MarkedNode node;
    std::string anchor;
    MarkedNode::Member member;  // of a map: the key whose value comes next
    bool has_key = false;
    bool merges = false;  // the key is "<<"
    bool merged = false;  // "<<" was there already
    std::vector<MarkedNode> merge_sources;
  };
  // A finished node that an alias may name, with what a copy of it costs.
  struct Anchored {
    MarkedNode node;
    size_t nodes = 0;
    size_t bytes = 0;
    size_t depth = 0;
  };

  bool start_document(const yaml_event_t& event);
  bool take_scalar(const yaml_event_t& event);
  bool take_alias(const yaml_event_t& event);
  bool open(const yaml_event_t& event, MarkedNode::Type type, const unsigned char* anchor);
  bool close();
  bool place(MarkedNode node, bool plain_merge_key);
  bool take_key(const MarkedNode& node, bool plain_merge_key);
  bool keep_anchor(const std::string& name, const MarkedNode& node);
  bool charge(Mark mark, size_t nodes, size_t bytes);
  bool merge(Open& map);
  void check_duplicates(const MarkedNode& map);
  void note(Mark mark, std::string message);
  static void measure(const MarkedNode& node, size_t depth, Anchored& out);

  const std::string& file_;
  const ManifestLimits& limits_;
  YamlStream& out_;
  std::vector<Open> stack_;
  std::map<std::string, Anchored, std::less<>> anchors_;
  size_t nodes_ = 0;
  size_t bytes_ = 0;
  size_t documents_ = 0;
  bool sound_ = true;  // the document so far
};

}  // namespace duet::object
