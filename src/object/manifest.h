#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "object/object.h"

// From the text of a manifest file to validated objects.
namespace duet::object {

// Where a problem is and what it is: "site.yaml:12:7: spec.containers[0].imagee: unknown field, did
// you mean "image"?".
struct Problem {
  enum class Severity { kError, kWarning };
  Severity severity = Severity::kError;
  std::string file;
  int line = 0;       // from 1; 0: not known (JSON from an API)
  int column = 0;     // from 1
  std::string field;  // path, empty: the whole document
  std::string message;
  std::string describe() const;
};

// One object of a manifest with its place.
struct ManifestObject {
  Object object;  // uid and resource_version empty; metadata.namespace filled with the default
  int line = 0;
};

struct Manifest {
  std::vector<ManifestObject> objects;  // only those without errors
  std::vector<Problem> problems;
  bool ok() const;  // no problem of severity kError
};

// Bounds on what is read, all enforced before memory is spent.
struct ManifestLimits {
  size_t size_bytes = 4 << 20;
  size_t node_limit = 200'000;  // after aliases are expanded
  size_t depth_limit = 64;
  size_t document_limit = 1'000;
  size_t problem_limit = 50;
};

// Reads YAML (one or more documents; JSON is YAML) or a List object, validates every object against
// the tables of schema.h and gives the objects in order. Never fails as a whole: what is wrong is
// in `problems`. Objects without a namespace get `default_namespace`. YAML 1.1 scalars as
// Kubernetes reads them. Thread-safe.
Manifest parse_manifest(const std::string& text, const std::string& file,
                        const std::string& default_namespace = "default",
                        const ManifestLimits& limits = {});

// One object in JSON, as it comes from an API: the same checks, with problems that name fields but
// no file or line. Thread-safe.
Manifest parse_object(const std::string& json, const std::string& default_namespace = "default",
                      const ManifestLimits& limits = {});

// JSON as YAML in blocks, members in alphabetical order, for `-o yaml`. What is not JSON comes back
// as it is.
std::string to_yaml(const std::string& json);

}  // namespace duet::object
