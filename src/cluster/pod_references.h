#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "base/result.h"
#include "cluster/access.h"
#include "object/object.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

// The ConfigMaps and Secrets that pods of this node name, brought into its store and kept up to
// date: each is followed by its name, for the Node authorizer lets a node see no list of them. One
// that the cluster deletes stays here until no pod names it. Thread-safe.
class PodReferences {
 public:
  struct Options {
    std::size_t followed_limit = 512;  // objects at a time, a connection and a thread each
    // Of an object was heard for the first time, whether it is there or not.
    std::function<void(const object::ObjectKey& key)> known;
    std::function<void(const std::string& line)> log;
  };

  // What is given must outlive this.
  PodReferences(store::Store& store, const CurrentAccess& access, const sys::Clock& clock,
                sys::Random& random, Options options);
  // Stops following; the store stays as it is.
  ~PodReferences();
  PodReferences(const PodReferences&) = delete;
  PodReferences& operator=(const PodReferences&) = delete;

  // Follows `wanted` and nothing else. Namespaces are made as they are needed.
  void follow(const std::set<object::ObjectKey>& wanted);
  // Whether the server was heard of all of `keys`.
  bool knows(const std::set<object::ObjectKey>& keys) const;

 private:
  class Reference;
  void heard(const object::ObjectKey& key);

  store::Store& store_;
  const CurrentAccess& access_;
  const sys::Clock& clock_;
  sys::Random& random_;
  Options options_;
  mutable std::mutex mutex_;
  std::set<object::ObjectKey> known_;
  bool full_ = false;  // said that there are too many
  std::map<object::ObjectKey, std::unique_ptr<Reference>> followed_;
};

}  // namespace duet::cluster
