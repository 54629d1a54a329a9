#pragma once

#include <map>
#include <string>
#include <vector>

#include "object/manifest.h"
#include "source/folder.h"
#include "source/manifest_files.h"
#include "source/ownership.h"
#include "store/store.h"
#include "sys/file_stamp.h"

namespace duet::source {

// Brings the store to what the files say, one look at a time. Not thread-safe.
class FolderSync {
 public:
  FolderSync(store::Store& store, const FolderOptions& options)
      : store_(store), options_(options) {}

  struct Outcome {
    FolderReport report;
    bool waits = false;  // for something to go; look again soon
    bool news = false;   // worth telling
  };
  Outcome run(const ManifestFiles& files);

 private:
  struct Entry {
    object::ObjectKey key;
    Fingerprint fingerprint;
    int line = 0;
  };
  // A file as it was read last. Its objects' JSON is not kept: the store has it.
  struct Known {
    sys::FileStamp stamp;
    std::string shown;
    bool broken = false;
    std::vector<object::Problem> problems;
    std::vector<Entry> entries;
  };
  // An object that a file wants.
  struct Wish {
    std::string path;
    const Entry* entry;
  };
  struct Stored {
    object::ObjectKey key;
    std::string uid;
    Ownership ownership;
  };

  void read_files(const ManifestFiles& files);
  Known read_file(const ManifestFile& file);
  static Known keep_file(Known known, const std::string& why);
  std::vector<Wish> collect_wishes(const ManifestFiles& files);
  void apply(const Wish& wish);
  void create(const Wish& wish);
  void change(const Wish& wish, const object::Object& stored, const Ownership& ownership);
  Status remove_vanished(const std::vector<Wish>& wishes);
  Result<std::vector<Stored>> list_owned();
  // The object of `wish` with the marks of this source.
  Result<object::Object> marked_object(const Wish& wish);
  // What came from `path` must stay: nothing certain is known about it.
  bool is_kept(const std::string& path) const;
  void tell(FolderChange::Type type, const Wish& wish);
  void tell_problem(const Wish& wish, const std::string& message);
  void tell_failure(const Wish& wish, const Error& error);
  bool is_news();

  store::Store& store_;
  const FolderOptions& options_;
  std::map<std::string, Known> known_;  // by path
  std::vector<std::string> last_problems_;
  bool first_ = true;
  // Of the look that runs.
  std::map<std::string, object::Manifest> open_;
  std::vector<std::string> unknown_;
  std::vector<object::Problem> problems_;
  Outcome outcome_;
};

}  // namespace duet::source
