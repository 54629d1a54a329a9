#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/result.h"
#include "object/object.h"
#include "store/store.h"

namespace duet::cluster {

// Which of a cluster's ConfigMaps and Secrets are needed here: by the pods of each Node that this
// machine is there. The others go. Thread-safe.
class NeededObjects {
 public:
  // For all Nodes of the machine. `store` must outlive this.
  NeededObjects(store::Store& store, std::set<std::string> nodes)
      : store_(store), nodes_(std::move(nodes)) {}

  // What the pods of `node` need from now on. To be called when all of them are known, and before
  // something new of it is brought into the store: what is needed then is not removed any more.
  void set(const std::string& node, std::set<object::ObjectKey> objects);

  // Removes what nobody needs; nothing as long as the pods of some Node are not known.
  Status remove_others();

 private:
  bool is_needed(const object::ObjectKey& key) const;

  store::Store& store_;
  const std::set<std::string> nodes_;
  std::mutex mutex_;
  std::map<std::string, std::set<object::ObjectKey>> needed_;  // by Node
};

}  // namespace duet::cluster
