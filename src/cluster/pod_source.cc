#include "cluster/pod_source.h"

#include "object/kind.h"

namespace duet::cluster {
namespace {

constexpr std::int64_t kMissingRetryMs = 10'000;  // a ConfigMap or Secret that is not there yet

std::string pod_path(const object::ObjectKey& key) {
  return "/api/v1/namespaces/" + key.ns + "/pods/" + key.name;
}

bool is_marked(const object::Object& stored) {
  const Json json = Json::parse(stored.json, nullptr, false);
  return json.is_object() && json.value("metadata", Json::object()).contains("deletionTimestamp");
}

// An object that is in the store; nothing: none is.
Result<std::optional<object::Object>> find_stored(store::Store& store,
                                                  const object::ObjectKey& key) {
  auto stored = store.get(key);
  if (stored.ok()) {
    return std::optional(std::move(*stored));
  }
  if (stored.error().code() == ErrorCode::kNotFound) {
    return std::optional<object::Object>();
  }
  return stored.error();
}

}  // namespace

std::unique_ptr<PodSource> PodSource::start(store::Store& store, ApiClient& api,
                                            std::function<void(const std::string&)> log) {
  std::unique_ptr<PodSource> source(new PodSource(store, api, std::move(log)));
  PodSource& self = *source;
  auto controller = store::Controller::start(
      store, {.name = "cluster pods", .kinds = {object::Kind::kPod}, .worker_limit = 1},
      [](const store::WatchEvent& event) {
        return is_of_cluster(event.object)
                   ? std::vector<std::string>{store::key_text(event.object.key)}
                   : std::vector<std::string>{};
      },
      [&self](const std::string& key) { return self.reconcile(key); }, self.log_);
  const std::lock_guard lock(self.mutex_);
  self.controller_ = std::move(controller);
  return source;
}

void PodSource::keep(const Json& pod) {
  auto read = read_cluster_pod(pod);
  if (!read.ok()) {
    log_("cluster: " + read.error().message());
    return;
  }
  const std::string key = store::key_text(read->key);
  pods_.insert_or_assign(key, std::move(*read));
}

void PodSource::replace(const std::vector<Json>& pods) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, ClusterPod> before;
  before.swap(pods_);
  for (const Json& pod : pods) {
    keep(pod);
  }
  listed_ = true;
  online_ = true;
  for (const auto* map : {&before, &pods_}) {
    for (const auto& [key, pod] : *map) {
      controller_->wake(key);
    }
  }
  // Pods of an agent before this one, which the cluster has no more.
  if (const auto stored = store_.list(object::Kind::kPod); stored.ok()) {
    for (const object::Object& one : stored->objects) {
      if (is_of_cluster(one)) {
        controller_->wake(store::key_text(one.key));
      }
    }
  }
}

void PodSource::change(ApiWatch::Type type, const Json& pod) {
  auto read = read_cluster_pod(pod);
  if (!read.ok()) {
    log_("cluster: " + read.error().message());
    return;
  }
  const std::lock_guard lock(mutex_);
  const std::string key = store::key_text(read->key);
  if (type == ApiWatch::Type::kDeleted) {
    pods_.erase(key);
  } else {
    pods_.insert_or_assign(key, std::move(*read));
  }
  controller_->wake(key);
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

std::optional<ClusterPod> PodSource::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = pods_.find(key);
  return found == pods_.end() ? std::nullopt : std::optional(found->second);
}

Result<PodSource::Next> PodSource::reconcile(const std::string& key) {
  if (!knows_all()) {
    return Next{};  // what an agent before this one left goes on until the cluster has spoken
  }
  DUET_ASSIGN(std::optional<object::Object> stored,
              find_stored(store_, store::key_from_text(object::Kind::kPod, key)));
  const std::optional<ClusterPod> pod = find(key);
  if (stored && !is_of_cluster(*stored)) {
    if (pod) {
      log_("cluster: " + object::describe(pod->key) +
           " is not started: another one of that name came from this site; remove one of them");
    }
    return Next{};
  }
  if (!pod || (stored && stored->uid != pod->uid)) {
    if (stored) {
      DUET_TRY(remove_stored(*stored, std::nullopt));  // its successor comes when it is gone
    } else {
      DUET_TRY(drop_unused());
    }
    return Next{};
  }
  if (pod->deleting) {
    if (!stored) {
      return end_in_cluster(*pod);
    }
    DUET_TRY(remove_stored(*stored, pod->grace_seconds));
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
    const auto updated = store_.update(stored_pod(pod, &*stored));
    if (!updated.ok()) {
      return updated.error();
    }
  }
  return tell_status(pod, *stored);
}

Result<PodSource::Next> PodSource::make(const ClusterPod& pod) {
  DUET_TRY(make_namespace(pod.key.ns));
  DUET_ASSIGN(const bool missing, fetch_references(pod));
  const auto made = store_.create(stored_pod(pod, nullptr));
  if (!made.ok()) {
    return made.error();
  }
  return missing ? Next{kMissingRetryMs} : Next{};
}

Status PodSource::remove_stored(const object::Object& stored,
                                std::optional<std::int64_t> grace_seconds) {
  store::DeleteOptions options{.grace_period_seconds = grace_seconds, .uid = stored.uid};
  const Status removed = store_.remove(stored.key, options);
  return removed.ok() || removed.error().code() == ErrorCode::kNotFound ? Status() : removed;
}

// Its containers are gone from this node: the cluster may forget the pod.
Result<PodSource::Next> PodSource::end_in_cluster(const ClusterPod& pod) {
  if (!is_online()) {
    return Next{};
  }
  const auto ended = api_.remove(pod_path(pod.key), {{"apiVersion", "v1"},
                                                     {"kind", "DeleteOptions"},
                                                     {"gracePeriodSeconds", 0},
                                                     {"preconditions", {{"uid", pod.uid}}}});
  if (!ended.ok() && ended.error().code() != ErrorCode::kNotFound &&
      ended.error().code() != ErrorCode::kConflict) {
    return ended.error();
  }
  return Next{};
}

Result<PodSource::Next> PodSource::tell_status(const ClusterPod& pod,
                                               const object::Object& stored) {
  const auto patch = status_patch(pod, stored);
  if (patch && is_online()) {
    const auto told = api_.patch(pod_path(pod.key) + "/status", PatchType::kStrategic, *patch);
    // Gone, or another pod by now: the watch will say so.
    if (!told.ok() && told.error().code() != ErrorCode::kNotFound &&
        told.error().code() != ErrorCode::kConflict) {
      return told.error();
    }
  }
  DUET_ASSIGN(const bool missing, fetch_references(pod));
  return missing ? Next{kMissingRetryMs} : Next{};
}

// Those that are in the store already are not asked for again.
Result<bool> PodSource::fetch_references(const ClusterPod& pod) {
  bool missing = false;
  for (const object::ObjectKey& key : references_of(pod)) {
    DUET_ASSIGN(const auto stored, find_stored(store_, key));
    if (stored || !is_online()) {
      continue;
    }
    const Status fetched = fetch(key);
    if (!fetched.ok() && fetched.error().code() != ErrorCode::kNotFound) {
      return fetched.error();
    }
    missing = missing || !fetched.ok();
  }
  return missing;
}

Status PodSource::fetch(const object::ObjectKey& key) {
  const std::string path = "/api/v1/namespaces/" + key.ns + "/" +
                           std::string(object::kind_info(key.kind).plural) + "/" + key.name;
  DUET_ASSIGN(Json json, api_.get(path));
  const auto made = store_.create(stored_object(key, std::move(json)));
  return made.ok() ? Status() : Status(made.error());
}

Status PodSource::make_namespace(const std::string& name) {
  const object::ObjectKey key{object::Kind::kNamespace, "", name};
  DUET_ASSIGN(const auto stored, find_stored(store_, key));
  if (stored) {
    return {};
  }
  const auto made = store_.create(stored_object(key, {{"metadata", {{"name", name}}}}));
  return made.ok() ? Status() : Status(made.error());
}

// ConfigMaps and Secrets that no pod of this node names any more.
Status PodSource::drop_unused() {
  std::set<object::ObjectKey> used;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, pod] : pods_) {
      used.merge(references_of(pod));
    }
  }
  for (const object::Kind kind : {object::Kind::kConfigMap, object::Kind::kSecret}) {
    DUET_ASSIGN(const store::Listing all, store_.list(kind));
    for (const object::Object& one : all.objects) {
      if (is_of_cluster(one) && !used.contains(one.key)) {
        DUET_TRY(remove_stored(one, std::nullopt));
      }
    }
  }
  return {};
}

}  // namespace duet::cluster
