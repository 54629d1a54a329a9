#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace duet::net {

class EventLoop;

// Gets the events of one descriptor. May be destroyed at any time, also by its own on_io, after
// EventLoop::remove.
class IoHandler {
 public:
  virtual void on_io(std::uint32_t events) = 0;

 protected:
  ~IoHandler() = default;
};

// A deadline. Moving it later costs nothing until the old one passes, so it can be set for every
// request. Cancelled by its destructor.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const { return deadline_ns_ != kNever; }

 protected:
  ~Timer();
  virtual void on_timer() = 0;

 private:
  friend class EventLoop;
  static constexpr std::int64_t kNever = INT64_MAX;
  EventLoop* loop_ = nullptr;          // set while it stands in the heap
  std::size_t position_ = 0;           // in the heap
  std::int64_t deadline_ns_ = kNever;  // what was asked for
  std::int64_t scheduled_ns_ =
      kNever;  // where it stands in the heap: never later than deadline_ns_
};

// A timer that calls a member function of its owner.
template <typename Owner, void (Owner::*Method)()>
class MemberTimer final : public Timer {
 public:
  explicit MemberTimer(Owner& owner) : owner_(owner) {}

 protected:
  void on_timer() override { (owner_.*Method)(); }

 private:
  Owner& owner_;
};

// Runs before the loop waits, for work that has no descriptor.
class BeforeWait {
 public:
  // How long the loop may wait then, in ns: 0 to be called again at once, -1 for as long as it
  // likes.
  virtual std::int64_t before_wait(std::int64_t now_ns) = 0;

 protected:
  ~BeforeWait() = default;
};

// Called once at the end of the round; the usual place to destroy what is on the call stack
// now.
class Deferred {
 public:
  Deferred() = default;
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  virtual void run_deferred() = 0;

 protected:
  // Must not be destroyed while it waits to be run.
  ~Deferred() = default;

 private:
  friend class EventLoop;
  bool pending_ = false;
};

// One epoll loop, for one thread. Descriptors are watched edge-triggered for reading and writing
// from add() to remove(), so that a request costs no epoll_ctl; who is told of an edge reads or
// writes until the kernel has no more.
class EventLoop {
 public:
  static Result<std::unique_ptr<EventLoop>> create(const sys::Clock& clock);

  // Watches `fd`. `events` are epoll's; EPOLLET is for the caller to say.
  Status add(int fd, IoHandler& handler,
             std::uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  // Ends watching; events of this round that were not told yet are dropped. The caller closes fd
  // afterwards.
  void remove(int fd, IoHandler& handler);

  // Arms `timer` for `delay_ns` from now, or moves it there.
  void set_timer(Timer& timer, std::int64_t delay_ns);
  void cancel_timer(Timer& timer);

  void defer(Deferred& task);
  void add_before_wait(BeforeWait& hook) { before_wait_.push_back(&hook); }
  void remove_before_wait(BeforeWait& hook) { std::erase(before_wait_, &hook); }

  // CLOCK_MONOTONIC at the start of this round.
  std::int64_t now_ns() const { return now_ns_; }
  // CLOCK_MONOTONIC now.
  std::int64_t clock_ns() const;
  const sys::Clock& clock() const { return clock_; }

  // Runs until stop(). wake() makes a waiting loop go round; only it may be called from other
  // threads and from signal handlers.
  Status run();
  void stop() { stopped_ = true; }
  void wake();
  // One round, waiting at most `wait_limit_ns` (-1: no bound).
  Status run_once(std::int64_t wait_limit_ns);

 private:
  friend class Timer;
  EventLoop(const sys::Clock& clock, sys::Fd epoll, sys::Fd wake);
  void fire_timers();
  void run_deferred();
  std::int64_t wait_ns(std::int64_t wait_limit_ns);
  void place(std::size_t position, Timer* timer);
  void sift_up(std::size_t position);
  void sift_down(std::size_t position);
  void erase_timer(Timer& timer);

  static constexpr int kBatch = 256;  // events taken at a time
  const sys::Clock& clock_;
  sys::Fd epoll_;
  sys::Fd wake_;
  bool stopped_ = false;
  std::int64_t now_ns_ = 0;
  std::array<epoll_event, kBatch> events_{};
  int event_count_ = 0;
  int event_next_ = 0;
  std::vector<Timer*> heap_;
  std::vector<Deferred*> deferred_;
  std::vector<Deferred*> running_;  // what run_deferred() is at; empty otherwise
  std::vector<BeforeWait*> before_wait_;
};

}  // namespace duet::net
