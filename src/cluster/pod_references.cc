#include "cluster/pod_references.h"

#include <algorithm>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "cluster/api_client.h"
#include "cluster/follower.h"
#include "cluster/local_objects.h"
#include "cluster/pod_mirror.h"
#include "object/kind.h"

namespace duet::cluster {
namespace {

std::string list_path(const object::ObjectKey& key) {
  return "/api/v1/namespaces/" + key.ns + "/" + std::string(object::kind_info(key.kind).plural);
}

}  // namespace

// One object, on a thread of its own.
class PodReferences::Reference {
 public:
  Reference(PodReferences& all, object::ObjectKey key)
      : all_(all),
        key_(std::move(key)),
        thread_([this](const std::stop_token& stop) { follow(stop); }) {}

  void request_stop() { thread_.request_stop(); }

 private:
  void follow(const std::stop_token& stop) {
    ApiClient client(all_.access_, all_.clock_, all_.random_, stop);
    Follower follower(
        client, all_.clock_, all_.random_,
        {.path = list_path(key_), .query = {{"fieldSelector", "metadata.name=" + key_.name}}},
        {.replace = [this](const std::vector<Json>& objects) { take_all(objects); },
         .change =
             [this](ApiWatch::Type type, const Json& object) {
               if (type != ApiWatch::Type::kDeleted) {
                 take(object);
               }
             },
         .report =
             [this](const Status& status) {
               if (!status.ok()) {
                 log(status.error().message());
               }
             }});
    follower.run(stop);
  }

  void take_all(const std::vector<Json>& objects) {
    for (const Json& object : objects) {
      take(object);
    }
    all_.heard(key_);
  }

  void take(const Json& object) {
    const auto kept = keep(object);
    if (!kept.ok()) {
      log(kept.error().message());
    }
  }

  // What this site has of its own under the name is not written over.
  Status keep(const Json& object) {
    if (text_of(member(object, "metadata"), "name") != key_.name) {
      return Error(ErrorCode::kCorrupt, "the server sent another object");
    }
    DUET_ASSIGN(const auto stored, find_stored(all_.store_, key_));
    if (stored && !is_of_cluster(*stored)) {
      return Error(ErrorCode::kAlreadyExists, "another one of that name came from this site");
    }
    DUET_TRY(make_namespace(all_.store_, key_.ns));
    const auto kept = all_.store_.apply(stored_object(key_, object));
    return kept.ok() ? Status() : Status(kept.error());
  }

  void log(const std::string& what) const {
    all_.options_.log("cluster: " + object::describe(key_) + ": " + what);
  }

  PodReferences& all_;
  object::ObjectKey key_;
  std::jthread thread_;  // the last member: it uses the others
};

PodReferences::PodReferences(store::Store& store, const CurrentAccess& access,
                             const sys::Clock& clock, sys::Random& random, Options options)
    : store_(store),
      access_(access),
      clock_(clock),
      random_(random),
      options_(std::move(options)) {}

PodReferences::~PodReferences() { follow({}); }

void PodReferences::follow(const std::set<object::ObjectKey>& wanted) {
  std::vector<std::unique_ptr<Reference>> left;  // ended without the lock, which they want
  bool too_many = false;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = followed_.begin(); it != followed_.end();) {
      if (wanted.contains(it->first)) {
        ++it;
        continue;
      }
      it->second->request_stop();
      left.push_back(std::move(it->second));
      known_.erase(it->first);
      it = followed_.erase(it);
    }
    for (const object::ObjectKey& key : wanted) {
      if (!followed_.contains(key) && followed_.size() < options_.followed_limit) {
        followed_.emplace(key, std::make_unique<Reference>(*this, key));
      }
    }
    too_many = !std::exchange(full_, followed_.size() < wanted.size()) && full_;
  }
  if (too_many) {
    options_.log("cluster: pods name more than " + std::to_string(options_.followed_limit) +
                 " ConfigMaps and Secrets; pods that name others wait");
  }
}

bool PodReferences::knows(const std::set<object::ObjectKey>& keys) const {
  const std::lock_guard lock(mutex_);
  return std::includes(known_.begin(), known_.end(), keys.begin(), keys.end());
}

void PodReferences::heard(const object::ObjectKey& key) {
  {
    const std::lock_guard lock(mutex_);
    if (!followed_.contains(key) || !known_.insert(key).second) {
      return;
    }
  }
  options_.known(key);
}

}  // namespace duet::cluster
