#include "cluster/pod_source.h"

#include <utility>

#include "cluster/api_error.h"
#include "cluster/local_objects.h"
#include "cluster/pod_requests.h"
#include "object/kind.h"

namespace duet::cluster {
namespace {

// What wakes the sweep after pods that are gone, once for however many: no pod is called so.
constexpr const char* kSweepKey = "/";

// How it is remembered that the server was asked to forget this very pod.
std::string removal_of(const ClusterPod& pod) { return "removed " + pod.uid; }

bool is_marked(const object::Object& stored) {
  const Json json = Json::parse(stored.json, nullptr, false);
  return json.is_object() && json.value("metadata", Json::object()).contains("deletionTimestamp");
}

}  // namespace

PodSource::PodSource(store::Store& store, NeededObjects& needed, ApiClientPool& api,
                     const CurrentAccess& access, const sys::Clock& clock, sys::Random& random,
                     Options options)
    : store_(store),
      needed_(needed),
      api_(api),
      access_(access),
      options_(std::move(options)),
      tokens_(store, api, clock),
      references_(std::make_unique<PodReferences>(
          store, access, clock, random,
          PodReferences::Options{.known = [this](const object::ObjectKey& key) { wake_users(key); },
                                 .log = options_.log})) {}

std::unique_ptr<PodSource> PodSource::start(store::Store& store, NeededObjects& needed,
                                            ApiClientPool& api, const CurrentAccess& access,
                                            const sys::Clock& clock, sys::Random& random,
                                            Options options) {
  std::unique_ptr<PodSource> source(
      new PodSource(store, needed, api, access, clock, random, std::move(options)));
  PodSource& self = *source;
  auto controller = store::Controller::start(
      store,
      {.name = "cluster pods",
       .kinds = {object::Kind::kPod},
       .worker_limit = self.options_.request_limit},
      [&self](const store::WatchEvent& event) {
        return self.concerns(event.object)
                   ? std::vector<std::string>{store::key_text(event.object.key)}
                   : std::vector<std::string>{};
      },
      [&self](const std::string& key) { return self.reconcile(key); }, self.options_.log);
  const std::lock_guard lock(self.mutex_);
  self.controller_ = std::move(controller);
  return source;
}

// Nobody brings news any more; what heard of references must not wake the controller that ends now.
PodSource::~PodSource() { references_->follow({}); }

// Whether a pod of a cluster is the machine's other Node's.
bool PodSource::is_other(const object::Object& stored) const {
  return !options_.other_node.empty() && bound_node(stored) == options_.other_node;
}

// One of the other Node does when it goes and leaves its name to one of this.
bool PodSource::concerns(const object::Object& stored) const {
  return is_of_cluster(stored) && (!is_other(stored) || find(store::key_text(stored.key)));
}

// Null: what came is no pod.
PodSource::KnownPod PodSource::read(const Json& pod) const {
  auto read = read_cluster_pod(pod);
  if (!read.ok()) {
    options_.log("cluster: " + read.error().message());
    return nullptr;
  }
  return std::make_shared<const ClusterPod>(std::move(*read));
}

// What the pods name: ConfigMaps and Secrets.
std::set<object::ObjectKey> PodSource::used() const {
  const std::lock_guard lock(mutex_);
  std::set<object::ObjectKey> all;
  for (const auto& [key, pod] : pods_) {
    all.insert(pod->references.begin(), pod->references.end());
  }
  return all;
}

// What the pods name and what is made for them stays in the store. Holds the lock.
void PodSource::need() {
  std::set<object::ObjectKey> all;
  for (const auto& [key, pod] : pods_) {
    all.insert(pod->references.begin(), pod->references.end());
    for (const TokenClaim& claim : token_claims_of(*pod)) {
      all.insert(claim.secret);
    }
  }
  needed_.set(options_.node_name, std::move(all));
}

void PodSource::wake_users(const object::ObjectKey& reference) {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, pod] : pods_) {
    if (pod->references.contains(reference)) {
      controller_->wake(key);
    }
  }
}

void PodSource::replace(const std::vector<Json>& pods) {
  take_all(pods);
  references_->follow(used());
}

void PodSource::take_all(const std::vector<Json>& pods) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, KnownPod> before;
  before.swap(pods_);
  told_.clear();
  for (const Json& one : pods) {
    if (KnownPod pod = read(one)) {
      pods_.insert_or_assign(store::key_text(pod->key), std::move(pod));
    }
  }
  need();
  listed_ = true;
  online_ = true;
  for (const auto* map : {&before, &pods_}) {
    for (const auto& [key, pod] : *map) {
      controller_->wake(key);
    }
  }
  // Pods of an agent before this one, which the cluster has no more, or which are of a Node that
  // this machine is no more.
  if (const auto stored = store_.list(object::Kind::kPod); stored.ok()) {
    for (const object::Object& one : stored->objects) {
      if (is_of_cluster(one) && !is_other(one)) {
        controller_->wake(store::key_text(one.key));
      }
    }
  }
}

void PodSource::change(ApiWatch::Type type, const Json& pod) {
  const KnownPod next = read(pod);
  if (!next) {
    return;
  }
  const std::string key = store::key_text(next->key);
  const KnownPod before = find(key);
  const bool gone = type == ApiWatch::Type::kDeleted;
  const bool needs_others =
      gone || !before || before->uid != next->uid || before->references != next->references;
  {
    const std::lock_guard lock(mutex_);
    // A pod that is removed changes once more before it goes.
    if (const auto told = told_.find(key);
        told != told_.end() && (gone || told->second != removal_of(*next))) {
      told_.erase(told);
    }
    if (gone) {
      pods_.erase(key);
    } else {
      pods_.insert_or_assign(key, next);
    }
    if (needs_others) {
      need();
    }
    controller_->wake(key);
  }
  if (needs_others) {
    references_->follow(used());
  }
}

void PodSource::set_online(bool online) {
  const std::lock_guard lock(mutex_);
  online_ = online;
  if (online) {
    for (const auto& [key, pod] : pods_) {
      controller_->wake(key);  // what could not be told meanwhile
    }
  }
}

bool PodSource::is_online() const {
  const std::lock_guard lock(mutex_);
  return online_;
}

bool PodSource::knows_all() const {
  const std::lock_guard lock(mutex_);
  return listed_;
}

// Null: the cluster has none of that name for this node.
PodSource::KnownPod PodSource::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = pods_.find(key);
  return found == pods_.end() ? nullptr : found->second;
}

Result<PodSource::Next> PodSource::reconcile(const std::string& key) {
  if (!knows_all()) {
    return Next{};  // what an agent before this one left goes on until the cluster has spoken
  }
  if (key == kSweepKey) {
    return sweep();
  }
  DUET_ASSIGN(std::optional<object::Object> stored,
              find_stored(store_, store::key_from_text(object::Kind::kPod, key)));
  const KnownPod pod = find(key);
  if (stored && !is_of_cluster(*stored)) {
    if (pod) {
      options_.log(
          "cluster: " + object::describe(pod->key) +
          " is not started: another one of that name came from this site; remove one of them");
    }
    return Next{};
  }
  if (stored && is_other(*stored)) {
    return Next{};  // it goes first
  }
  if (!pod || (stored && stored->uid != pod->uid)) {
    if (stored) {
      // Its successor comes when it is gone.
      DUET_TRY(remove_stored(store_, *stored, std::nullopt));
    } else {
      controller_->wake(kSweepKey);
    }
    return Next{};
  }
  if (pod->deleting) {
    if (!stored) {
      return end_in_cluster(*pod);
    }
    DUET_TRY(remove_stored(store_, *stored, pod->grace_seconds));
    return tell_status(*pod, *stored);
  }
  return sync_living(*pod, stored);
}

Result<PodSource::Next> PodSource::sync_living(const ClusterPod& pod,
                                               const std::optional<object::Object>& stored) {
  if (!stored) {
    return pod.over ? Result<Next>(Next{}) : make(pod);  // what is over does not run again
  }
  if (!is_marked(*stored)) {
    const auto updated = store_.update(stored_pod(pod, &*stored, access_.get()->endpoint));
    if (!updated.ok()) {
      return updated.error();
    }
  }
  return tell_status(pod, *stored);
}

// A pod starts with all that it names: with a ConfigMap that came a moment later it would have
// waited and said so, or begun without an optional one.
Result<PodSource::Next> PodSource::make(const ClusterPod& pod) {
  if (!references_->knows(pod.references)) {
    return Next{};  // wake_users() comes
  }
  DUET_TRY(make_namespace(store_, pod.key.ns));
  DUET_ASSIGN(const auto token_ms, tokens_.refresh(pod));
  const auto made = store_.create(stored_pod(pod, nullptr, access_.get()->endpoint));
  if (!made.ok()) {
    return made.error();
  }
  return Next{token_ms};
}

// Before it is asked; false: it was asked for just that already, and what came of it is on its way.
bool PodSource::note_told(const std::string& key, const std::string& what) {
  const std::lock_guard lock(mutex_);
  return std::exchange(told_[key], what) != what;
}

void PodSource::forget_told(const std::string& key) {
  const std::lock_guard lock(mutex_);
  told_.erase(key);
}

// What is left of pods that are gone.
Result<PodSource::Next> PodSource::sweep() {
  DUET_TRY(needed_.remove_others());
  const std::lock_guard lock(mutex_);
  std::erase_if(told_, [this](const auto& one) { return !pods_.contains(one.first); });
  return Next{};
}

// Its containers are gone from this node: the cluster may forget the pod.
Result<PodSource::Next> PodSource::end_in_cluster(const ClusterPod& pod) {
  const std::string key = store::key_text(pod.key);
  if (!is_online() || !note_told(key, removal_of(pod))) {
    return Next{};
  }
  const Status removed = remove_pod(*api_.borrow(), pod);
  if (!removed.ok()) {
    forget_told(key);
    return removed.error();
  }
  return Next{};
}

Result<PodSource::Next> PodSource::tell_status(const ClusterPod& pod,
                                               const object::Object& stored) {
  const auto patch = status_patch(pod, stored);
  const std::string key = store::key_text(pod.key);
  if (patch && is_online() && note_told(key, to_text(*patch))) {
    const auto told = send_status(*api_.borrow(), pod, *patch);
    if (!told.ok() && !is_moot(told.error())) {
      forget_told(key);
      return told.error();
    }
    if (!told.ok() && told.error().code() == ErrorCode::kInvalid) {
      options_.log("cluster: the status of " + object::describe(pod.key) +
                   " was refused: " + told.error().message());
    }
  }
  if (pod.deleting || pod.over || !is_online()) {
    return Next{};
  }
  DUET_ASSIGN(const auto token_ms, tokens_.refresh(pod));
  return Next{token_ms};
}

}  // namespace duet::cluster
