#include "cli/table.h"

#include <algorithm>

namespace duet::cli {
namespace {

constexpr size_t kGap = 3;

void widen(std::vector<size_t>& widths, const Row& row) {
  widths.resize(std::max(widths.size(), row.size()));
  for (size_t i = 0; i < row.size(); ++i) {
    widths[i] = std::max(widths[i], width_of(row[i]));
  }
}

std::string line_of(const std::vector<size_t>& widths, const Row& row) {
  std::string out;
  for (size_t i = 0; i < row.size(); ++i) {
    out += row[i];
    if (i + 1 < row.size()) {
      out.append(widths[i] + kGap - width_of(row[i]), ' ');
    }
  }
  while (out.ends_with(' ')) {
    out.pop_back();
  }
  return out + '\n';
}

}  // namespace

size_t width_of(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string format_table(const std::vector<Row>& rows) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widen(widths, row);
  }
  std::string out;
  for (const Row& row : rows) {
    out += line_of(widths, row);
  }
  return out;
}

void GrowingTable::widen(const Row& row) { cli::widen(widths_, row); }

std::string GrowingTable::format(const Row& row) {
  widen(row);
  return line_of(widths_, row);
}

}  // namespace duet::cli
