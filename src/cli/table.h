#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace duet::cli {

using Row = std::vector<std::string>;

// The number of characters of UTF-8 text.
size_t width_of(const std::string& text);

// Columns that are as wide as their widest cell, three spaces apart, as kubectl prints them.
std::string format_table(const std::vector<Row>& rows);

// The same for rows that come one after the other (a watch): columns only ever grow wider.
class GrowingTable {
 public:
  std::string format(const Row& row);
  // Makes room for a row that comes later.
  void widen(const Row& row);

 private:
  std::vector<size_t> widths_;
};

}  // namespace duet::cli
