#include "cli/live_block.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

namespace duet::cli {
namespace {

// As much of a terminal as the block needs: lines that wrap, the cursor up, erasing below it. What
// scrolled away cannot be reached any more.
class Terminal {
 public:
  explicit Terminal(api::TerminalSize size) : size_(size), lines_(1) {}

  void write(const std::string& text) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\033') {
        i = escape(text, i);
      } else if (text[i] == '\n') {
        new_line();
      } else {
        put(text[i]);
      }
    }
  }

  const std::vector<std::string>& lines() const { return lines_; }
  api::TerminalSize size() const { return size_; }

 private:
  size_t escape(const std::string& text, size_t at) {
    const size_t end = text.find_first_not_of("[0123456789", at + 1);
    if (text[end] == 'A') {
      const size_t up = std::stoul(text.substr(at + 2));
      const size_t top = lines_.size() - std::min<size_t>(lines_.size(), size_.rows);
      row_ = std::max(row_ - std::min(row_, up), top);
      column_ = 0;
    } else if (text[end] == 'J') {
      lines_.resize(row_ + 1);
      lines_[row_].resize(column_);
    }
    return end;
  }
  void put(char c) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
      if (column_ == size_.columns) {
        new_line();
      }
      ++column_;
    }
    lines_[row_] += c;
  }
  void new_line() {
    column_ = 0;
    if (++row_ == lines_.size()) {
      lines_.emplace_back();
    }
  }

  api::TerminalSize size_;
  std::vector<std::string> lines_;  // with those that scrolled away
  size_t row_ = 0;
  size_t column_ = 0;
};

class LiveBlockTest : public testing::Test {
 protected:
  void open(api::TerminalSize size) {
    terminal_ = std::make_unique<Terminal>(size);
    block_ =
        std::make_unique<LiveBlock>([this](const std::string& text) { terminal_->write(text); },
                                    [this] { return terminal_->size(); });
  }
  std::unique_ptr<Terminal> terminal_;
  std::unique_ptr<LiveBlock> block_;
};

TEST_F(LiveBlockTest, StandsBelowTheLinesOfWhatHappened) {
  open({.columns = 20, .rows = 10});
  block_->draw("first\n", {{"a", ""}, {"b", "\033[32m"}});
  block_->draw("second\n", {{"a", ""}, {"c", ""}});
  block_->draw("", {{"d", ""}});
  EXPECT_EQ(terminal_->lines(), (std::vector<std::string>{"first", "second", "d", ""}));
}

TEST_F(LiveBlockTest, ALongLineIsCutAndLeavesNothingBehind) {
  open({.columns = 10, .rows = 10});
  block_->draw("", {{"0123456789", ""}, {"0123456789x", ""}, {"äöüäöüäöüäöü", ""}});
  EXPECT_EQ(terminal_->lines(),
            (std::vector<std::string>{"0123456789", "012345678…", "äöüäöüäöü…", ""}));
  block_->draw("", {{"short", ""}});
  EXPECT_EQ(terminal_->lines(), (std::vector<std::string>{"short", ""}));
}

TEST_F(LiveBlockTest, MoreLinesThanTheTerminalHasAreCounted) {
  open({.columns = 40, .rows = 4});
  const std::vector<LiveBlock::Line> lines(9, {"line", ""});
  block_->draw("first\n", lines);
  block_->draw("second\n", lines);
  EXPECT_EQ(terminal_->lines(), (std::vector<std::string>{"first", "second", "line", "line",
                                                          "… and 7 more lines", ""}));
}

}  // namespace
}  // namespace duet::cli
