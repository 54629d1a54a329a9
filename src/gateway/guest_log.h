#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/event_loop.h"
#include "sys/fd.h"

namespace duet::gateway {

// What the guests of one handler write to stdout and stderr, as a log file in CRI format. The file
// is opened for the first line and closed a while after the last one; lines gather in a bounded
// buffer. Not thread-safe.
class GuestLog {
 public:
  static constexpr std::size_t kBufferBytes = 64 << 10;
  static constexpr std::size_t kLineBytes = 16 << 10;  // longer lines are written in parts

  GuestLog(net::EventLoop& loop, std::string path);
  ~GuestLog() { flush(); }

  // One line, or a part of one that goes on.
  void write(bool error_stream, std::string_view text, bool whole_line);
  void flush();
  std::uint64_t dropped() const { return dropped_; }

 private:
  void on_timer();

  net::EventLoop& loop_;
  std::string path_;
  sys::Fd fd_;
  std::string buffer_;
  std::uint64_t dropped_ = 0;  // lines
  net::MemberTimer<GuestLog, &GuestLog::on_timer> timer_{*this};
};

// Cuts one stream of one guest into lines.
class LineCutter {
 public:
  LineCutter(GuestLog& log, bool error_stream) : log_(log), error_stream_(error_stream) {}
  ~LineCutter();
  LineCutter(const LineCutter&) = delete;
  LineCutter& operator=(const LineCutter&) = delete;
  void write(std::string_view text);

 private:
  GuestLog& log_;
  bool error_stream_;
  std::string rest_;  // of a line that has no end yet
};

}  // namespace duet::gateway
