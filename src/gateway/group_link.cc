#include "gateway/group_link.h"

#include <cstring>

#include "gateway/group_call.h"
#include "gateway/groups.h"
#include "gateway/services.h"

namespace duet::gateway {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr int kReadsARun = 32;                // before others get a turn
constexpr std::size_t kCopyBytes = 16 << 10;  // contents up to this size are gathered

// What comes after a handler here, as its gateway is told by who asked for it.
class LinkedSteps final : public NextSteps {
 public:
  LinkedSteps(std::weak_ptr<GroupLink> link, std::uint64_t parent)
      : link_(std::move(link)), parent_(parent) {}
  bool has(std::size_t index) const override { return index == 1; }
  std::unique_ptr<Call> start(std::size_t, CallHead head, Caller& caller) const override {
    auto link = link_.lock();
    if (!link) {
      return std::make_unique<FailedCall>(caller, worker_lost());
    }
    head.steps.reset();
    return std::make_unique<GroupCall>(std::move(link), CallTarget{.parent = parent_}, 0, head,
                                       caller);
  }

 private:
  std::weak_ptr<GroupLink> link_;
  std::uint64_t parent_;
};

}  // namespace

GroupLink::GroupLink(Front& front, Groups& groups, std::string group, sys::Fd fd)
    : front_(front),
      groups_(groups),
      group_(std::move(group)),
      stream_(std::move(fd), front.buffers) {}

GroupLink::~GroupLink() {
  if (!closed_) {
    front_.loop.remove(stream_.fd(), *this);
  }
}

Status GroupLink::open() {
  const Status watched = front_.loop.add(stream_.fd(), *this);
  closed_ = !watched.ok();
  return watched;
}

std::uint64_t GroupLink::begin(GroupCall& call, std::string_view start) {
  if (closed_ || calls_.size() >= kCallLimit) {
    return 0;
  }
  const std::uint64_t id = ++last_id_;
  calls_[id] = &call;
  send(FrameType::kStart, id, start);
  return id;
}

void GroupLink::leave(std::uint64_t id) {
  if (calls_.erase(id) > 0) {
    send(FrameType::kCancel, id, {});
    close_if_retired();
  }
}

void GroupLink::finish(GroupServing& serving) {
  const auto found = servings_.find(serving.id());
  if (found != servings_.end()) {
    dead_.push_back(std::move(found->second));
    servings_.erase(found);
    front_.loop.defer(*this);
    close_if_retired();
  }
}

void GroupLink::send(FrameType type, std::uint64_t id, std::string_view content) {
  if (closed_) {
    return;
  }
  char header[kFrameHeaderBytes];
  write_frame_header(header, type, id, content.size());
  const std::string_view head(header, sizeof(header));
  if (stream_.out().size() + content.size() > kCopyBytes) {
    stream_.send({head, content});  // a failure comes back as an event
    return;
  }
  stream_.out().append(head);
  stream_.out().append(content);
  if (stream_.writable()) {
    front_.sends.add(stream_);
  }
}

void GroupLink::on_io(std::uint32_t events) {
  stream_.note_events(events);
  run();
}

void GroupLink::run_deferred() {
  dead_.clear();
  if (closed_) {
    groups_.forget(*this);  // may destroy this
    return;
  }
  run();
}

void GroupLink::run() {
  if (running_ || closed_) {
    return;
  }
  running_ = true;
  for (int reads = 0; !closed_; ++reads) {
    if (reads >= kReadsARun) {
      front_.loop.defer(*this);
      break;
    }
    const bool received = stream_.fill(kFrameHeaderBytes + kFrameBytes, kReadBytes);
    while (!closed_ && take_frame()) {
    }
    if (!received && !stream_.readable()) {
      break;
    }
  }
  settle();
  running_ = false;
  if (!closed_ && (stream_.failed() || stream_.ended())) {
    close(stream_.failed() ? std::strerror(stream_.error()) : "");
  }
  if (!closed_) {
    stream_.flush();
    if (stream_.in().empty()) {
      stream_.release_memory();
    }
    close_if_retired();
  }
}

// False: there is no whole one.
bool GroupLink::take_frame() {
  const auto start = read_frame(stream_.in().view());
  if (!start) {
    return false;
  }
  if (!is_possible(*start)) {
    close("it sends what is no frame");
    return false;
  }
  if (stream_.in().size() < start->size) {
    return false;
  }
  if (!obey(start->frame)) {
    close("it broke the rules of its frames");
    return false;
  }
  stream_.in().consume(start->size);
  return true;
}

bool GroupLink::obey(const Frame& frame) {
  return frame.type <= FrameType::kCancel ? obey_asker(frame) : obey_answerer(frame);
}

// A call that is over may still get what was sent before its end was known there.
bool GroupLink::obey_asker(const Frame& frame) {
  if (frame.type == FrameType::kStart) {
    return serve(frame);
  }
  const auto found = servings_.find(frame.id);
  if (found == servings_.end()) {
    return true;
  }
  GroupServing& serving = *found->second;
  std::uint32_t bytes = 0;
  std::vector<net::Field> trailers;
  switch (frame.type) {
    case FrameType::kBody:
      return serving.take_body(frame.content);
    case FrameType::kBodyEnd:
      return read_trailers(frame.content, trailers) && serving.end_body(trailers);
    case FrameType::kAnswerCredit:
      return read_credit(frame.content, bytes) && serving.take_credit(bytes);
    default:
      serving.cancel();
      return true;
  }
}

bool GroupLink::obey_answerer(const Frame& frame) {
  const auto found = calls_.find(frame.id);
  if (found == calls_.end()) {
    return true;
  }
  GroupCall& call = *found->second;
  if (unsettled_.empty() || unsettled_.back() != frame.id) {
    unsettled_.push_back(frame.id);
  }
  std::vector<net::Field> fields;
  Usage usage;
  Failure failure;
  AnswerHead head;
  std::uint32_t bytes = 0;
  switch (frame.type) {
    case FrameType::kHead:
      return read_head(frame.content, head, fields) && call.take_head(head);
    case FrameType::kData:
      return call.take_data(frame.content);
    case FrameType::kBodyCredit:
      return read_credit(frame.content, bytes) && call.take_credit(bytes);
    case FrameType::kUsage:
      if (!read_usage(frame.content, usage)) {
        return false;
      }
      usage.retry_reason = groups_.constant(usage.retry_reason);
      call.take_usage(usage);
      return true;
    case FrameType::kEnd:
      if (!read_end(frame.content, usage, fields) || !call.may_end()) {
        return false;
      }
      break;
    default:
      if (!read_failure(frame.content, usage, failure)) {
        return false;
      }
  }
  usage.retry_reason = groups_.constant(usage.retry_reason);
  call.take_usage(usage);
  calls_.erase(found);
  if (frame.type == FrameType::kEnd) {
    call.take_end(fields);
  } else {
    failure.reason = groups_.constant(failure.reason);
    call.take_failure(failure);
  }
  return true;
}

bool GroupLink::serve(const Frame& frame) {
  StartContent start;
  if (frame.id == 0 || servings_.contains(frame.id) || !read_start(frame.content, start)) {
    return false;
  }
  auto made = std::make_unique<GroupServing>(*this, frame.id, start.head.framing,
                                             start.head.content_length);
  GroupServing& serving = *made;
  const bool full = servings_.size() >= kCallLimit;
  servings_[frame.id] = std::move(made);
  if (!tick_.armed()) {
    front_.loop.set_timer(tick_, kUsageTickNs);
  }
  serving.begin(full ? std::make_unique<FailedCall>(
                           serving, Failure{.status = 503, .reason = "Overloaded", .detail = {}})
                     : start_call(start, serving, frame.id));
  return true;
}

std::unique_ptr<Call> GroupLink::start_call(StartContent& start, GroupServing& serving,
                                            std::uint64_t id) {
  if (start.target.backend.empty()) {
    const auto parent = calls_.find(start.target.parent);
    auto next = parent == calls_.end() ? nullptr : parent->second->start_next(start.head, serving);
    if (next) {
      return next;
    }
    return std::make_unique<FailedCall>(
        serving, Failure{.status = 502, .reason = "NoNextStep", .detail = {}});
  }
  const auto backend = groups_.find_backend(group_, start.target.backend);
  if (!backend) {
    return std::make_unique<FailedCall>(
        serving, Failure{.status = 503,
                         .reason = "HandlerGone",
                         .detail = std::string(start.target.backend) + " is not here"});
  }
  if (start.has_next) {
    start.head.steps = std::make_shared<LinkedSteps>(weak_from_this(), id);
    start.head.step = 0;
  }
  return backend->start(start.head, serving);
}

// Calls may end while others are told.
void GroupLink::settle() {
  for (std::size_t i = 0; i < unsettled_.size(); ++i) {
    if (const auto found = calls_.find(unsettled_[i]); found != calls_.end()) {
      found->second->settle();
    }
  }
  unsettled_.clear();
}

void GroupLink::on_tick() {
  for (const auto& [id, serving] : servings_) {
    serving->tell_usage();
  }
  if (!servings_.empty()) {
    front_.loop.set_timer(tick_, kUsageTickNs);
  }
}

void GroupLink::retire() {
  retired_ = true;
  close_if_retired();
}

void GroupLink::close_if_retired() {
  if (retired_ && !running_ && calls_.empty() && servings_.empty()) {
    stream_.flush();
    close("");
  }
}

void GroupLink::close(std::string_view why) {
  if (closed_) {
    return;
  }
  closed_ = true;
  groups_.note(group_, why);
  front_.loop.remove(stream_.fd(), *this);
  stream_.shutdown_send();  // calls that have ended may keep this for a while
  front_.loop.cancel_timer(tick_);
  front_.loop.defer(*this);
  for (auto& [id, serving] : servings_) {
    serving->abandon();
    dead_.push_back(std::move(serving));
  }
  servings_.clear();
  std::unordered_map<std::uint64_t, GroupCall*> calls;
  calls.swap(calls_);
  while (!calls.empty()) {
    GroupCall& call = *calls.begin()->second;
    calls.erase(calls.begin());
    call.take_failure(worker_lost());
  }
}

}  // namespace duet::gateway
