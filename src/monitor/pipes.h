#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "monitor/loop.h"
#include "sys/fd.h"

namespace duet::monitor {

// Reads what a process prints: the read end of a pipe or the master of a terminal. Not thread-safe.
class OutputPipe {
 public:
  // Gets what was read (at most kStreamChunkBytes); empty: the end, said once. May pause the pipe,
  // must not destroy it.
  using Callback = std::function<void(std::string_view data)>;

  // Takes `fd` and makes it non-blocking.
  static Result<std::unique_ptr<OutputPipe>> open(Loop& loop, sys::Fd fd, Callback callback);
  ~OutputPipe() { loop_.forget(watch_); }
  OutputPipe(const OutputPipe&) = delete;
  OutputPipe& operator=(const OutputPipe&) = delete;

  // From now on what is read goes to `callback`.
  void redirect(Callback callback) { callback_ = std::move(callback); }
  // Whether anything more may come.
  bool open() const { return fd_.valid(); }
  // Stops and goes on reading; the process waits when the pipe is full.
  void pause();
  void resume();
  // Reads what is there now, up to kDrainLimitBytes, or until the callback pauses the pipe.
  void drain();

 private:
  static constexpr size_t kDrainLimitBytes = 2 << 20;  // more than a pipe holds

  OutputPipe(Loop& loop, sys::Fd fd, Callback callback)
      : loop_(loop), fd_(std::move(fd)), callback_(std::move(callback)) {}
  // How many bytes were read; 0: none now, or the end.
  size_t read_once();

  Loop& loop_;
  sys::Fd fd_;
  Callback callback_;
  Loop::Token watch_ = 0;
  bool paused_ = false;
};

// Writes to a process's stdin: the write end of a pipe or the master of a terminal. Not
// thread-safe.
class InputPipe {
 public:
  // Takes `fd` and makes it non-blocking; `writable` is called when a write was short and may go
  // on.
  static Result<std::unique_ptr<InputPipe>> open(Loop& loop, sys::Fd fd,
                                                 std::function<void()> writable);
  ~InputPipe() { loop_.forget(watch_); }
  InputPipe(const InputPipe&) = delete;
  InputPipe& operator=(const InputPipe&) = delete;

  // How many bytes the process's stdin took. When it is closed, everything is taken and lost.
  size_t write(std::string_view data);

 private:
  InputPipe(Loop& loop, sys::Fd fd, std::function<void()> writable)
      : loop_(loop), fd_(std::move(fd)), writable_(std::move(writable)) {}

  Loop& loop_;
  sys::Fd fd_;
  std::function<void()> writable_;
  Loop::Token watch_ = 0;
};

}  // namespace duet::monitor
