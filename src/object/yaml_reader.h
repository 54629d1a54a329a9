#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "object/manifest.h"
#include "object/marked_node.h"

namespace duet::object {

struct YamlDocument {
  MarkedNode root;
  bool sound = true;  // false: there are duplicate keys in it
};

struct YamlStream {
  std::vector<YamlDocument> documents;  // those that were read whole; empty ones are left out
  std::vector<Problem> problems;        // syntax errors end the reading, duplicate keys do not
};

// Reads YAML 1.1 (JSON is part of it) within `limits`, which count aliases and merge keys as if
// they were written out, so nothing grows beyond them. Thread-safe.
YamlStream read_yaml(const std::string& text, const std::string& file,
                     const ManifestLimits& limits);

}  // namespace duet::object
