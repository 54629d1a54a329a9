#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/result.h"
#include "cluster/api_client.h"
#include "cluster/json_field.h"
#include "store/controller.h"
#include "store/store.h"
#include "sys/clock.h"
#include "sys/randomness.h"

namespace duet::cluster {

// The merge patch that makes `ingress` say that it is answered at `address` and nowhere else, an IP
// address or a host name; nothing: it says so. Pure.
std::optional<Json> ingress_status_patch(const Json& ingress, const std::string& address);

// Keeps the status of a cluster's Ingresses at one address, the same on every node that has routes
// of their class: each waits a random while, and who is first writes for all. Where somebody else
// writes another address, it is written again after a pause. Thread-safe; a thread of its own.
class IngressStatus {
 public:
  struct Options {
    std::string address;
    std::int64_t spread_ms = 5'000;  // within which nodes write a new Ingress's
    std::int64_t pause_ms = 60'000;  // between two patches of one Ingress
    std::size_t ingress_limit = 1'000;
    std::function<void(const std::string& line)> log;
  };

  // `api` is used on the thread of this alone. What is given must outlive this.
  static std::unique_ptr<IngressStatus> start(store::Store& store, ApiClient& api,
                                              const sys::Clock& clock, sys::Random& random,
                                              Options options);
  IngressStatus(const IngressStatus&) = delete;
  IngressStatus& operator=(const IngressStatus&) = delete;
  ~IngressStatus() = default;

  // What the server said last of an Ingress.
  void see(const Json& ingress);

 private:
  using Next = store::Controller::Next;
  struct Ingress {
    bool due = false;               // the server has another address
    sys::MonotonicTime not_before;  // may it be written
  };
  IngressStatus(ApiClient& api, const sys::Clock& clock, sys::Random& random, Options options)
      : api_(api), clock_(clock), random_(random), options_(std::move(options)) {}

  Result<Next> write(const std::string& key);
  std::optional<std::int64_t> turn_in_ms(const std::string& key);
  void failed(const std::string& key, std::int64_t pause_ms);

  ApiClient& api_;
  const sys::Clock& clock_;
  sys::Random& random_;
  const Options options_;
  std::string told_;  // the refusal that the log has; empty: none
  std::mutex mutex_;
  std::map<std::string, Ingress> seen_;  // by "namespace/name": due, or written a moment ago
  // The last member: it must end before what it uses goes.
  std::unique_ptr<store::Controller> controller_;
};

}  // namespace duet::cluster
