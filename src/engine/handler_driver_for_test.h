#pragma once

#include <poll.h>

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/code_file.h"
#include "engine/guests_for_test.h"
#include "engine/handler.h"

namespace duet::engine {

// All that came of one request.
struct Exchange {
  int status = 0;
  std::multimap<std::string, std::string> headers;
  std::string body;
  std::multimap<std::string, std::string> trailers;
  bool broken_off = false;
  std::string out;
  std::string err;
  std::uint64_t log_dropped = 0;
  RequestEnd::Outcome outcome = RequestEnd::Outcome::kOk;
  std::string message;
  std::uint64_t cpu_ns = 0;
  std::uint64_t peak_memory_bytes = 0;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
};

// Drives one request as an event loop would; timers of the guest are due at once.
class Driver {
 public:
  // A command's request has a body from the start, and no head.
  Driver(Engine& engine, HandlerRequest request, Kind kind = Kind::kHandler)
      : engine_(engine), request_(std::move(request)), has_body_(kind == Kind::kModuleHandler) {}

  HandlerRequest& request() { return request_; }
  Exchange& exchange() { return exchange_; }

  // Polls once and takes what is there, but outgoing requests.
  RequestEvents step() {
    const RequestEvents events = request_.poll();
    if (auto head = request_.response_head()) {
      exchange_.status = head->status;
      has_body_ = true;
      for (const Field& field : head->headers) {
        exchange_.headers.emplace(field.name, field.value);
      }
    }
    if (has_body_) {
      take_body();
    }
    while (auto piece = request_.next_log()) {
      (piece->error_stream ? exchange_.err : exchange_.out) += piece->text;
      exchange_.log_dropped += piece->dropped_bytes;
    }
    if (auto end = request_.end()) {
      ended_ = true;
      exchange_.outcome = end->outcome;
      exchange_.message = end->message;
      exchange_.cpu_ns = end->cpu_ns;
      exchange_.peak_memory_bytes = end->peak_memory_bytes;
    }
    return events;
  }

  bool done() const { return ended_ && (body_over_ || !has_body_); }

  // Waits until the request wants to be polled. False: nothing will come.
  bool wait() {
    while (true) {
      if (engine_.next_ready() || engine_.next_slow()) {
        return true;
      }
      if (const auto due_ns = engine_.next_timer_ns()) {
        engine_.fire_timers(*due_ns);
        continue;
      }
      pollfd event{engine_.event_fd(), POLLIN, 0};
      if (poll(&event, 1, 0) <= 0) {
        return false;
      }
    }
  }

  Exchange finish() {
    step();
    while (!done()) {
      if (!wait()) {
        ADD_FAILURE() << "the guest waits for ever";
        break;
      }
      step();
    }
    return exchange_;
  }

 private:
  void take_body() {
    while (!body_over_) {
      const Frame frame = request_.read();
      switch (frame.kind) {
        case Frame::Kind::kPending:
          return;
        case Frame::Kind::kData:
          exchange_.body += frame.data;
          break;
        case Frame::Kind::kTrailers:
          for (const Field& field : frame.trailers) {
            exchange_.trailers.emplace(field.name, field.value);
          }
          body_over_ = true;
          break;
        case Frame::Kind::kError:
          exchange_.broken_off = true;
          body_over_ = true;
          break;
        case Frame::Kind::kEnd:
          body_over_ = true;
          break;
      }
    }
  }

  Engine& engine_;
  HandlerRequest request_;
  Exchange exchange_;
  bool has_body_;
  bool body_over_ = false;
  bool ended_ = false;
};

// An engine with one handler.
struct Host {
  Engine engine;
  Handler handler;

  static EngineOptions options() {
    EngineOptions options;
    options.sandbox_limit = 20;
    options.core_instance_limit = 80;
    options.memory_limit = 20;
    options.table_limit = 40;
    return options;
  }

  explicit Host(std::string_view guest, const HandlerConfig& config = {},
                const EngineOptions& engine_options = options())
      : Host(compile_guest(guest), config, engine_options) {}
  Host(Fd file, const HandlerConfig& config, const EngineOptions& engine_options)
      : engine(std::move(Engine::create(engine_options)).value()),
        handler(std::move(Handler::load(engine, file.get(), config)).value()) {}

  Driver start(std::string_view path, const RequestLimits& limits = {},
               std::span<const Field> headers = {}, bool body_complete = true,
               std::string_view method = "GET") {
    auto request = HandlerRequest::start(
        handler, {method, "http", "example.test:8080", path, headers, body_complete}, limits, 7);
    EXPECT_TRUE(request.ok()) << request.error().message();
    return Driver(engine, std::move(request).value());
  }

  // The same for a command; `environment` as CommandInput has it.
  Driver start_command(std::string_view environment, const RequestLimits& limits = {},
                       bool body_complete = true) {
    auto request = HandlerRequest::start_command(handler, {environment, body_complete}, limits, 7);
    EXPECT_TRUE(request.ok()) << request.error().message();
    return Driver(engine, std::move(request).value(), Kind::kModuleHandler);
  }

  Exchange get(std::string_view path, const RequestLimits& limits = {},
               std::span<const Field> headers = {}) {
    return start(path, limits, headers).finish();
  }
};

}  // namespace duet::engine
