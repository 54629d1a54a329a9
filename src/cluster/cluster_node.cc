#include "cluster/cluster_node.h"

#include <algorithm>
#include <optional>
#include <set>
#include <stop_token>
#include <utility>

#include "cluster/api_client.h"
#include "cluster/event_teller.h"
#include "cluster/gateway_listeners.h"
#include "cluster/http_route_status.h"
#include "cluster/ingress_status.h"
#include "cluster/membership.h"
#include "cluster/mirror_pods.h"
#include "cluster/needed_objects.h"
#include "cluster/presence.h"
#include "cluster/service_source.h"
#include "cluster/shared_status.h"
#include "cluster/stale_mirrors.h"
#include "net/ip_address.h"

namespace duet::cluster {
namespace {

// Where the cluster is: what the options say, or else what was kept, so that a site whose token's
// file is gone starts all the same.
Result<Access> first_access(const ClusterOptions& options) {
  auto bootstrap = read_bootstrap_access(options.join);
  if (bootstrap.ok()) {
    return bootstrap;
  }
  auto kept = read_kept_access(options.directory);
  if (!kept.ok()) {
    return bootstrap.error();
  }
  options.log("cluster: going on with the kept certificate: " + bootstrap.error().message());
  return kept;
}

std::set<std::string> names_of(const ClusterOptions& options) {
  std::set<std::string> names{options.facts.name};
  if (options.second) {
    names.insert(options.second->facts.name);
  }
  return names;
}

Membership::Options membership_options(const ClusterOptions& options) {
  return {.join = options.join,
          .facts = options.facts,
          .directory = options.directory,
          .measured_path = options.measured_path,
          .images = options.images,
          .other_node = options.second ? options.second->facts.name : "",
          .beat_ms = options.beat_ms,
          .backoff_first_ms = options.backoff_first_ms,
          .backoff_limit_ms = options.backoff_limit_ms,
          .log = options.log};
}

std::optional<GatewayName> gateway_of(const ClusterOptions& options) {
  const auto name = parse_gateway_name(options.gateway);
  return name.ok() ? std::optional(*name) : std::nullopt;
}

object::ObjectKey key_of(object::Kind kind, const Json& object) {
  const Json& metadata = member(object, "metadata");
  return {kind, text_of(metadata, "namespace"), text_of(metadata, "name")};
}

// The second Node lives as the first does, and says in the log that it is the second.
Membership::Options second_options(const ClusterOptions& options) {
  Membership::Options second = membership_options(options);
  second.facts = options.second->facts;
  second.directory = options.second->directory;
  second.other_node = options.facts.name;
  second.log = [log = options.log, name = second.facts.name](const std::string& line) {
    log("node " + name + ": " + line);
  };
  return second;
}

// The first Node speaks for the site as well: its own pods, the Events, what routes are made of.
class RunningNode final : public ClusterNode, private Membership::Companion {
 public:
  RunningNode(store::Store& store, const sys::Clock& clock, sys::Random& random,
              ClusterOptions options, Access access)
      : options_(std::move(options)),
        needed_(store, names_of(options_)),
        first_(store, needed_, clock, random, membership_options(options_), std::move(access)),
        news_(first_.access(), clock, random, stop_.get_token()),
        pictures_(first_.access(), clock, random, stop_.get_token()),
        signs_(first_.access(), clock, random, stop_.get_token()),
        presence_(clock, options_.away_ms),
        events_(EventTeller::start(store, news_, clock, {.log = options_.log})),
        mirrors_(MirrorPods::start(store, pictures_, options_.facts.name, options_.log)),
        statuses_(tell_statuses(store, clock, random)),
        services_(ServiceSource::start(
            store, first_.access(), clock, random,
            {.ingress_class = options_.ingress_class,
             .ingress_seen = [this](const Json& ingress) { see(ingress); },
             .gateway = gateway_of(options_),
             .route_judged =
                 [this, &clock](const Json& route, const std::vector<ParentVerdict>& verdicts) {
                   judge(route, verdicts, clock.now());
                 },
             .heard = options_.services_heard,
             .log = options_.log})) {
    first_.start(*this);
    if (options_.second) {
      // What it shows there it has still to get, or kept from an agent before this one.
      second_.emplace(store, needed_, clock, random, second_options(options_),
                      Access{.endpoint = first_.access().get()->endpoint});
      removals_.emplace(second_->access(), clock, random, stop_.get_token());
      stale_mirrors_.emplace(*removals_);
      second_->start(*stale_mirrors_);
    }
  }

  ~RunningNode() override {
    stop_.request_stop();
    first_.stop();
    if (second_) {
      second_->stop();
    }
  }

  const CurrentAccess& access() const override { return first_.access(); }
  const CurrentAccess* second_access() const override {
    return second_ ? &second_->access() : nullptr;
  }

 private:
  std::unique_ptr<SharedStatus> tell_statuses(store::Store& store, const sys::Clock& clock,
                                              sys::Random& random) {
    if (options_.ingress_address.empty() && options_.gateway.empty()) {
      return nullptr;
    }
    return SharedStatus::start(store, signs_, clock, random, {.log = options_.log});
  }

  void see(const Json& ingress) {
    if (!options_.ingress_address.empty()) {
      statuses_->see(key_of(object::Kind::kIngress, ingress),
                     ingress_status_patch(ingress, options_.ingress_address));
    }
  }

  void judge(const Json& route, const std::vector<ParentVerdict>& verdicts, sys::WallTime now) {
    statuses_->see(
        key_of(object::Kind::kHttpRoute, route),
        http_route_status_patch(route, *gateway_of(options_), verdicts, sys::format_rfc3339(now)));
  }

  void may_ask() override { services_->follow(); }

  void beaten(const Status& status, const std::string& node_uid) override {
    if (presence_.note(status.ok()) && options_.presence) {
      options_.presence(presence_.is_away());
    }
    mirrors_->set_node_uid(node_uid);
  }

  void take_all(const std::vector<Json>& pods) override {
    mirrors_->replace(pods);
    events_->set_online(true);
  }

  void take_mirror(ApiWatch::Type type, const Json& pod) override { mirrors_->change(type, pod); }

  void set_online(bool online) override {
    mirrors_->set_online(online);
    events_->set_online(online);
  }

  const ClusterOptions options_;
  std::stop_source stop_;
  NeededObjects needed_;
  Membership first_;
  std::optional<Membership> second_;
  ApiClient news_;                     // of the Events'
  ApiClient pictures_;                 // of the mirror pods'
  ApiClient signs_;                    // of the Ingresses' and HTTPRoutes' status
  std::optional<ApiClient> removals_;  // of the second Node's mirror pods
  std::optional<StaleMirrors> stale_mirrors_;
  Presence presence_;
  std::unique_ptr<EventTeller> events_;
  std::unique_ptr<MirrorPods> mirrors_;
  std::unique_ptr<SharedStatus> statuses_;  // none: none is told
  std::unique_ptr<ServiceSource> services_;
};

}  // namespace

bool is_node_name(const std::string& name) {
  constexpr std::size_t kMostBytes = 253;
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= kMostBytes && plain(name.front()) && plain(name.back()) &&
         name.find("..") == std::string::npos && std::all_of(name.begin(), name.end(), [&](char c) {
           return plain(c) || c == '-' || c == '.';
         });
}

Result<std::unique_ptr<ClusterNode>> ClusterNode::start(store::Store& store,
                                                        const sys::Clock& clock,
                                                        sys::Random& random,
                                                        ClusterOptions options) {
  const std::set<std::string> names = names_of(options);
  for (const std::string& name : names) {
    if (!is_node_name(name)) {
      return invalid("nodeName: \"" + name +
                     "\" is no name of a Node: lower-case letters, digits, \"-\" and \".\"");
    }
  }
  if (options.second && names.size() == 1) {
    return invalid("both Nodes of this machine would be called " + options.facts.name);
  }
  if (const std::string& address = options.ingress_address;
      !address.empty() && !net::IpAddress::parse(address) && !is_node_name(address)) {
    return invalid("cluster.ingressAddress: \"" + address +
                   "\" is neither an IP address nor a host name");
  }
  if (!options.gateway.empty()) {
    const auto named = parse_gateway_name(options.gateway);
    if (!named.ok()) {
      return named.error().wrap("cluster.gateway");
    }
  }
  DUET_ASSIGN(Access access, first_access(options));
  return std::unique_ptr<ClusterNode>(
      new RunningNode(store, clock, random, std::move(options), std::move(access)));
}

}  // namespace duet::cluster
