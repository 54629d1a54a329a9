#include "cluster/event_teller.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cluster/api_error.h"
#include "cluster/local_objects.h"
#include "cluster/pod_mirror.h"
#include "sys/rfc3339.h"

namespace duet::cluster {
namespace {

std::string events_path(const Json& event) {
  return "/api/v1/namespaces/" + text_of(member(event, "metadata"), "namespace") + "/events";
}

std::int64_t count_of(const Json& event) {
  const Json count = member(event, "count");
  return count.is_number_integer() ? count.get<std::int64_t>() : 1;
}

// The event as the cluster gets it: its own bookkeeping is the server's.
Json event_for_server(const Json& event, const std::string& node) {
  Json out = event;
  const Json metadata = member(event, "metadata");
  out["metadata"] = {{"name", text_of(metadata, "name")},
                     {"namespace", text_of(metadata, "namespace")}};
  out["source"] = {{"component", "duet"}, {"host", node}};
  out["reportingComponent"] = "duet";
  out["reportingInstance"] = node;
  return out;
}

Json event_patch(const Json& event) {
  return {{"count", count_of(event)},
          {"message", text_of(event, "message")},
          {"lastTimestamp", text_of(event, "lastTimestamp")}};
}

}  // namespace

EventTeller::EventTeller(store::Store& store, ApiClient& api, const sys::Clock& clock,
                         Options options)
    : store_(store),
      api_(api),
      clock_(clock),
      options_(std::move(options)),
      all_(options_.burst, options_.refill_ms) {}

std::unique_ptr<EventTeller> EventTeller::start(store::Store& store, ApiClient& api,
                                                const sys::Clock& clock, Options options) {
  std::unique_ptr<EventTeller> teller(new EventTeller(store, api, clock, std::move(options)));
  EventTeller& self = *teller;
  auto controller = store::Controller::start(
      store, {.name = "cluster events", .kinds = {object::Kind::kEvent}, .worker_limit = 1},
      [](const store::WatchEvent& event) {
        return std::vector<std::string>{store::key_text(event.object.key)};
      },
      [&self](const std::string& key) { return self.reconcile(key); }, self.options_.log);
  const std::lock_guard lock(self.mutex_);
  self.controller_ = std::move(controller);
  return teller;
}

void EventTeller::set_online(bool online) {
  const std::lock_guard lock(mutex_);
  online_ = online;
  if (online) {
    for (const std::string& key : std::exchange(waiting_, {})) {
      controller_->wake(key);
    }
  }
}

Result<EventTeller::Next> EventTeller::reconcile(const std::string& key) {
  DUET_ASSIGN(const auto stored,
              find_stored(store_, store::key_from_text(object::Kind::kEvent, key)));
  if (!stored) {
    told_.erase(key);
    due_.erase(key);
    return Next{};
  }
  const Json event = Json::parse(stored->json, nullptr, false);
  const auto told = told_.find(key);
  if ((told != told_.end() && told->second == count_of(event)) || !is_to_tell(event)) {
    return Next{};
  }
  DUET_ASSIGN(const std::optional<std::string> node, node_of(event));
  if (!node) {
    return Next{};
  }
  {
    const std::lock_guard lock(mutex_);
    if (!online_) {
      waiting_.insert(key);
      return Next{};
    }
  }
  const std::string pod_uid = text_of(member(event, "involvedObject"), "uid");
  if (const std::int64_t wait = wait_ms(key, pod_uid); wait > 0) {
    return Next{wait};
  }
  const Status done = tell(key, event, *node);
  due_.erase(key);
  if (!done.ok() && !is_refusal(done.error())) {
    return Next{options_.retry_ms};
  }
  told_[key] = count_of(event);
  return Next{};
}

bool EventTeller::is_to_tell(const Json& event) const {
  const auto last = sys::parse_rfc3339(text_of(event, "lastTimestamp"));
  return last && clock_.now() - *last <= std::chrono::milliseconds(options_.oldest_ms);
}

// The Node whose pod the event is about; nothing: what this site has of its own is its own affair.
Result<std::optional<std::string>> EventTeller::node_of(const Json& event) const {
  const Json about = member(event, "involvedObject");
  if (text_of(about, "kind") != "Pod") {
    return std::optional<std::string>();
  }
  DUET_ASSIGN(const auto pod, find_stored(store_, {object::Kind::kPod, text_of(about, "namespace"),
                                                   text_of(about, "name")}));
  return pod && pod->uid == text_of(about, "uid") ? bound_node(*pod) : std::nullopt;
}

// Until the event's turn comes, which it keeps; zero: it is now.
std::int64_t EventTeller::wait_ms(const std::string& key, const std::string& pod_uid) {
  const auto now = clock_.monotonic();
  auto due = due_.find(key);
  if (due == due_.end()) {
    const auto turn = std::max(all_.reserve(now), bucket_of(pod_uid).reserve(now));
    due = due_.emplace(key, turn).first;
  }
  return std::chrono::ceil<std::chrono::milliseconds>(std::max(due->second, now) - now).count();
}

// A pod whose bucket is full again, or that is one too many, is counted anew when it speaks.
TokenBucket& EventTeller::bucket_of(const std::string& pod_uid) {
  if (!of_pods_.contains(pod_uid) && of_pods_.size() >= options_.pod_limit) {
    const auto now = clock_.monotonic();
    std::erase_if(of_pods_, [&](const auto& one) { return one.second.is_full(now); });
    if (of_pods_.size() >= options_.pod_limit) {
      of_pods_.erase(of_pods_.begin());
    }
  }
  return of_pods_.try_emplace(pod_uid, options_.pod_burst, options_.pod_refill_ms).first->second;
}

Status EventTeller::tell(const std::string& key, const Json& event, const std::string& node) {
  const std::string path = events_path(event);
  const std::string name = "/" + text_of(member(event, "metadata"), "name");
  Result<Json> done = Json();
  if (told_.contains(key)) {
    done = api_.patch(path + name, PatchType::kMerge, event_patch(event));
  }
  if (!told_.contains(key) || (!done.ok() && done.error().code() == ErrorCode::kNotFound)) {
    done = api_.create(path, event_for_server(event, node));
  }
  // An agent before this one told it.
  if (!done.ok() && done.error().code() == ErrorCode::kAlreadyExists) {
    done = api_.patch(path + name, PatchType::kMerge, event_patch(event));
  }
  return done.ok() ? Status() : Status(done.error());
}

}  // namespace duet::cluster
