#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"

struct duet_engine;

namespace duet::engine {

// What a compiled file holds, and so what can be done with it.
enum class Kind : std::uint8_t {
  kModuleProgram = 1,     // a core module with _start, WASI preview 1
  kComponentProgram = 2,  // a component that exports wasi:cli/run 0.2
  kHandler = 3,           // a component that exports wasi:http/incoming-handler 0.2
  kModuleHandler = 4,     // as kModuleProgram, compiled to answer requests by WAGI
  kAsyncHandler = 5,      // a component that exports wasi:http/handler 0.3
};

// "core module program", "component program", "request handler", "WAGI handler" or "asynchronous
// request handler".
std::string_view kind_name(Kind kind);

// Whether it answers requests in the gateway, and is no program.
constexpr bool is_handler(Kind kind) {
  return kind == Kind::kHandler || kind == Kind::kModuleHandler || kind == Kind::kAsyncHandler;
}

// What a module is compiled for.
enum class Use : std::uint8_t {
  kOwn,   // what it exports says what it is
  kWagi,  // a core module's program answers requests, each time started anew
};

// How a handler's accesses to its memory are kept within it. Code is compiled for one of the two.
enum class Bounds : std::uint8_t {
  kGuarded,  // by addresses that are reserved around each memory, 4 GiB of them: costs nothing
  kChecked,  // by comparing each with the memory's size: memories take only what they use
};

// What suits this process: kChecked if it could not reserve what a few sandboxes need (a board with
// a small address space, RLIMIT_AS).
Bounds suitable_bounds();

// Which compiled files this build of duet can load on this CPU: 64 hexadecimal digits made from the
// engine's version, its settings and the CPU's features. Part of the key of the cache of compiled
// code. Programs and handlers are compiled with different settings and have different keys.
// `bounds` matters for handlers only.
Result<std::string> engine_compatibility_key(Kind kind, Bounds bounds = Bounds::kGuarded);

struct EngineOptions {
  std::uint32_t sandbox_limit = 1000;        // sandboxes alive at the same time
  std::uint32_t core_instance_limit = 4000;  // core instances of all sandboxes together
  std::uint32_t memory_limit = 1000;         // linear memories of all sandboxes together
  std::uint32_t table_limit = 2000;          // tables of all sandboxes together
  std::uint64_t memory_size_limit_bytes = std::uint64_t{128} << 20;  // of one linear memory
  std::uint64_t table_elements_limit = 100'000;                      // of one table
  std::uint64_t resident_bytes = std::uint64_t{128} << 10;  // kept resident in a freed memory slot
  std::uint32_t warm_limit = 100;     // freed slots that keep their template's image
  std::uint64_t tick_ns = 2'000'000;  // length of an epoch in CPU time of the thread
  bool pooling = true;
  Bounds bounds = Bounds::kGuarded;  // of the handlers' code; kChecked: there is no pool
};

// The engine of one thread: the pool of sandboxes, the list of requests that want to be polled, and
// the guests' timers. Asynchronous handlers (Kind::kAsyncHandler) have a pool of their own, of the
// same options, which is made with the first of them. Not thread-safe, except increment_epoch().
// Must outlive its handlers and requests.
//
// An event loop on an engine goes: wait for sockets, event_fd() and the timer; fire_timers(now);
// then for each next_ready() poll the request of that token; when none is left, poll one of
// next_slow(), and wait again, without sleeping if there was one.
class Engine {
 public:
  static Result<Engine> create(const EngineOptions& options);
  ~Engine();
  Engine(Engine&& other) noexcept;
  Engine& operator=(Engine&& other) noexcept;

  // Whether sandboxes come from a pool. False if the options said so or the address space was too
  // short.
  bool pooled() const { return sandboxes_ > 0; }
  // How many sandboxes the pool has: fewer than asked for where address space, memory that may be
  // promised or mappings are short.
  std::uint32_t sandboxes() const { return sandboxes_; }

  // Readable when another thread made a request ready (threads are rare: only file access of a
  // guest uses one).
  int event_fd() const;

  // The token of the next request that should be polled.
  std::optional<std::uint64_t> next_ready();
  // The same for guests that compute for long at a time: they come after the others.
  std::optional<std::uint64_t> next_slow();

  // When the first timer of a guest is due, in ns of CLOCK_MONOTONIC.
  std::optional<std::uint64_t> next_timer_ns() const;
  // Makes the requests ready whose timers are due at `now_ns` (CLOCK_MONOTONIC).
  void fire_timers(std::uint64_t now_ns);

  // Ends the present epoch: a guest that runs now comes back to its poller soon, and its CPU budget
  // is checked. Thread-safe and async-signal-safe. EpochTicker calls it.
  void increment_epoch() const;

  duet_engine* raw() const { return engine_; }

 private:
  Engine(duet_engine* engine, std::uint32_t sandboxes) : engine_(engine), sandboxes_(sandboxes) {}
  duet_engine* engine_;
  std::uint32_t sandboxes_;
};

// Ends epochs as the calling thread uses CPU time: a POSIX timer on the thread's CPU clock, whose
// signal (SIGRTMIN + 3) ends the epoch of every engine that has a ticker in the process. A thread
// that sleeps is never woken by it. Made on the thread that polls the engine, and destroyed before
// the engine.
class EpochTicker {
 public:
  static Result<EpochTicker> start(const Engine& engine, std::uint64_t tick_ns);
  ~EpochTicker();
  EpochTicker(EpochTicker&& other) noexcept;

  // Ends an epoch every `every_ns`, on the clock and besides the ticks: CPU time is counted by the
  // kernel's tick, which is milliseconds, too long a turn for a guest while others wait. A guest
  // that goes on just as an epoch ends waits for the end of the next one. 0: not any more. Costs a
  // system call.
  void end_epochs(std::uint64_t every_ns) const;
  EpochTicker& operator=(EpochTicker&& other) = delete;

 private:
  struct State;
  explicit EpochTicker(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace duet::engine
