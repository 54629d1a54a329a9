#include "cli/raw_terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <utility>

namespace duet::cli {

Result<RawTerminal> RawTerminal::enter(int fd) {
  termios before{};
  if (tcgetattr(fd, &before) != 0) {
    return Error::from_errno("the terminal's settings", errno);
  }
  termios raw = before;
  cfmakeraw(&raw);
  if (tcsetattr(fd, TCSADRAIN, &raw) != 0) {
    return Error::from_errno("make the terminal raw", errno);
  }
  return RawTerminal(fd, before);
}

RawTerminal::RawTerminal(RawTerminal&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), before_(other.before_) {}

RawTerminal::~RawTerminal() {
  if (fd_ >= 0) {
    tcsetattr(fd_, TCSADRAIN, &before_);
  }
}

std::optional<api::TerminalSize> terminal_size(int fd) {
  winsize size{};
  if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
    return std::nullopt;
  }
  return api::TerminalSize{size.ws_col, size.ws_row};
}

}  // namespace duet::cli
