#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/invocation.h"
#include "object/manifest.h"

namespace duet::cli {

// The objects of all files, folders (their .yaml, .yml and .json files; deeper ones if `recursive`)
// and "-" for stdin, in the order given and sorted within a folder.
struct ManifestFiles {
  std::vector<object::ManifestObject> objects;
  std::vector<object::Problem> problems;  // errors and warnings
  bool ok = true;                         // no error among them
};
Result<ManifestFiles> read_manifest_files(const std::vector<std::string>& paths, bool recursive,
                                          const std::string& default_namespace);

// The same as the verbs' flags -f, -R and -n say. Prints problems on stderr; kInvalid when there
// were errors or when an object is of another namespace than -n insists on.
Result<std::vector<object::ManifestObject>> manifests_of(const Invocation& invocation);

}  // namespace duet::cli
