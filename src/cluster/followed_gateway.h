#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "cluster/access.h"
#include "cluster/api_client.h"
#include "cluster/gateway_listeners.h"
#include "cluster/json_field.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

// One Gateway of a cluster as the API server has it, followed on a thread of its own. While nobody
// can be asked it is what it was. Thread-safe where nothing else is said.
class FollowedGateway {
 public:
  struct Options {
    GatewayName name;
    std::int64_t refused_pause_ms = 120'000;  // before it is asked for again, where it is forbidden
    std::function<void()> changed;            // on the thread of this
    std::function<void(const std::string& line)> log;
  };

  // Asks nobody yet. What is given must outlive this.
  FollowedGateway(const CurrentAccess& access, const sys::Clock& clock, sys::Random& random,
                  Options options)
      : access_(access), clock_(clock), random_(random), options_(std::move(options)) {}
  FollowedGateway(const FollowedGateway&) = delete;
  FollowedGateway& operator=(const FollowedGateway&) = delete;
  ~FollowedGateway() { stop(); }

  // Begins to ask; the second time nothing happens. For one thread, as stop() is.
  void follow();
  // Asks no more; nothing is told afterwards.
  void stop();

  // Null: the cluster has no such Gateway. Nothing: it was not heard of yet.
  std::optional<Json> current() const;

 private:
  void run(const std::stop_token& stop);
  void set(const Json& gateway);
  void note(const Status& status);

  const CurrentAccess& access_;
  const sys::Clock& clock_;
  sys::Random& random_;
  const Options options_;
  mutable std::mutex mutex_;
  std::optional<Json> current_;
  std::jthread thread_;
};

}  // namespace duet::cluster
