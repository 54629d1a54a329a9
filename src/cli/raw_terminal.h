#pragma once

#include <termios.h>

#include <optional>

#include "api/frame.h"
#include "base/result.h"

namespace duet::cli {

// Makes a terminal raw for as long as it lives, so that every key reaches the other side.
class RawTerminal {
 public:
  static Result<RawTerminal> enter(int fd);
  ~RawTerminal();
  RawTerminal(RawTerminal&& other) noexcept;
  RawTerminal& operator=(RawTerminal&&) = delete;

 private:
  RawTerminal(int fd, const termios& before) : fd_(fd), before_(before) {}
  int fd_;
  termios before_;
};

// None: `fd` is no terminal.
std::optional<api::TerminalSize> terminal_size(int fd);

}  // namespace duet::cli
