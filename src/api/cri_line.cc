#include "api/cri_line.h"

namespace duet::api {
namespace {

// The word before the next space, which is taken off too.
std::optional<std::string_view> take_word(std::string_view& line) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0) {
    return std::nullopt;
  }
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space + 1);
  return word;
}

}  // namespace

std::optional<CriLine> parse_cri_line(std::string_view line) {
  CriLine out;
  const auto time = take_word(line);
  const auto stream = take_word(line);
  if (!time || !stream || (*stream != "stdout" && *stream != "stderr")) {
    return std::nullopt;
  }
  // Tags are joined by colons; the first is F or P. A line of no text may lack the last space.
  const size_t space = line.find(' ');
  const std::string_view tags = line.substr(0, space);
  const std::string_view first = tags.substr(0, tags.find(':'));
  if (first != "F" && first != "P") {
    return std::nullopt;
  }
  out.time = *time;
  out.stream = *stream;
  out.partial = first == "P";
  out.text = space == std::string_view::npos ? "" : line.substr(space + 1);
  return out;
}

}  // namespace duet::api
