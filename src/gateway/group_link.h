#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/front.h"
#include "gateway/group_frame.h"
#include "gateway/group_serving.h"
#include "net/event_loop.h"
#include "net/stream.h"

namespace duet::gateway {

class GroupCall;
class Groups;

// A connection between workers of two groups, which carries many calls at a time in both
// directions. What the other side can make it keep is bounded: calls by kCallLimit, their bodies by
// credit, a frame by its size. What breaks these rules ends the connection and its calls, and
// nothing else. Belongs to Groups. Not thread-safe.
class GroupLink final : public net::IoHandler,
                        public net::Deferred,
                        public std::enable_shared_from_this<GroupLink> {
 public:
  static constexpr std::size_t kCallLimit = 4'096;  // at a time, in each direction
  // How often who asks learns what calls that take longer have used up to now.
  static constexpr std::int64_t kUsageTickNs = 50'000'000;

  // `group`: whose gateway is at the other end.
  GroupLink(Front& front, Groups& groups, std::string group, sys::Fd fd);
  ~GroupLink();
  // Begins to watch the socket. An error: it is closed already.
  Status open();
  bool closed() const { return closed_; }
  // Closes when there is no call any more.
  void retire();
  void close(std::string_view why);
  const std::string& group() const { return group_; }
  // Calls that the other side has asked for.
  std::size_t servings() const { return servings_.size(); }

  // For a call that asks. Its number, with which it is told of answers; 0: there is no room.
  std::uint64_t begin(GroupCall& call, std::string_view start);
  // It waits no more.
  void leave(std::uint64_t id);

  void send(FrameType type, std::uint64_t id, std::string_view content);
  // A call that answers is over: it is destroyed at the end of the round.
  void finish(GroupServing& serving);

  Front& front() { return front_; }
  Groups& groups() { return groups_; }
  void on_io(std::uint32_t events) override;
  void run_deferred() override;

 private:
  void run();
  bool take_frame();
  bool obey(const Frame& frame);
  bool obey_asker(const Frame& frame);
  bool obey_answerer(const Frame& frame);
  bool serve(const Frame& frame);
  std::unique_ptr<Call> start_call(StartContent& start, GroupServing& serving, std::uint64_t id);
  void settle();
  void close_if_retired();
  void on_tick();

  Front& front_;
  Groups& groups_;
  std::string group_;
  net::Stream stream_;
  bool running_ = false;
  bool retired_ = false;
  bool closed_ = false;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, GroupCall*> calls_;  // that ask the other side
  std::unordered_map<std::uint64_t, std::unique_ptr<GroupServing>> servings_;  // that answer it
  std::vector<std::unique_ptr<GroupServing>> dead_;
  std::vector<std::uint64_t> unsettled_;  // calls whose callers have something to send
  net::MemberTimer<GroupLink, &GroupLink::on_tick> tick_{*this};
};

}  // namespace duet::gateway
