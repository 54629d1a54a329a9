#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "gateway/servers.h"

namespace duet::gateway {

// What kept a server from answering, before the answer's head.
enum class Fault : std::uint8_t {
  kNotConnected,  // no connection: it got nothing
  kUnseen,        // it ends the connection, and says that it did not look at the request
  kRefused,       // it says that it did nothing with the request
  kStale,         // a connection that others had used before was closed meanwhile
  kLost,          // the connection ended, and nobody knows how far it was
  kOther,         // no answer in time, or none that is one
};

// One request's way over its servers: the one that it is at, and whether it may go to another. A
// request in flight at a server counts there from its choice to the next, or to the end of this.
class Attempts {
 public:
  static constexpr std::size_t kServerLimit = 8;  // that a request is tried at
  // `idempotent`: the request may be sent twice.
  Attempts(std::shared_ptr<Servers> servers, bool idempotent);
  ~Attempts() { leave(); }
  Attempts(const Attempts&) = delete;
  Attempts& operator=(const Attempts&) = delete;

  Origin& server() const { return *server_; }
  // server() answered.
  void note_answer(int status) { servers_->note_answer(*server_, status); }
  // It failed, for `reason`, a constant. True: the request is to be sent again, to what server() is
  // now. `unsent`: no byte of its body has gone.
  bool fail(Fault fault, std::string_view reason, bool unsent);

  // How often it was sent once more, and why the first time; empty: it was not.
  std::uint32_t retries() const { return retries_; }
  std::string_view retry_reason() const { return retry_reason_; }

 private:
  bool may_go_on(Fault fault, bool unsent);
  void enter(Origin& origin);
  void leave() { --server_->in_flight; }

  std::shared_ptr<Servers> servers_;
  Origin* server_ = nullptr;
  std::vector<Origin*> tried_;
  bool idempotent_;
  bool met_stale_ = false;
  std::uint32_t retries_ = 0;
  std::int32_t resent_ = 0;  // those that a server may have seen before
  std::string_view retry_reason_;
};

}  // namespace duet::gateway
