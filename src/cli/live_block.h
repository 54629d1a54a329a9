#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "api/frame.h"

namespace duet::cli {

// Lines at the bottom of a terminal that are drawn anew in place, below text that scrolls away. It
// never takes more than the terminal has: longer lines are cut, and lines past the last but one
// row are counted instead. Not thread-safe.
class LiveBlock {
 public:
  using Write = std::function<void(const std::string& text)>;
  using Size = std::function<api::TerminalSize()>;

  struct Line {
    std::string text;    // one line of UTF-8 without control characters
    std::string colour;  // an escape sequence; empty: the terminal's own
  };

  // `write` gets text for the terminal; `size` is asked each time, since windows change.
  LiveBlock(Write write, Size size) : write_(std::move(write)), size_(std::move(size)) {}

  // Prints `above` (whole lines, or nothing) where the block was and draws `lines` below it.
  void draw(const std::string& above, const std::vector<Line>& lines);

 private:
  // Takes the block off the screen. A terminal that became narrower has wrapped its lines.
  std::string erase(size_t columns) const;

  Write write_;
  Size size_;
  std::vector<size_t> drawn_;  // the widths of the lines on the screen
};

}  // namespace duet::cli
