#include "net/event_loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace duet::net {

Timer::~Timer() {
  if (loop_ != nullptr) {
    loop_->erase_timer(*this);
  }
}

EventLoop::EventLoop(const sys::Clock& clock, sys::Fd epoll, sys::Fd wake)
    : clock_(clock), epoll_(std::move(epoll)), wake_(std::move(wake)), now_ns_(clock_ns()) {}

Result<std::unique_ptr<EventLoop>> EventLoop::create(const sys::Clock& clock) {
  sys::Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll.valid()) {
    return Error::from_errno("epoll_create1", errno);
  }
  sys::Fd wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) {
    return Error::from_errno("eventfd", errno);
  }
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return Error::from_errno("epoll_ctl", errno);
  }
  return std::unique_ptr<EventLoop>(new EventLoop(clock, std::move(epoll), std::move(wake)));
}

std::int64_t EventLoop::clock_ns() const { return clock_.monotonic().time_since_epoch().count(); }

Status EventLoop::add(int fd, IoHandler& handler, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &handler}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return Error::from_errno("watching a descriptor", errno);
  }
  return {};
}

void EventLoop::remove(int fd, IoHandler& handler) {
  epoll_event event{};
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, &event);
  for (int i = event_next_; i < event_count_; ++i) {
    if (events_[i].data.ptr == &handler) {
      events_[i].data.ptr = nullptr;
    }
  }
}

void EventLoop::place(std::size_t position, Timer* timer) {
  heap_[position] = timer;
  timer->position_ = position;
}

void EventLoop::sift_up(std::size_t position) {
  Timer* timer = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / 2;
    if (heap_[parent]->scheduled_ns_ <= timer->scheduled_ns_) {
      break;
    }
    place(position, heap_[parent]);
    position = parent;
  }
  place(position, timer);
}

void EventLoop::sift_down(std::size_t position) {
  Timer* timer = heap_[position];
  for (;;) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) {
      break;
    }
    if (child + 1 < heap_.size() && heap_[child + 1]->scheduled_ns_ < heap_[child]->scheduled_ns_) {
      ++child;
    }
    if (timer->scheduled_ns_ <= heap_[child]->scheduled_ns_) {
      break;
    }
    place(position, heap_[child]);
    position = child;
  }
  place(position, timer);
}

void EventLoop::erase_timer(Timer& timer) {
  const std::size_t position = timer.position_;
  Timer* last = heap_.back();
  heap_.pop_back();
  timer.loop_ = nullptr;
  if (last != &timer) {
    place(position, last);
    sift_up(position);
    sift_down(last->position_);
  }
}

void EventLoop::set_timer(Timer& timer, std::int64_t delay_ns) {
  timer.deadline_ns_ = now_ns_ + std::max<std::int64_t>(delay_ns, 0);
  if (timer.loop_ == nullptr) {
    timer.loop_ = this;
    timer.scheduled_ns_ = timer.deadline_ns_;
    heap_.push_back(&timer);
    sift_up(heap_.size() - 1);
  } else if (timer.deadline_ns_ < timer.scheduled_ns_) {
    timer.scheduled_ns_ = timer.deadline_ns_;
    sift_up(timer.position_);
  }
}

void EventLoop::cancel_timer(Timer& timer) { timer.deadline_ns_ = Timer::kNever; }

void EventLoop::fire_timers() {
  while (!heap_.empty() && heap_.front()->scheduled_ns_ <= now_ns_) {
    Timer& timer = *heap_.front();
    if (timer.deadline_ns_ == Timer::kNever) {
      erase_timer(timer);
    } else if (timer.deadline_ns_ > now_ns_) {
      timer.scheduled_ns_ = timer.deadline_ns_;
      sift_down(0);
    } else {
      erase_timer(timer);
      timer.deadline_ns_ = Timer::kNever;
      timer.on_timer();
    }
  }
}

void EventLoop::defer(Deferred& task) {
  if (!task.pending_) {
    task.pending_ = true;
    deferred_.push_back(&task);
  }
}

void EventLoop::run_deferred() {
  // Tasks that are added meanwhile have to wait, so that sockets get their turn.
  running_.swap(deferred_);
  for (Deferred* task : running_) {
    task->pending_ = false;
    task->run_deferred();
  }
  running_.clear();
}

std::int64_t EventLoop::wait_ns(std::int64_t wait_limit_ns) {
  std::int64_t wait = wait_limit_ns;
  const auto at_most = [&wait](std::int64_t ns) {
    if (ns >= 0 && (wait < 0 || ns < wait)) {
      wait = ns;
    }
  };
  now_ns_ = clock_ns();
  for (std::size_t i = 0; i < before_wait_.size(); ++i) {
    at_most(before_wait_[i]->before_wait(now_ns_));
  }
  run_deferred();
  if (!deferred_.empty()) {
    at_most(0);
  }
  if (!heap_.empty()) {
    at_most(std::max<std::int64_t>(heap_.front()->scheduled_ns_ - now_ns_, 0));
  }
  return stopped_ ? 0 : wait;
}

Status EventLoop::run_once(std::int64_t wait_limit_ns) {
  constexpr std::int64_t kMillisecond = 1'000'000;
  const std::int64_t wait = wait_ns(wait_limit_ns);
  const std::int64_t wait_ms =
      wait < 0 ? -1 : std::min<std::int64_t>((wait + kMillisecond - 1) / kMillisecond, 1 << 30);
  event_count_ = epoll_wait(epoll_.get(), events_.data(), kBatch, static_cast<int>(wait_ms));
  now_ns_ = clock_ns();
  if (event_count_ < 0) {
    event_count_ = 0;
    if (errno != EINTR) {
      return Error::from_errno("epoll_wait", errno);
    }
  }
  for (event_next_ = 0; event_next_ < event_count_;) {
    const epoll_event& event = events_[event_next_++];
    if (event.data.ptr != nullptr) {
      static_cast<IoHandler*>(event.data.ptr)->on_io(event.events);
    }
  }
  event_count_ = event_next_ = 0;
  fire_timers();
  run_deferred();
  return {};
}

Status EventLoop::run() {
  stopped_ = false;
  while (!stopped_) {
    DUET_TRY(run_once(-1));
  }
  return {};
}

void EventLoop::wake() {
  const std::uint64_t one = 1;
  // A full counter wakes as well, so a failed write is no loss.
  [[maybe_unused]] const ssize_t written = write(wake_.get(), &one, sizeof(one));
}

}  // namespace duet::net
