#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "object/manifest.h"
#include "object/object.h"
#include "store/store.h"

// Manifests in files as the source of objects: what stands in them is in the store, what vanishes
// from them goes. docs/decisions/sources.md has the rules for conflicts.
namespace duet::source {

struct FolderOptions {
  // Files, taken whatever they are called, and folders: every *.yaml, *.yml and *.json in them and
  // below whose name does not begin with a dot. Symbolic links are followed.
  std::vector<std::string> paths;
  std::string default_namespace = "default";
  size_t file_limit = 10'000;
  size_t size_bytes = 4 << 20;         // of one file
  size_t total_size_bytes = 64 << 20;  // of all files
  size_t depth_limit = 32;             // folders in folders
  int64_t debounce_ms = 150;           // of silence before files are read
  int64_t debounce_limit_ms = 2'000;   // after which they are read though they still change
  int64_t rescan_ms = 60'000;          // at least this often, in case an event was lost
  int64_t retry_ms = 500;              // when something waits for a pod or a namespace to go
};

// One thing that a look at the files brought about.
struct FolderChange {
  enum class Type {
    kCreated,
    kUpdated,
    kReplacing,  // a Pod whose spec changed is being deleted; it is made anew when it is gone
    kUnchanged,
    kRemoved,
    kProblem,
  };
  Type type = Type::kUnchanged;
  std::string file;                      // as it was named in paths, or below it
  std::optional<object::ObjectKey> key;  // none: a problem of the whole file or folder
  object::Problem problem;               // of kProblem
};

struct FolderReport {
  std::vector<FolderChange> changes;  // in the order in which they were made; problems last
  bool first = false;                 // of this source
  // Files that hold a problem keep what they brought before.
  bool has_errors() const;
};

class FolderSource {
 public:
  // Called on the source's own thread, for the first look and then whenever something changed or
  // the problems are other ones than before.
  using Report = std::function<void(const FolderReport&)>;

  // Starts a thread that reads, applies, and watches. `store`, and what `report` refers to, must
  // outlive it. kInvalid: no paths. A path that does not exist is a problem in the report, and is
  // found when it comes.
  static Result<std::unique_ptr<FolderSource>> start(store::Store& store, FolderOptions options,
                                                     Report report);
  // Stops and joins. The objects stay in the store.
  virtual ~FolderSource() = default;
};

}  // namespace duet::source
