#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "monitor/loop.h"
#include "monitor/protocol.h"
#include "sys/fd.h"

namespace duet::monitor {

// Who reacts to what a client does.
class ChannelHandler {
 public:
  virtual ~ChannelHandler() = default;
  virtual void on_message(MessageType type, std::string_view fields, std::vector<sys::Fd> fds) = 0;
  virtual void on_writable() = 0;  // after send() gave kFull
  virtual void on_closed() = 0;    // nothing more comes; said once
};

// The monitor's side of one connection. Keeps no queue: what the socket does not take is the
// caller's to keep or to drop. Not thread-safe.
class Channel {
 public:
  enum class Sent : uint8_t { kSent, kFull, kClosed };

  static Result<std::unique_ptr<Channel>> open(Loop& loop, sys::Fd fd, ChannelHandler* handler);
  ~Channel() { loop_.forget(watch_); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // From now on `handler` gets what comes.
  void hand_over(ChannelHandler* handler) { handler_ = handler; }
  Sent send(std::string_view message);
  // Whether messages are taken; a client waits when nobody takes its messages.
  void set_reading(bool reading);

 private:
  Channel(Loop& loop, sys::Fd fd, ChannelHandler* handler)
      : loop_(loop), fd_(std::move(fd)), handler_(handler) {}
  void on_ready(uint32_t events);
  void receive();
  void close();
  void update();

  Loop& loop_;
  sys::Fd fd_;
  ChannelHandler* handler_;
  Loop::Token watch_ = 0;
  bool reading_ = true;
  bool writing_ = false;
  bool closed_ = false;
};

}  // namespace duet::monitor
