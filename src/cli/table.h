#pragma once

#include <string>
#include <vector>

namespace duet::cli {

using Row = std::vector<std::string>;

// Columns that are as wide as their widest cell, three spaces apart, as kubectl prints them.
std::string format_table(const std::vector<Row>& rows);

// The same for rows that come one after the other (a watch): columns only ever grow wider.
class GrowingTable {
 public:
  std::string format(const Row& row);

 private:
  std::vector<size_t> widths_;
};

}  // namespace duet::cli
