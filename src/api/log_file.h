#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace duet::api {

// What of a log is wanted.
struct LogSelection {
  std::optional<int64_t> tail_lines;   // only the last so many
  std::optional<sys::WallTime> since;  // only what was written then or later
  std::optional<int64_t> limit_bytes;
  bool timestamps = false;  // each line begins with its time
};

// Reads one CRI log file, piece by piece, as text: without prefixes, parts of long lines joined. A
// file that is replaced under its name (rotation) is read to its end before the new one. What is
// not CRI format is passed on as it is. Used by one thread.
class LogFile {
 public:
  // Opens `path` at the place where `selection` begins.
  static Result<LogFile> open(const std::string& path, const LogSelection& selection);

  // Gives the text of everything that is there now to `sink`, in pieces; stops when it fails. A
  // line that is still being written stays for the next call.
  Status read_on(const std::function<Status(std::string_view)>& sink);

  // limit_bytes was reached: nothing more will come.
  bool full() const { return full_; }

 private:
  LogFile(std::string path, sys::Fd file, LogSelection selection)
      : path_(std::move(path)), file_(std::move(file)), selection_(selection) {}
  Status read_present(const std::function<Status(std::string_view)>& sink);
  void add_line(std::string_view line, std::string& out);
  bool replaced() const;

  std::string path_;
  sys::Fd file_;
  LogSelection selection_;
  std::string rest_;     // of the file: an unfinished line
  bool inside_ = false;  // the last line given out was a part, its end is missing
  bool full_ = false;
  int64_t given_bytes_ = 0;
};

}  // namespace duet::api
