#pragma once

#include <string>

#include "cli/json_text.h"
#include "object/object.h"
#include "sys/clock.h"

namespace duet::cli {

// Builds the indented "Label:   value" text of `duet describe`.
class Description {
 public:
  // One line at the present depth; an empty value gives "<none>" or, with `heading`, nothing.
  void line(const std::string& label, const std::string& value);
  void heading(const std::string& label);
  // A label with several values below one another.
  void list(const std::string& label, const Json& map);
  void plain(const std::string& text);
  void indent() { ++depth_; }
  void outdent() { --depth_; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  int depth_ = 0;
};

// What describe says of an object of that kind, without its events.
std::string describe_object(object::Kind kind, const Json& object, sys::WallTime now);
// The part of a pod: containers, conditions, volumes.
void describe_pod(Description& out, const Json& pod, sys::WallTime now);
// The section of events; `events` is their list's items.
std::string describe_events(const Json& events, sys::WallTime now);

}  // namespace duet::cli
