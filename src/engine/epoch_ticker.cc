#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <optional>
#include <utility>

#include "engine/duet_engine.h"
#include "engine/engine.h"

namespace duet::engine {
namespace {

// How many engines of a process may have a ticker: one a thread that runs guests.
constexpr std::size_t kTickerLimit = 64;

// Read by the signal handler, so it cannot be anything but static.
std::array<std::atomic<const duet_engine*>, kTickerLimit> ticking;  // NOLINT

int tick_signal() { return SIGRTMIN + 3; }

void on_tick(int /*signal*/) {
  for (const auto& slot : ticking) {
    if (const duet_engine* engine = slot.load(std::memory_order_acquire)) {
      duet_engine_increment_epoch(engine);
    }
  }
}

Result<std::size_t> take_slot(const duet_engine* engine) {
  for (std::size_t i = 0; i < kTickerLimit; ++i) {
    const duet_engine* none = nullptr;
    if (ticking[i].compare_exchange_strong(none, engine)) {
      return i;
    }
  }
  return Error(ErrorCode::kExhausted, "no more than " + std::to_string(kTickerLimit) +
                                          " engines of a process can have a ticker");
}

// Its signal goes to the calling thread.
Result<timer_t> make_timer(clockid_t clock) {
  sigevent event{};
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_signo = tick_signal();
  event._sigev_un._tid =
      static_cast<pid_t>(syscall(SYS_gettid));  // what glibc 2.36 has no other name for
  timer_t timer{};
  if (timer_create(clock, &event, &timer) != 0) {
    return Error::from_errno("epoch timer: timer_create", errno);
  }
  return timer;
}

timespec timespec_of(std::uint64_t ns) {
  return {.tv_sec = static_cast<time_t>(ns / 1'000'000'000),
          .tv_nsec = static_cast<long>(ns % 1'000'000'000)};
}

Status install_handler() {
  struct sigaction action{};
  action.sa_handler = on_tick;
  // SA_ONSTACK: the signal may come while the thread runs on a guest's small stack.
  action.sa_flags = SA_RESTART | SA_ONSTACK;
  if (sigaction(tick_signal(), &action, nullptr) != 0) {
    return Error::from_errno("epoch timer: sigaction", errno);
  }
  return {};
}

}  // namespace

struct EpochTicker::State {
  std::size_t slot = kTickerLimit;
  std::optional<timer_t> ticks;  // of the thread's CPU time
  std::optional<timer_t> turns;  // of the clock

  ~State() {
    for (const auto& timer : {ticks, turns}) {
      if (timer) {
        timer_delete(*timer);
      }
    }
    if (slot < kTickerLimit) {
      ticking[slot].store(nullptr, std::memory_order_release);
    }
  }
};

EpochTicker::EpochTicker(std::unique_ptr<State> state) : state_(std::move(state)) {}
EpochTicker::EpochTicker(EpochTicker&& other) noexcept = default;

Result<EpochTicker> EpochTicker::start(const Engine& engine, std::uint64_t tick_ns) {
  if (tick_ns == 0) {
    return invalid("epoch timer: a tick must be longer than 0 ns");
  }
  DUET_TRY(install_handler());
  auto state = std::make_unique<State>();
  DUET_ASSIGN(state->ticks, make_timer(CLOCK_THREAD_CPUTIME_ID));
  DUET_ASSIGN(state->turns, make_timer(CLOCK_MONOTONIC));
  DUET_ASSIGN(state->slot, take_slot(engine.raw()));
  const itimerspec spec{.it_interval = timespec_of(tick_ns), .it_value = timespec_of(tick_ns)};
  if (timer_settime(*state->ticks, 0, &spec, nullptr) != 0) {
    return Error::from_errno("epoch timer: timer_settime", errno);
  }
  return EpochTicker(std::move(state));
}

void EpochTicker::end_epochs(std::uint64_t every_ns) const {
  const itimerspec spec{.it_interval = timespec_of(every_ns), .it_value = timespec_of(every_ns)};
  timer_settime(*state_->turns, 0, &spec, nullptr);
}

EpochTicker::~EpochTicker() = default;

}  // namespace duet::engine
