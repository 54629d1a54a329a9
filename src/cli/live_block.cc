#include "cli/live_block.h"

#include <algorithm>

#include "cli/table.h"

namespace duet::cli {
namespace {

constexpr const char* kPlain = "\033[0m";

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }

// At most `columns` characters; what was cut ends in an ellipsis.
std::string cut(const std::string& text, size_t columns) {
  if (width_of(text) <= columns) {
    return text;
  }
  size_t left = columns;  // one of them for the ellipsis
  size_t at = 0;
  while (at < text.size() && (!begins_character(text[at]) || left-- > 1)) {
    ++at;
  }
  return text.substr(0, at) + "…";
}

}  // namespace

void LiveBlock::draw(const std::string& above, const std::vector<Line>& lines) {
  const api::TerminalSize size = size_();
  const size_t columns = std::max<size_t>(size.columns, 1);
  const size_t rows = std::max<size_t>(size.rows, 2) - 1;  // the cursor stands below the block
  std::string out = erase(columns) + above;
  drawn_.clear();
  const auto add = [&](const std::string& text, const std::string& colour) {
    const std::string shown = cut(text, columns);
    drawn_.push_back(width_of(shown));
    out += colour.empty() || shown.empty() ? shown : colour + shown + kPlain;
    out += '\n';
  };
  const size_t shown = lines.size() <= rows ? lines.size() : rows - 1;
  for (size_t i = 0; i < shown; ++i) {
    add(lines[i].text, lines[i].colour);
  }
  if (shown < lines.size()) {
    add("… and " + std::to_string(lines.size() - shown) + " more lines", "");
  }
  write_(out);
}

std::string LiveBlock::erase(size_t columns) const {
  size_t rows = 0;
  for (const size_t width : drawn_) {
    rows += std::max<size_t>((width + columns - 1) / columns, 1);
  }
  return rows == 0 ? "" : "\033[" + std::to_string(rows) + "A\033[J";
}

}  // namespace duet::cli
