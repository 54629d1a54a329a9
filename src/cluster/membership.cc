#include "cluster/membership.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>

#include "cluster/backoff.h"
#include "cluster/follower.h"
#include "cluster/mirror_pod.h"

namespace duet::cluster {

Membership::Membership(store::Store& store, NeededObjects& needed, const sys::Clock& clock,
                       sys::Random& random, Options options, Access access)
    : clock_(clock),
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
      writes_(access_, clock, random, stop_.get_token(), PodSource::kRequestLimit),
      keeper_({.facts = options_.facts,
               .measured_path = options_.measured_path,
               .images = options_.images},
              beats_, clock, random),
      trouble_(options_.log),
      renewals_(options_.log) {
  identity_.load();
  pods_ = PodSource::start(
      store, needed, writes_, access_, clock, random,
      {.node_name = options_.facts.name, .other_node = options_.other_node, .log = options_.log});
}

void Membership::start(Companion& companion) {
  companion_ = &companion;
  life_ = std::thread([this] { live(); });
}

void Membership::stop() {
  stop_.request_stop();
  if (life_.joinable()) {
    life_.join();
  }
  if (follower_.joinable()) {
    follower_.join();
  }
}

void Membership::live() {
  const std::stop_token stop = stop_.get_token();
  Backoff backoff(options_.backoff_first_ms, options_.backoff_limit_ms, random_);
  while (!stop.stop_requested()) {
    const Status status = beat();
    if (stop.stop_requested()) {
      return;
    }
    trouble_.note(status, "the API server answers again");
    companion_->beaten(status, keeper_.uid());
    if (status.ok()) {
      backoff.reset();
    }
    pause_for(stop, status.ok() ? options_.beat_ms : backoff.next_ms());
  }
}

Status Membership::beat() {
  if (identity_.missing()) {
    DUET_TRY(join());
  }
  follow_pods();
  companion_->may_ask();
  renew_if_due();
  return keeper_.beat();
}

Status Membership::join() {
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
void Membership::renew_if_due() {
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

void Membership::follow_pods() {
  if (follower_.joinable()) {
    return;
  }
  follower_ = std::thread([this] {
    Follower follower(lists_, clock_, random_,
                      {.path = "/api/v1/pods",
                       .query = {{"fieldSelector", "spec.nodeName=" + options_.facts.name}}},
                      {.replace = [this](const std::vector<Json>& pods) { take_all(pods); },
                       .change = [this](ApiWatch::Type type, const Json& pod) { take(type, pod); },
                       .report = [this](const Status& status) { note_line(status); }});
    follower.run(stop_.get_token());
  });
}

// Mirrors are pictures of pods that are here already.
void Membership::take_all(const std::vector<Json>& all) {
  std::vector<Json> pods;
  std::copy_if(all.begin(), all.end(), std::back_inserter(pods),
               [](const Json& pod) { return !is_mirror(pod); });
  pods_->replace(pods);
  companion_->take_all(all);
}

void Membership::take(ApiWatch::Type type, const Json& pod) {
  if (!is_mirror(pod)) {
    pods_->change(type, pod);
  } else {
    companion_->take_mirror(type, pod);
  }
}

void Membership::note_line(const Status& status) {
  pods_->set_online(status.ok());
  companion_->set_online(status.ok());
  options_.log("cluster: pods: " +
               (status.ok() ? std::string("followed again") : status.error().message()));
}

}  // namespace duet::cluster
