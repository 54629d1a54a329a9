#include "engine/engine.h"

#include <array>
#include <limits>
#include <utility>

#include "engine/duet_engine.h"
#include "engine/error_from.h"
#include "engine/profile.h"

namespace duet::engine {

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::kModuleProgram:
      return "core module program";
    case Kind::kComponentProgram:
      return "component program";
    case Kind::kHandler:
      return "request handler";
    case Kind::kModuleHandler:
      return "WAGI handler";
    case Kind::kAsyncHandler:
      return "asynchronous request handler";
  }
  return "unknown kind";
}

Result<std::string> engine_compatibility_key(Kind kind, Bounds bounds) {
  std::array<std::uint8_t, 32> key{};
  duet_error error{};
  if (duet_compatibility_key(profile_number(kind, bounds), key.data(), &error) != DUET_OK) {
    return take_error(error);
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : key) {
    text += kDigits[byte >> 4U];
    text += kDigits[byte & 15U];
  }
  return text;
}

Result<Engine> Engine::create(const EngineOptions& options) {
  duet_engine_options raw{};
  raw.sandbox_limit = options.sandbox_limit;
  raw.core_instance_limit = options.core_instance_limit;
  raw.memory_limit = options.memory_limit;
  raw.table_limit = options.table_limit;
  raw.memory_size_limit_bytes = options.memory_size_limit_bytes;
  raw.table_elements_limit = options.table_elements_limit;
  raw.resident_bytes = options.resident_bytes;
  raw.warm_limit = options.warm_limit;
  raw.tick_ns = options.tick_ns;
  raw.pooling = options.pooling;
  raw.checked = options.bounds == Bounds::kChecked;
  duet_engine* engine = nullptr;
  std::uint32_t sandboxes = 0;
  duet_error error{};
  if (duet_engine_new(&raw, &engine, &sandboxes, &error) != DUET_OK) {
    return take_error(error).wrap("WebAssembly engine");
  }
  return Engine(engine, sandboxes);
}

Engine::~Engine() {
  if (engine_ != nullptr) {
    duet_engine_free(engine_);
  }
}

Engine::Engine(Engine&& other) noexcept
    : engine_(std::exchange(other.engine_, nullptr)), sandboxes_(other.sandboxes_) {}

Engine& Engine::operator=(Engine&& other) noexcept {
  std::swap(engine_, other.engine_);
  std::swap(sandboxes_, other.sandboxes_);
  return *this;
}

int Engine::event_fd() const { return duet_engine_event_fd(engine_); }

std::optional<std::uint64_t> Engine::next_ready() {
  std::uint64_t token = 0;
  if (!duet_engine_next_ready(engine_, &token)) {
    return std::nullopt;
  }
  return token;
}

std::optional<std::uint64_t> Engine::next_slow() {
  std::uint64_t token = 0;
  if (!duet_engine_next_slow(engine_, &token)) {
    return std::nullopt;
  }
  return token;
}

std::optional<std::uint64_t> Engine::next_timer_ns() const {
  const std::uint64_t due_ns = duet_engine_next_timer(engine_);
  if (due_ns == std::numeric_limits<std::uint64_t>::max()) {
    return std::nullopt;
  }
  return due_ns;
}

void Engine::fire_timers(std::uint64_t now_ns) { duet_engine_fire_timers(engine_, now_ns); }

void Engine::increment_epoch() const { duet_engine_increment_epoch(engine_); }

}  // namespace duet::engine
