#pragma once

#include <optional>
#include <string_view>

namespace duet::api {

// One line of a CRI log file (kubelet's format): "2026-01-31T12:00:00.5Z stdout F text".
struct CriLine {
  std::string_view time;
  std::string_view stream;  // stdout, stderr
  bool partial = false;     // the next line of the stream goes on where this one ends
  std::string_view text;
};

// `line` is without its line end. Nothing: it is not of this format.
std::optional<CriLine> parse_cri_line(std::string_view line);

}  // namespace duet::api
