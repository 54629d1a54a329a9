#include "cluster/followed_gateway.h"

#include <vector>

#include "cluster/follower.h"

namespace duet::cluster {

void FollowedGateway::follow() {
  if (!thread_.joinable()) {
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
}

void FollowedGateway::stop() {
  thread_.request_stop();
  if (thread_.joinable()) {
    thread_.join();
  }
}

std::optional<Json> FollowedGateway::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void FollowedGateway::run(const std::stop_token& stop) {
  ApiClient client(access_, clock_, random_, stop);
  Follower follower(
      client, clock_, random_,
      {.path = std::string("/apis/") + kGatewayGroup + "/v1/namespaces/" + options_.name.ns +
               "/gateways",
       .query = {{"fieldSelector", "metadata.name=" + options_.name.name}},
       .refused_pause_ms = options_.refused_pause_ms},
      {.replace = [this](const std::vector<Json>& all) { set(all.empty() ? Json() : all.front()); },
       .change =
           [this](ApiWatch::Type type, const Json& gateway) {
             set(type == ApiWatch::Type::kDeleted ? Json() : gateway);
           },
       .report = [this](const Status& status) { note(status); }});
  follower.run(stop);
}

void FollowedGateway::set(const Json& gateway) {
  bool known = false;
  {
    const std::lock_guard lock(mutex_);
    known = current_ && *current_ == gateway;
    current_ = gateway;
  }
  if (known) {
    return;
  }
  if (gateway.is_null()) {
    options_.log("cluster: there is no Gateway " + options_.name.ns + "/" + options_.name.name +
                 ": HTTPRoutes come from the cluster when there is one");
  }
  options_.changed();
}

void FollowedGateway::note(const Status& status) {
  if (!status.ok() && status.error().code() == ErrorCode::kNotFound) {
    return set(Json());  // the cluster does not know what a Gateway is
  }
  const bool refused = !status.ok() && status.error().code() == ErrorCode::kPermission;
  options_.log("cluster: gateways: " + (status.ok() ? "followed again" : status.error().message()) +
               (refused ? "; examples/cluster/route-rights.yaml has the right, without it no "
                          "HTTPRoute comes from the cluster"
                        : ""));
}

}  // namespace duet::cluster
