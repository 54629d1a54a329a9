#include "cluster/ingress_status.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "cluster/backoff.h"
#include "net/ip_address.h"

namespace duet::cluster {
namespace {

Json wanted_status(const std::string& address) {
  const char* kind = net::IpAddress::parse(address) ? "ip" : "hostname";
  return {{"loadBalancer", {{"ingress", Json::array({{{kind, address}}})}}}};
}

std::string path_of(const std::string& key) {
  const object::ObjectKey named = store::key_from_text(object::Kind::kIngress, key);
  return "/apis/networking.k8s.io/v1/namespaces/" + named.ns + "/ingresses/" + named.name +
         "/status";
}

}  // namespace

std::optional<Json> ingress_status_patch(const Json& ingress, const std::string& address) {
  const Json wanted = wanted_status(address);
  if (member(member(member(ingress, "status"), "loadBalancer"), "ingress") ==
      wanted["loadBalancer"]["ingress"]) {
    return std::nullopt;
  }
  return Json{{"status", wanted}};
}

std::unique_ptr<IngressStatus> IngressStatus::start(store::Store& store, ApiClient& api,
                                                    const sys::Clock& clock, sys::Random& random,
                                                    Options options) {
  std::unique_ptr<IngressStatus> status(new IngressStatus(api, clock, random, std::move(options)));
  IngressStatus& self = *status;
  // What the node's store has of Ingresses is without their status: see() wakes it.
  status->controller_ = store::Controller::start(
      store, {.name = "ingress status", .kinds = {}, .worker_limit = 1},
      [](const store::WatchEvent&) { return std::vector<std::string>(); },
      [&self](const std::string& key) { return self.write(key); }, self.options_.log);
  return status;
}

void IngressStatus::see(const Json& ingress) {
  const Json metadata = member(ingress, "metadata");
  const std::string key = text_of(metadata, "namespace") + "/" + text_of(metadata, "name");
  const bool due = ingress_status_patch(ingress, options_.address).has_value();
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.monotonic();
    std::erase_if(seen_,
                  [&](const auto& one) { return !one.second.due && one.second.not_before <= now; });
    if (const auto known = seen_.find(key); known != seen_.end()) {
      known->second.due = due;
    } else if (due && seen_.size() < options_.ingress_limit) {
      const std::chrono::milliseconds wait(random_below(random_, options_.spread_ms));
      seen_[key] = {true, now + wait};
    }
  }
  if (due) {
    controller_->wake(key);
  }
}

Result<IngressStatus::Next> IngressStatus::write(const std::string& key) {
  const auto wait = turn_in_ms(key);
  if (!wait || *wait > 0) {
    return Next{wait};
  }
  const auto patched =
      api_.patch(path_of(key), PatchType::kMerge, {{"status", wanted_status(options_.address)}});
  if (patched.ok() || patched.error().code() == ErrorCode::kNotFound) {
    return Next{};
  }
  if (patched.error().code() != ErrorCode::kPermission) {
    failed(key, 0);
    return patched.error();
  }
  if (std::exchange(told_, patched.error().message()) != patched.error().message()) {
    options_.log("cluster: the status of Ingresses is not written: " + told_ +
                 "; examples/cluster/route-rights.yaml has the right");
  }
  failed(key, options_.pause_ms);
  return Next{options_.pause_ms};
}

// How long the Ingress waits for its patch; nothing: it needs none. Zero: it is on its way, and the
// next one has to wait. What is heard from now on is about what comes after it.
std::optional<std::int64_t> IngressStatus::turn_in_ms(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto found = seen_.find(key);
  if (found == seen_.end() || !found->second.due) {
    return std::nullopt;
  }
  const auto now = clock_.monotonic();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(found->second.not_before - now);
  if (left.count() <= 0) {
    found->second = {false, now + std::chrono::milliseconds(options_.pause_ms)};
  }
  return std::max<std::int64_t>(0, left.count());
}

void IngressStatus::failed(const std::string& key, std::int64_t pause_ms) {
  const std::lock_guard lock(mutex_);
  seen_[key] = {true, clock_.monotonic() + std::chrono::milliseconds(pause_ms)};
}

}  // namespace duet::cluster
