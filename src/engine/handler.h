#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

struct duet_handler;
struct duet_request;

namespace duet::engine {

// A header, a trailer or an environment variable. The text belongs to someone else.
struct Field {
  std::string_view name;
  std::string_view value;
};

// What a guest is told when the body or the answer that it waits for fails: cases of error-code of
// wasi:http 0.2. The numbers are DUET_HTTP_* of duet_engine.h.
enum class HttpError : std::int32_t {
  kInternalError = 0,
  kDnsTimeout = 1,
  kDnsError = 2,
  kDestinationNotFound = 3,
  kDestinationUnavailable = 4,
  kDestinationIpProhibited = 5,
  kConnectionRefused = 6,
  kConnectionTerminated = 7,
  kConnectionTimeout = 8,
  kConnectionReadTimeout = 9,
  kConnectionWriteTimeout = 10,
  kConnectionLimitReached = 11,
  kTlsProtocolError = 12,
  kTlsCertificateError = 13,
  kRequestDenied = 14,
  kRequestBodySize = 15,
  kResponseIncomplete = 16,
  kResponseHeaderSectionSize = 17,
  kResponseBodySize = 18,
  kResponseTimeout = 19,
  kProtocolError = 20,
  kLoopDetected = 21,
};

struct HandlerConfig {
  std::vector<std::pair<std::string, std::string>> environment;
  std::vector<std::string> arguments;
};

// A handler that can be started: its code mapped and linked. Cheap to start a request from. Must
// outlive its requests. Belongs to its engine's thread. A component is asked by
// HandlerRequest::start, a core module (Kind::kModuleHandler) by HandlerRequest::start_command.
class Handler {
 public:
  // Loads the compiled file (see code_file.h) open as `fd`, which the caller has authenticated: its
  // content runs as machine code. The file is opened again through /proc/self/fd, so it must be
  // readable for the process (a sealed memfd or a file of mode 0444 is). The caller keeps fd and
  // may close it. kInvalid: it is a program. A core module gets its environment with each request
  // and not from `config`.
  static Result<Handler> load(Engine& engine, int fd, const HandlerConfig& config);
  // Another handler of the same code, mapped and linked once, with a configuration of its own:
  // costs a few hundred bytes. Either may be destroyed first.
  Result<Handler> share(const HandlerConfig& config) const;
  ~Handler();
  Handler(Handler&& other) noexcept;
  Handler& operator=(Handler&& other) noexcept;

  duet_handler* raw() const { return handler_; }
  Kind kind() const { return kind_; }

 private:
  Handler(duet_handler* handler, Kind kind) : handler_(handler), kind_(kind) {}
  duet_handler* handler_;
  Kind kind_;
};

// Bounds of one request's sandbox.
struct RequestLimits {
  std::uint64_t memory_bytes = std::uint64_t{64} << 20;  // all linear memories together
  std::uint64_t table_elements = 20'000;
  std::uint32_t instance_limit = 100;  // core instances
  std::uint32_t resource_limit =
      1000;                           // host objects (headers, bodies, pollables) held by the guest
  std::uint32_t outgoing_limit = 16;  // outgoing requests at the same time
  std::uint64_t cpu_budget_ns = 1'000'000'000;    // CPU time; 0: none
  std::uint64_t request_body_bytes = 64 << 10;    // buffered for the guest, per body
  std::uint64_t response_chunk_bytes = 64 << 10;  // of one piece that the guest writes
  std::uint64_t header_bytes = 64 << 10;          // of one set of headers that the guest makes
  std::uint64_t log_bytes = 64 << 10;             // of stdout and stderr together
  // What is known of the guest: it waits for those that do not, from the start
  // (Engine::next_slow).
  bool computes_long = false;
};

// The head of a request. Nothing is kept: the strings may go after the call.
struct RequestHead {
  std::string_view method;
  std::string_view scheme;           // "http" or "https"
  std::string_view authority;        // host[:port]
  std::string_view path_with_query;  // begins with a slash
  std::span<const Field> headers;
  bool body_complete = true;  // the request has no body
};

struct ResponseHead {
  std::uint16_t status;
  std::span<const Field> headers;  // live until the request is destroyed
};

// What a core module finds when it is started. Nothing is kept: the strings may go after the call.
struct CommandInput {
  std::string_view environment;  // "NAME=value" of each variable, each ended by a zero byte
  bool body_complete = true;     // nothing comes on standard input
};

// A piece of a body that the guest writes.
struct Frame {
  enum class Kind : std::uint8_t {
    kPending,   // nothing now; a later poll() says so when there is
    kData,      // `data`
    kTrailers,  // `trailers`, and the end
    kEnd,
    kError,  // the body ended before its end, `data` says why: do not end the message properly
  };
  Kind kind = Kind::kPending;
  std::string_view data;            // until the next call with the same request
  std::span<const Field> trailers;  // until the next call with the same request
};

struct LogPiece {
  std::string_view text;  // until the next call with the same request
  bool error_stream;      // stderr, else stdout
  std::uint64_t dropped_bytes;
};

// How a guest ended.
struct RequestEnd {
  enum class Outcome : std::uint8_t {
    kOk = 0,
    kNoResponse = 1,  // returned without setting a response
    kGuestError = 2,  // set an error code instead of a response
    kTrap = 3,
    kCpuBudget = 4,    // cpu_budget_ns was used up
    kMemoryLimit = 5,  // trapped after growth was refused by memory_bytes or table_elements
    kExhausted = 6,    // no sandbox was to be had
    kInternal = 7,
    kExit = 8,  // exited with another code than 0
  };
  Outcome outcome;
  std::string_view message;  // lives until the request is destroyed; empty for kOk
  std::uint64_t cpu_ns;
  std::uint64_t peak_memory_bytes;
};

// What a guest has used so far.
struct RequestUsage {
  std::uint64_t cpu_ns;
  std::uint64_t peak_memory_bytes;
};

// What poll() found; what is not taken is said again by the next poll.
struct RequestEvents {
  std::uint32_t bits;
  bool head() const { return (bits & 1U) != 0; }      // response_head() has something
  bool body() const { return (bits & 2U) != 0; }      // read() has something
  bool writable() const { return (bits & 4U) != 0; }  // write() was short, and takes more now
  bool outgoing() const {
    return (bits & 8U) != 0;
  }  // next_outgoing(), or an Outgoing's state changed
  bool log() const { return (bits & 16U) != 0; }  // next_log() has something
  bool end() const {
    return (bits & 32U) != 0;
  }  // end() has something; read() may still have frames
};

// An outgoing request that a guest made. The strings live until close_outgoing.
struct OutgoingHead {
  std::uint32_t id;
  std::string_view method;
  std::string_view scheme;
  std::string_view authority;
  std::string_view path_with_query;
  std::span<const Field> headers;
  std::optional<std::uint64_t> connect_timeout_ns;
  std::optional<std::uint64_t> first_byte_timeout_ns;
  std::optional<std::uint64_t> between_bytes_timeout_ns;
};

struct OutgoingState {
  std::uint32_t bits;
  bool readable() const { return (bits & 1U) != 0; }   // a frame of its body is there
  bool writable() const { return (bits & 2U) != 0; }   // there is room for response bytes
  bool cancelled() const { return (bits & 4U) != 0; }  // the guest waits for it no more
};

// One request in a sandbox of its own. Belongs to its engine's thread; destroying it ends the guest
// at once.
class HandlerRequest {
 public:
  // Nothing of the guest runs before the first poll(). `token` is what Engine::next_ready() gives
  // for it.
  static Result<HandlerRequest> start(Handler& handler, const RequestHead& head,
                                      const RequestLimits& limits, std::uint64_t token);
  // As start() for a core module: what is written to the request is its standard input, what it
  // prints is the body that read() gives, from the first byte: response_head() never has one. At
  // most response_chunk_bytes of it wait to be read. Standard error goes to the log. There are no
  // outgoing requests; resource_limit bounds what the guest may wait for at once.
  static Result<HandlerRequest> start_command(Handler& handler, const CommandInput& input,
                                              const RequestLimits& limits, std::uint64_t token);
  ~HandlerRequest();
  HandlerRequest(HandlerRequest&& other) noexcept;
  HandlerRequest& operator=(HandlerRequest&& other) noexcept;

  // Runs the guest until it waits, or for an epoch. Call once after start(), and when next_ready()
  // says.
  RequestEvents poll();

  // The response's head, once.
  std::optional<ResponseHead> response_head();
  // The next piece of the response's body. Not calling it is the back-pressure: the guest waits.
  Frame read();

  // Request body bytes for the guest: how many were taken. When fewer than given, wait for
  // writable().
  std::size_t write(std::string_view data);
  Status finish(std::span<const Field> trailers = {});
  void abort(HttpError error);

  std::optional<LogPiece> next_log();
  std::optional<RequestEnd> end();
  // Up to the last poll(), whether the guest ended or not.
  RequestUsage usage() const;

  // Outgoing requests. The caller decides whether they may go, and carries them out.
  std::optional<OutgoingHead> next_outgoing();
  OutgoingState outgoing_state(std::uint32_t id);
  Frame read_outgoing(std::uint32_t id);
  Status respond_outgoing(std::uint32_t id, std::uint16_t status, std::span<const Field> headers,
                          bool body_complete);
  std::size_t write_outgoing(std::uint32_t id, std::string_view data);
  Status finish_outgoing(std::uint32_t id, std::span<const Field> trailers = {});
  void fail_outgoing(std::uint32_t id, HttpError error);
  void close_outgoing(std::uint32_t id);

  // Takes over what the crate made.
  explicit HandlerRequest(duet_request* request) : request_(request) {}

 private:
  duet_request* request_;
  std::vector<Field> head_;      // what response_head() gave
  std::vector<Field> trailers_;  // what the last read gave
  std::vector<std::pair<std::uint32_t, std::vector<Field>>>
      outgoing_;  // headers of open outgoing requests
};

}  // namespace duet::engine
