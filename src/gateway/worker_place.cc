#include "gateway/worker_place.h"

#include <algorithm>
#include <cstdio>

namespace duet::gateway {
namespace {

// A worker that lived this long is replaced at once. One that did not is replaced after a delay
// that doubles, so that a table which kills every worker costs little.
constexpr std::int64_t kGoodLifeNs = 1'000'000'000;
constexpr std::int64_t kFirstDelayNs = 50'000'000;
constexpr std::int64_t kLastDelayNs = 5'000'000'000;

}  // namespace

Supervisor::Place::~Place() { lose_process(); }

Status Supervisor::Place::start() {
  DUET_ASSIGN(WorkerProcess process,
              WorkerProcess::start(supervisor_.options_.worker, supervisor_.options_.folders));
  DUET_TRY(process.call(R"({"type":"status"})", -1));
  DUET_TRY(supervisor_.kept_.replay(number_, [&process](std::string_view text, int fd) -> Status {
    DUET_TRY(process.call(text, fd));
    return {};
  }));
  DUET_TRY(supervisor_.loop_.add(process.ended_fd(), *this, EPOLLIN));
  started_ns_ = supervisor_.loop_.clock_ns();
  process_.emplace(std::move(process));
  return {};
}

Result<std::string> Supervisor::Place::call(std::string_view text, int fd) {
  if (!process_) {
    return Error(ErrorCode::kUnavailable, "a gateway worker has ended");
  }
  auto reply = process_->call(text, fd);
  if (!reply.ok() && (reply.error().code() == ErrorCode::kTimeout ||
                      reply.error().code() == ErrorCode::kCorrupt)) {
    replace(reply.error());  // a late reply would be taken for the next one's
  }
  return reply;
}

void Supervisor::Place::replace(const Error& why) {
  std::fprintf(stderr, "duet-gateway: worker %d is replaced: %s\n", number_, why.message().c_str());
  if (process_) {
    process_->kill();
  }
}

void Supervisor::Place::lose_process() {
  if (process_) {
    supervisor_.loop_.remove(process_->ended_fd(), *this);
    process_.reset();
  }
}

void Supervisor::Place::on_io(std::uint32_t) {
  const std::string how = process_->reap();
  lose_process();
  if (supervisor_.draining_) {
    supervisor_.stop_if_all_ended();
    return;
  }
  std::fprintf(stderr, "duet-gateway: worker %d ended with %s, starting another\n", number_,
               how.c_str());
  ++supervisor_.restarts_;
  if (supervisor_.loop_.clock_ns() - started_ns_ >= kGoodLifeNs) {
    delay_ns_ = 0;
    on_timer();
  } else {
    start_later();
  }
}

void Supervisor::Place::start_later() {
  delay_ns_ = std::clamp(delay_ns_ * 2, kFirstDelayNs, kLastDelayNs);
  supervisor_.loop_.set_timer(timer_, delay_ns_);
}

void Supervisor::Place::on_timer() {
  if (supervisor_.draining_) {
    return;
  }
  if (const Status started = start(); !started.ok()) {
    std::fprintf(stderr, "duet-gateway: worker %d: %s\n", number_,
                 started.error().message().c_str());
    start_later();
  }
}

}  // namespace duet::gateway
