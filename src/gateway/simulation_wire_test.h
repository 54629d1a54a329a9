#pragma once

#include <string>
#include <utility>

#include "base/result.h"
#include "gateway/simulation_plan_test.h"
#include "sys/fd.h"

namespace duet::gateway::simulation {

// Two ends of a connection inside the kernel, without a network: what one end wrote the other can
// read at once, in pieces as small as the buffer, which is random.
Result<std::pair<sys::Fd, sys::Fd>> make_wire(Random& random);

// One end of a wire, as clients and servers hold it: writes and reads as much as chance says.
class WireEnd {
 public:
  explicit WireEnd(sys::Fd fd) : fd_(std::move(fd)) {}

  // Adds to what is to be written.
  void say(std::string_view text) { out_ += text; }
  // The last `size` bytes of it are to arrive together.
  void keep_together(std::size_t size) { together_ = size; }
  bool has_said_all() const { return out_.empty(); }
  // Writes a piece. False: there is nothing to write, or no room.
  bool write_some(Random& random);
  // Reads a piece into `in`. False: there is none.
  bool read_some(Random& random);
  std::string& in() { return in_; }
  // The other end has closed, and everything that it wrote was read; or it was cut.
  bool ended() const { return ended_; }
  bool open() const { return fd_.valid(); }
  // Says that nothing more comes.
  void end_writing();
  // Closes; what was not read makes the other end see a reset.
  void close() { fd_ = sys::Fd(); }

 private:
  sys::Fd fd_;
  std::string out_;
  std::size_t together_ = 0;
  std::string in_;
  bool ended_ = false;
};

}  // namespace duet::gateway::simulation
