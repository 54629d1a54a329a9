#include "cluster/mirror_pods.h"

#include <utility>

#include "cluster/api_error.h"
#include "cluster/local_objects.h"
#include "cluster/mirror_pod.h"
#include "cluster/pod_requests.h"
#include "object/kind.h"

namespace duet::cluster {
std::unique_ptr<MirrorPods> MirrorPods::start(store::Store& store, ApiClient& api,
                                              std::string node_name,
                                              std::function<void(const std::string&)> log) {
  std::unique_ptr<MirrorPods> mirrors(
      new MirrorPods(store, api, std::move(node_name), std::move(log)));
  MirrorPods& self = *mirrors;
  auto controller = store::Controller::start(
      store, {.name = "mirror pods", .kinds = {object::Kind::kPod}, .worker_limit = 1},
      [](const store::WatchEvent& event) {
        return is_of_cluster(event.object)
                   ? std::vector<std::string>{}
                   : std::vector<std::string>{store::key_text(event.object.key)};
      },
      [&self](const std::string& key) { return self.reconcile(key); }, self.log_);
  const std::lock_guard lock(self.mutex_);
  self.controller_ = std::move(controller);
  return mirrors;
}

std::string MirrorPods::key_of(const Json& mirror) const {
  const Json metadata = member(mirror, "metadata");
  const std::string name = text_of(metadata, "name");
  const std::string end = mirror_name("", node_name_);
  return is_mirror(mirror) && name.ends_with(end)
             ? text_of(metadata, "namespace") + "/" + name.substr(0, name.size() - end.size())
             : std::string();
}

// Holds the lock.
void MirrorPods::wake_all() {
  for (const auto& [key, mirror] : mirrors_) {
    controller_->wake(key);
  }
  const auto stored = store_.list(object::Kind::kPod);
  if (!stored.ok()) {
    return;
  }
  for (const object::Object& one : stored->objects) {
    if (!is_of_cluster(one)) {
      controller_->wake(store::key_text(one.key));
    }
  }
}

void MirrorPods::set_node_uid(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(node_uid_, uid) != uid) {
    wake_all();
  }
}

void MirrorPods::replace(const std::vector<Json>& pods) {
  const std::lock_guard lock(mutex_);
  mirrors_.clear();
  for (const Json& pod : pods) {
    auto read = read_cluster_pod(pod);
    if (const std::string key = key_of(pod); !key.empty() && read.ok()) {
      mirrors_.insert_or_assign(key, std::move(*read));
    }
  }
  listed_ = true;
  online_ = true;
  wake_all();
}

void MirrorPods::change(ApiWatch::Type type, const Json& pod) {
  auto read = read_cluster_pod(pod);
  const std::string key = key_of(pod);
  if (key.empty() || !read.ok()) {
    return;
  }
  const std::lock_guard lock(mutex_);
  if (type == ApiWatch::Type::kDeleted) {
    mirrors_.erase(key);
  } else {
    mirrors_.insert_or_assign(key, std::move(*read));
  }
  controller_->wake(key);
}

void MirrorPods::set_online(bool online) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(online_, online) != online && online) {
    wake_all();
  }
}

std::optional<MirrorPods::View> MirrorPods::look(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  if (!online_ || !listed_ || node_uid_.empty()) {
    return std::nullopt;
  }
  const auto found = mirrors_.find(key);
  return View{node_uid_, found == mirrors_.end() ? std::nullopt : std::optional(found->second)};
}

Result<MirrorPods::Next> MirrorPods::reconcile(const std::string& key) {
  const std::optional<View> view = look(key);
  if (!view) {
    return Next{};
  }
  DUET_ASSIGN(auto stored, find_stored(store_, store::key_from_text(object::Kind::kPod, key)));
  if (stored && is_of_cluster(*stored)) {
    stored.reset();
  }
  if (!stored) {
    return view->mirror ? remove(*view->mirror) : Result<Next>(Next{});
  }
  if (!view->mirror) {
    return make(*stored, view->node_uid);
  }
  // One that was deleted in the cluster, or is of a pod before this one, makes room for the next.
  if (view->mirror->deleting || mirror_mark(view->mirror->object) != mirror_mark(*stored)) {
    return remove(*view->mirror);
  }
  return tell_status(*view->mirror, *stored);
}

Result<MirrorPods::Next> MirrorPods::make(const object::Object& stored,
                                          const std::string& node_uid) {
  const auto made = api_.create(pods_path(stored.key.ns), mirror_pod(stored, node_name_, node_uid));
  if (!made.ok() && is_refusal(made.error())) {
    const std::string text = made.error().message();
    if (std::exchange(refused_, text) != text) {
      log_("cluster: " + object::describe(stored.key) + " is not shown there: " + text);
    }
    return Next{};
  }
  return made.ok() || made.error().code() == ErrorCode::kAlreadyExists ? Result<Next>(Next{})
                                                                       : made.error();
}

Result<MirrorPods::Next> MirrorPods::remove(const ClusterPod& mirror) {
  DUET_TRY(remove_pod(api_, mirror));
  return Next{};
}

Result<MirrorPods::Next> MirrorPods::tell_status(const ClusterPod& mirror,
                                                 const object::Object& stored) {
  const Json json = Json::parse(stored.json, nullptr, false);
  const auto patch = status_patch(mirror, member(json, "status"));
  if (!patch) {
    return Next{};
  }
  const auto told = send_status(api_, mirror, *patch);
  return told.ok() || is_moot(told.error()) ? Result<Next>(Next{}) : told.error();
}

}  // namespace duet::cluster
