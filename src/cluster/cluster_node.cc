#include "cluster/cluster_node.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>

#include "cluster/api_client.h"
#include "cluster/backoff.h"
#include "cluster/event_teller.h"
#include "cluster/follower.h"
#include "cluster/mirror_pod.h"
#include "cluster/mirror_pods.h"
#include "cluster/node_keeper.h"
#include "cluster/pod_source.h"
#include "cluster/presence.h"
#include "cluster/service_source.h"

namespace duet::cluster {
namespace {

// What goes wrong again and again is said once.
class Complaint {
 public:
  explicit Complaint(std::function<void(const std::string&)> log) : log_(std::move(log)) {}

  void note(const Status& status, const char* good_again) {
    const std::string text = status.ok() ? "" : status.error().message();
    if (text != last_) {
      log_("cluster: " + (text.empty() ? std::string(good_again) : text));
      last_ = text;
    }
  }

 private:
  std::function<void(const std::string&)> log_;
  std::string last_;
};

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

class RunningNode final : public ClusterNode {
 public:
  RunningNode(store::Store& store, const sys::Clock& clock, sys::Random& random,
              ClusterOptions options, Access access)
      : store_(store),
        clock_(clock),
        random_(random),
        options_(std::move(options)),
        access_(std::move(access)),
        identity_({.join = options_.join,
                   .node_name = options_.facts.name,
                   .directory = options_.directory,
                   .log = options_.log},
                  access_, clock, random),
        beats_(access_, clock, random, stop_.get_token()),
        lists_(access_, clock, random, stop_.get_token()),
        writes_(access_, clock, random, stop_.get_token()),
        news_(access_, clock, random, stop_.get_token()),
        pictures_(access_, clock, random, stop_.get_token()),
        keeper_({.facts = options_.facts,
                 .measured_path = options_.measured_path,
                 .images = options_.images},
                beats_, clock, random),
        trouble_(options_.log),
        presence_(clock, options_.away_ms) {
    identity_.load();
    pods_ = PodSource::start(store_, writes_, access_, clock_, random_, options_.log);
    events_ = EventTeller::start(store_, news_, clock_,
                                 {.node_name = options_.facts.name, .log = options_.log});
    services_ =
        ServiceSource::start(store_, access_, clock_, random_,
                             {.ingress_class = options_.ingress_class, .log = options_.log});
    mirrors_ = MirrorPods::start(store_, pictures_, options_.facts.name, options_.log);
    membership_ = std::thread([this] { live(); });
  }

  ~RunningNode() override {
    stop_.request_stop();
    membership_.join();
    if (follower_.joinable()) {
      follower_.join();
    }
    services_.reset();
    mirrors_.reset();
    events_.reset();
    pods_.reset();
  }

  const CurrentAccess& access() const override { return access_; }

 private:
  void live() {
    const std::stop_token stop = stop_.get_token();
    Backoff backoff(options_.backoff_first_ms, options_.backoff_limit_ms, random_);
    while (!stop.stop_requested()) {
      const Status status = beat();
      if (stop.stop_requested()) {
        return;
      }
      trouble_.note(status, "the API server answers again");
      if (presence_.note(status.ok()) && options_.presence) {
        options_.presence(presence_.is_away());
      }
      if (status.ok()) {
        backoff.reset();
      }
      pause_for(stop, status.ok() ? options_.beat_ms : backoff.next_ms());
    }
  }

  Status beat() {
    if (identity_.missing()) {
      DUET_TRY(join());
    }
    follow_pods();
    services_->follow();
    renew_if_due();
    DUET_TRY(keeper_.beat());
    mirrors_->set_node_uid(keeper_.uid());
    return {};
  }

  Status join() {
    if (!std::exchange(joining_, true)) {
      options_.log("cluster: joining " + access_.get()->endpoint.url() + " as node " +
                   options_.facts.name);
    }
    DUET_TRY(identity_.join(stop_.get_token()));
    joining_ = false;
    options_.log("cluster: joined");
    return {};
  }

  // A renewal that fails is tried again with some later beat; the certificate of now still holds.
  void renew_if_due() {
    if (!identity_.due() || clock_.monotonic() < renew_at_) {
      return;
    }
    const Status renewed = identity_.renew(stop_.get_token());
    renewals_.note(renewed, "the node's certificate was renewed");
    if (!renewed.ok()) {
      renew_at_ = clock_.monotonic() +
                  std::chrono::milliseconds(options_.backoff_limit_ms +
                                            random_below(random_, options_.backoff_limit_ms));
    }
  }

  void follow_pods() {
    if (follower_.joinable()) {
      return;
    }
    follower_ = std::thread([this] {
      Follower follower(
          lists_, clock_, random_,
          {.path = "/api/v1/pods",
           .query = {{"fieldSelector", "spec.nodeName=" + options_.facts.name}}},
          {.replace = [this](const std::vector<Json>& pods) { take_all(pods); },
           .change = [this](ApiWatch::Type type, const Json& pod) { take(type, pod); },
           .report = [this](const Status& status) { note_line(status); }});
      follower.run(stop_.get_token());
    });
  }

  // Mirrors are pictures of pods that are here already.
  void take_all(const std::vector<Json>& all) {
    std::vector<Json> pods;
    std::copy_if(all.begin(), all.end(), std::back_inserter(pods),
                 [](const Json& pod) { return !is_mirror(pod); });
    pods_->replace(pods);
    mirrors_->replace(all);
    events_->set_online(true);
  }

  void take(ApiWatch::Type type, const Json& pod) {
    is_mirror(pod) ? mirrors_->change(type, pod) : pods_->change(type, pod);
  }

  void note_line(const Status& status) {
    pods_->set_online(status.ok());
    mirrors_->set_online(status.ok());
    events_->set_online(status.ok());
    options_.log("cluster: pods: " +
                 (status.ok() ? std::string("followed again") : status.error().message()));
  }

  store::Store& store_;
  const sys::Clock& clock_;
  sys::Random& random_;
  ClusterOptions options_;
  std::stop_source stop_;
  CurrentAccess access_;
  Identity identity_;
  ApiClient beats_;     // of the membership's thread
  ApiClient lists_;     // of the follower's
  ApiClient writes_;    // of the pods'
  ApiClient news_;      // of the Events'
  ApiClient pictures_;  // of the mirror pods'
  NodeKeeper keeper_;
  bool joining_ = false;  // said, and not done yet
  Complaint trouble_;
  Presence presence_;
  Complaint renewals_{options_.log};
  sys::MonotonicTime renew_at_;  // not before
  std::unique_ptr<PodSource> pods_;
  std::unique_ptr<EventTeller> events_;
  std::unique_ptr<MirrorPods> mirrors_;
  std::unique_ptr<ServiceSource> services_;
  std::thread membership_;
  std::thread follower_;
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
  if (!is_node_name(options.facts.name)) {
    return invalid("nodeName: \"" + options.facts.name +
                   "\" is no name of a Node: lower-case letters, digits, \"-\" and \".\"");
  }
  DUET_ASSIGN(Access access, first_access(options));
  return std::unique_ptr<ClusterNode>(
      new RunningNode(store, clock, random, std::move(options), std::move(access)));
}

}  // namespace duet::cluster
