#include "cluster/service_source.h"

#include <algorithm>
#include <optional>
#include <stop_token>
#include <utility>

#include "cluster/api_client.h"
#include "cluster/cluster_route.h"
#include "cluster/follower.h"
#include "cluster/local_objects.h"
#include "cluster/object_path.h"
#include "cluster/pod_mirror.h"
#include "object/kind.h"

namespace duet::cluster {
namespace {

using object::Kind;

constexpr Kind kKinds[] = {Kind::kService, Kind::kEndpointSlice, Kind::kIngress, Kind::kHttpRoute};

// Worked on after the Services that were listed before it.
constexpr const char* kHeard = "heard";

bool is_of_class(const Json& ingress, const std::string& name) {
  return text_of(member(ingress, "spec"), "ingressClassName") == name;
}

// An HTTPRoute as it is kept until the Gateway has a say: with its status, which is told to others.
object::Object as_sent(const object::ObjectKey& key, Json route) {
  route["metadata"].erase("managedFields");
  return {key, text_of(member(route, "metadata"), "uid"), 0, to_text(route)};
}

// What is missing on this node, as long as a kind may not be seen.
std::string advice_when_refused(Kind kind) {
  const std::string right = "; examples/cluster/route-rights.yaml has the right, without it ";
  switch (kind) {
    case Kind::kIngress:
      return right + "no Ingress comes from the cluster";
    case Kind::kHttpRoute:
      return right + "no HTTPRoute comes from the cluster";
    case Kind::kEndpointSlice:
      return right + "only this node's own pods answer for Services";
    default:
      return "";  // every node may see Services
  }
}

// Only a kind that a cluster need not have is not found.
bool has_no_such_kind(Kind kind, const Error& error) {
  return kind == Kind::kHttpRoute && error.code() == ErrorCode::kNotFound;
}

}  // namespace

Result<bool> knew_services(store::Store& store) {
  for (const Kind kind : {Kind::kService, Kind::kPod}) {
    DUET_ASSIGN(const auto stored, store.list(kind));
    if (std::any_of(stored.objects.begin(), stored.objects.end(),
                    [](const object::Object& one) { return is_of_cluster(one); })) {
      return true;
    }
  }
  return false;
}

ServiceSource::ServiceSource(store::Store& store, const CurrentAccess& access,
                             const sys::Clock& clock, sys::Random& random, Options options)
    : store_(store), access_(access), clock_(clock), random_(random), options_(std::move(options)) {
  add(list_path(Kind::kService), {.kind = Kind::kService, .object_limit = options_.service_limit});
  add(list_path(Kind::kEndpointSlice),
      {.kind = Kind::kEndpointSlice, .object_limit = options_.slice_limit});
  add(options_.ingress_class.empty() ? "" : list_path(Kind::kIngress),
      {.kind = Kind::kIngress,
       .object_limit = options_.ingress_limit,
       .wanted = [name = options_.ingress_class](const Json& ingress) {
         return is_of_class(ingress, name);
       }});
  add_http_routes();
}

void ServiceSource::add_http_routes() {
  if (!options_.gateway) {
    return add("", {.kind = Kind::kHttpRoute});
  }
  add(list_path(Kind::kHttpRoute),
      {.kind = Kind::kHttpRoute,
       .object_limit = options_.http_route_limit,
       .wanted = [name = *options_.gateway](
                     const Json& route) { return !parents_named(route, name).empty(); },
       .form = as_sent});
  gateway_ = std::make_unique<FollowedGateway>(
      access_, clock_, random_,
      FollowedGateway::Options{.name = *options_.gateway,
                               .refused_pause_ms = options_.refused_pause_ms,
                               .changed = [this] { gateway_changed(); },
                               .log = options_.log});
}

// An empty path: what an agent before this one has brought of the kind goes.
void ServiceSource::add(std::string path, ListedObjects::Options listed) {
  listed.object_bytes = options_.object_bytes;
  listed.total_bytes = options_.kind_bytes;
  listed.log = options_.log;
  followed_.push_back(std::make_unique<Followed>(std::move(path), std::move(listed)));
  if (followed_.back()->path.empty()) {
    followed_.back()->objects.replace({});
  }
}

std::unique_ptr<ServiceSource> ServiceSource::start(store::Store& store,
                                                    const CurrentAccess& access,
                                                    const sys::Clock& clock, sys::Random& random,
                                                    Options options) {
  std::unique_ptr<ServiceSource> source(
      new ServiceSource(store, access, clock, random, std::move(options)));
  ServiceSource& self = *source;
  source->controller_ = store::Controller::start(
      store,
      {.name = "cluster services",
       .kinds = {std::begin(kKinds), std::end(kKinds)},
       .worker_limit = 1},
      [](const store::WatchEvent& event) {
        return std::vector<std::string>{work_key(event.object.key)};
      },
      [&self](const std::string& key) { return self.reconcile(key); }, self.options_.log);
  return source;
}

ServiceSource::~ServiceSource() {
  if (gateway_) {
    gateway_->stop();
  }
  for (const auto& one : followed_) {
    one->thread.request_stop();
  }
  for (const auto& one : followed_) {
    if (one->thread.joinable()) {
      one->thread.join();
    }
  }
}

void ServiceSource::follow() {
  if (gateway_) {
    gateway_->follow();
  }
  for (const auto& one : followed_) {
    if (!one->path.empty() && !one->thread.joinable()) {
      one->thread = std::jthread(
          [this, &followed = *one](const std::stop_token& stop) { run(followed, stop); });
    }
  }
}

void ServiceSource::run(Followed& followed, const std::stop_token& stop) {
  ApiClient client(access_, clock_, random_, stop);
  Follower follower(
      client, clock_, random_,
      {.path = followed.path, .query = {}, .refused_pause_ms = options_.refused_pause_ms},
      {.replace = [&](const std::vector<Json>& objects) { take_all(followed, objects); },
       .change =
           [&](ApiWatch::Type type, const Json& object) {
             if (type != ApiWatch::Type::kDeleted) {
               see(followed, object);
             }
             if (const auto key = followed.objects.change(type, object)) {
               controller_->wake(work_key(*key));
             }
           },
       .report = [&](const Status& status) { note(followed, status); }});
  follower.run(stop);
}

void ServiceSource::see(const Followed& followed, const Json& object) const {
  if (followed.kind == Kind::kIngress && options_.ingress_seen &&
      is_of_class(object, options_.ingress_class)) {
    options_.ingress_seen(object);
  }
}

// What the store has of the cluster and the server has no more is looked at too.
void ServiceSource::take_all(Followed& followed, const std::vector<Json>& objects) {
  for (const Json& one : objects) {
    see(followed, one);
  }
  wake_all(followed, followed.objects.replace(objects));
  if (followed.kind == Kind::kService) {
    controller_->wake(kHeard);
  }
}

// The `keys`, and what the store has.
void ServiceSource::wake_all(const Followed& followed, const std::vector<object::ObjectKey>& keys) {
  for (const object::ObjectKey& key : keys) {
    controller_->wake(work_key(key));
  }
  if (const auto stored = store_.list(followed.kind); stored.ok()) {
    for (const object::Object& one : stored->objects) {
      controller_->wake(work_key(one.key));
    }
  }
}

void ServiceSource::gateway_changed() {
  for (const auto& one : followed_) {
    if (one->kind == Kind::kHttpRoute) {
      wake_all(*one, one->objects.keys());
    }
  }
}

void ServiceSource::note(Followed& followed, const Status& status) {
  const std::string what =
      "cluster: " + std::string(object::kind_info(followed.kind).plural) + ": ";
  if (status.ok()) {
    options_.log(what + "followed again");
    return;
  }
  const bool refused = status.error().code() == ErrorCode::kPermission;
  if (refused && followed.kind == Kind::kService) {
    controller_->wake(kHeard);
  }
  if (has_no_such_kind(followed.kind, status.error())) {
    options_.log(
        what + "the cluster has no CustomResourceDefinition of them: " + status.error().message());
    return take_all(followed, {});
  }
  options_.log(what + status.error().message() +
               (refused ? advice_when_refused(followed.kind) : ""));
}

Result<ServiceSource::Next> ServiceSource::reconcile(const std::string& text) {
  if (text == kHeard && options_.heard) {
    options_.heard();
  }
  const auto key = key_of_work(text);
  if (!key) {
    return Next{};
  }
  const auto followed = std::find_if(followed_.begin(), followed_.end(),
                                     [&](const auto& one) { return one->kind == key->kind; });
  if (!is_heard(**followed)) {
    return Next{};  // what an agent before this one left goes on until the cluster has spoken
  }
  DUET_ASSIGN(const auto stored, find_stored(store_, *key));
  const auto said = said_of(**followed, *key);
  const bool own = stored && !is_of_cluster(*stored);
  note_own(*key, own && said);
  if (!own && said) {
    DUET_TRY(put(*said, stored));
  } else if (!own && stored) {
    DUET_TRY(remove_stored(store_, *stored, std::nullopt));
  }
  return Next{};
}

bool ServiceSource::is_heard(const Followed& followed) const {
  const bool by_gateway = followed.kind == Kind::kHttpRoute && gateway_;
  return followed.objects.is_complete() && (!by_gateway || gateway_->current());
}

// As it goes into the store; nothing: it does not.
std::optional<object::Object> ServiceSource::said_of(const Followed& followed,
                                                     const object::ObjectKey& key) {
  auto said = followed.objects.find(key);
  if (!said || followed.kind != Kind::kHttpRoute) {
    left_out_.erase(key);
    return said;
  }
  const Json gateway = gateway_->current().value_or(Json());
  if (gateway.is_null()) {
    return std::nullopt;  // which is said once for all of its routes
  }
  const Json sent = Json::parse(said->json, nullptr, false);
  ClusterRoute route = cluster_route(key, sent, *options_.gateway, gateway);
  if (options_.route_judged) {
    options_.route_judged(sent, route.verdicts);
  }
  note_left_out(key, route.problem);
  return std::move(route.object);
}

Status ServiceSource::put(const object::Object& said, const std::optional<object::Object>& stored) {
  if (stored && stored->uid != said.uid) {
    DUET_TRY(remove_stored(store_, *stored, std::nullopt));
  }
  DUET_TRY(make_namespace(store_, said.key.ns));
  const auto kept = store_.apply(said);
  return kept.ok() ? Status() : Status(kept.error());
}

// Once, as long as it is so.
void ServiceSource::note_own(const object::ObjectKey& key, bool said) {
  if (!said) {
    own_.erase(key);
  } else if (own_.insert(key).second) {
    options_.log("cluster: " + object::describe(key) +
                 " of the cluster is not taken: another one of that name came from this site; "
                 "remove one of them");
  }
}

// Once, until it is something else.
void ServiceSource::note_left_out(const object::ObjectKey& key, const std::string& why) {
  if (why.empty()) {
    left_out_.erase(key);
  } else if (std::exchange(left_out_[key], why) != why) {
    options_.log("cluster: " + object::describe(key) + " is left out: " + why);
  }
}

}  // namespace duet::cluster
