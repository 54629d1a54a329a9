#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "net/http_message.h"

// The two sides of one request inside the gateway: a Caller (a client's connection, or a handler
// that makes an outgoing request) and a Call (a proxied request, a handler's sandbox, an answer of
// our own). Neither knows what the other is.
namespace duet::gateway {

class NextSteps;

// A request on its way to a backend. Views live during Backend::start only.
struct CallHead {
  std::string_view method;
  std::string_view scheme;        // http or https, as the client spoke
  std::string_view authority;     // host[:port]
  std::string_view target;        // path with query
  std::string_view matched_path;  // the rule's, if it matched exactly or as a prefix and was kept
  bool matched_exactly = false;
  std::string_view
      tls_name;  // a server must be asked by TLS and show that it is this; empty: plain
  std::span<const net::Field> fields;  // without those of one connection, framing and Host
  net::Framing framing = net::Framing::kNone;
  std::uint64_t content_length = 0;
  bool takes_trailers = false;      // who asks has said so, by TE
  std::string_view upgrade;         // the protocol asked for by Upgrade; empty: none
  std::string_view client_address;  // IP; empty if a handler asks
  std::int64_t timeout_ms = 0;      // to the end of the answer; 0: none
  // For a handler that stands before a backend: what comes after it, and which step it is.
  std::shared_ptr<const NextSteps> steps;
  std::size_t step = 0;
  int hops = 0;  // handlers that have asked for this, one through the other
};

// The head of an answer. Status 1xx but 101 comes before the final one; after 101 the data are raw
// in both directions.
struct AnswerHead {
  int status = 200;
  std::span<const net::Field>
      fields;  // without those of one connection and framing; views during the call
  // kNone: no body follows; kLength; kChunked: a body of unknown length.
  net::Framing framing = net::Framing::kNone;
  std::uint64_t content_length = 0;
  bool describes_body = false;  // for HEAD and 304: content_length is what GET would give
  bool complete = false;        // it is the whole answer: on_end() follows at once
};

// Why a request did not get its backend's answer. `reason` is one word and a constant, for the
// access log and the client; `detail` is for the log only.
struct Failure {
  int status = 502;
  std::string_view reason;
  std::string detail;
};

// What a call used, for accounting; with what the calls used that it made.
struct Usage {
  std::int64_t cpu_ns = 0;
  std::uint64_t peak_memory_bytes = 0;
  std::uint32_t outgoing = 0;        // requests
  std::uint64_t outgoing_bytes = 0;  // of their bodies and of their answers' bodies
  bool cold = false;                 // the first request of its handler in this worker
  std::uint32_t retries = 0;         // how often it was sent to a server once more
  std::string_view retry_reason;     // why the first time, a constant

  // Adds what a call used that this one made.
  void add(const Usage& inner) {
    cpu_ns += inner.cpu_ns;
    peak_memory_bytes = std::max(peak_memory_bytes, inner.peak_memory_bytes);
    outgoing += inner.outgoing;
    outgoing_bytes += inner.outgoing_bytes;
    cold |= inner.cold;
    retries += inner.retries;
    if (retry_reason.empty()) {
      retry_reason = inner.retry_reason;
    }
  }
};

// Gets an answer. Called only from within the event loop, never from inside Backend::start or
// Call's functions, except where they say so. After on_end or on_failure nothing more comes.
class Caller {
 public:
  virtual void on_head(const AnswerHead& head) = 0;
  // Takes all of `data`. False: no more until Call::resume_answer().
  virtual bool on_data(std::string_view data) = 0;
  virtual void on_end(std::span<const net::Field> trailers) = 0;
  virtual void on_failure(const Failure& failure) = 0;
  // The call takes request body again after write_body() was short.
  virtual void on_want_body() = 0;
  // Nothing more for now: what was gathered should be sent.
  virtual void on_flush() = 0;

 protected:
  ~Caller() = default;
};

// One request at a backend. Destroying it cancels it. It must not be destroyed from inside a
// Caller's function: the caller hands it to the Graveyard then.
class Call {
 public:
  virtual ~Call() = default;
  // Begins; may call the caller back at once.
  virtual void begin() = 0;
  // Request body bytes; returns how many were taken. Short: on_want_body() comes.
  virtual std::size_t write_body(std::string_view data) = 0;
  virtual void finish_body(std::span<const net::Field> trailers) = 0;
  // The caller takes answer data again. May call it back at once.
  virtual void resume_answer() = 0;
  virtual Usage usage() const { return {}; }
  // Whether the request is at who answers it: false while there is no connection to a server yet.
  virtual bool connected() const { return true; }
  // Lets go of everything and never calls back again. Safe from inside a Caller's function.
  virtual void cancel() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  // For the access log.
  virtual std::string_view name() const = 0;
  // A call for `head`, which is serialized here; nothing is called back before Call::begin. The
  // call may outlive the backend.
  virtual std::unique_ptr<Call> start(const CallHead& head, Caller& caller) = 0;
};

// The steps of a request's way through its rule, as a handler that stands before others asks them.
class NextSteps {
 public:
  virtual ~NextSteps() = default;
  virtual bool has(std::size_t index) const = 0;
  // A call of step `index`, of which there is one. `head` comes from the step before.
  virtual std::unique_ptr<Call> start(std::size_t index, CallHead head, Caller& caller) const = 0;
};

}  // namespace duet::gateway
