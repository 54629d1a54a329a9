#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/access_log.h"
#include "gateway/active_table.h"
#include "gateway/forwarding.h"
#include "gateway/graveyard.h"
#include "gateway/rate_limiter.h"
#include "gateway/request_metrics.h"
#include "net/buffer.h"
#include "net/event_loop.h"
#include "net/http_message.h"
#include "net/resolver.h"
#include "net/send_queue.h"
#include "net/tls_server.h"

namespace duet::gateway {

// Bounds of what clients may do.
struct ClientLimits {
  net::HttpLimits http;
  std::int64_t head_timeout_ms =
      10'000;  // from a request's first byte (or the connection) to its head's end
  std::int64_t proxy_header_timeout_ms = 5'000;  // from the connection to its PROXY header's end
  std::int64_t idle_timeout_ms = 75'000;         // between requests
  std::int64_t stall_timeout_ms =
      30'000;  // a client that neither sends its body nor takes its answer
  std::int64_t body_bytes_per_second = 512;  // of a body that its backend waits for: who is slower
                                             // uses up the time above
  std::int64_t linger_timeout_ms = 2'000;    // for what a client still sends after its answer
  std::int64_t linger_limit_ms = 30'000;     // and for all of that together
  std::size_t body_buffer_bytes = 64 << 10;  // request body that waits for a backend
  std::size_t answer_buffer_bytes = 64 << 10;  // answer that waits for the client
  std::size_t discard_bytes =
      256 << 10;                     // of a body that nobody wants; past it the connection closes
  std::size_t connections = 10'000;  // at the same time; more wait in the kernel's backlog

  // The time up to which a client has earned that it is waited for, after `bytes` of body came.
  std::int64_t pace(std::int64_t earned_ns, std::size_t bytes, std::int64_t now_ns) const {
    constexpr std::int64_t kNsPerSecond = 1'000'000'000;
    return std::min(now_ns, earned_ns + static_cast<std::int64_t>(bytes) * kNsPerSecond /
                                            body_bytes_per_second);
  }
};

// Time as text for Date fields, formatted once a second.
class DateText {
 public:
  // RFC 9110 IMF-fixdate, a view until the next call.
  std::string_view get(const net::EventLoop& loop);

 private:
  std::int64_t until_ns_ = 0;
  std::string text_;
};

// A client's connection, whatever version of HTTP it speaks.
class FrontConnection {
 public:
  virtual ~FrontConnection() = default;
  // Watches the socket; `self` is its place in Front::connections, from which it removes itself. On
  // an error it is closing already.
  virtual void open(std::list<std::unique_ptr<FrontConnection>>::iterator self) = 0;
  // Takes no new requests, and closes when those that it has are answered.
  virtual void drain() = 0;
  // The name of the listener that it came to.
  virtual std::string_view listener() const = 0;
};

// What the connections of a worker share. Not thread-safe.
struct Front {
  Front(net::EventLoop& event_loop, const ClientLimits& client_limits, std::uint64_t seed);
  ~Front();

  net::EventLoop& loop;
  ClientLimits limits;
  net::BufferPool buffers{1024};
  net::SendQueue sends{loop};
  Graveyard graveyard{loop};
  AccessLog access_log{loop};
  RequestMetrics metrics;
  RateLimiter rates;
  DateText date;
  net::ResolverOptions dns;
  std::unique_ptr<net::TlsServer> tls;       // null until a table has a listener with TLS
  std::shared_ptr<const ActiveTable> table;  // null until the first one is set
  Forwarding forwarding;                     // as the table says
  bool draining = false;
  std::int32_t compressed_answers = 0;  // at this time
  std::list<std::unique_ptr<FrontConnection>> connections;
  // For one head at a time, while a backend starts.
  std::vector<net::Field> scratch_fields;
  std::string scratch_text;
  std::uint64_t requests = 0;
  std::int64_t requests_in_flight = 0;

  // For names that handlers ask; made when the first one does.
  Result<net::Resolver*> resolver();

  // A request is over: one line, and it counts.
  void account(const AccessRecord& record) {
    access_log.write(record);
    metrics.record(record);
  }

  // For weights; xorshift, not for secrets.
  std::uint32_t random() {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return static_cast<std::uint32_t>(random_state >> 32);
  }
  std::uint64_t random_state;

 private:
  std::unique_ptr<net::Resolver> resolver_;
};

}  // namespace duet::gateway
