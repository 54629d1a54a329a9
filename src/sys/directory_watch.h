#pragma once

#include <set>
#include <string>

#include "base/result.h"
#include "sys/fd.h"

namespace duet::sys {

// Tells that something in some folders changed (inotify(7)), not what: look again. Folders are
// named anew in rounds, because one that was deleted and made again needs a new watch. Not
// thread-safe.
class DirectoryWatch {
 public:
  static Result<DirectoryWatch> open();

  // Between begin_round() and end_round() every folder is added; those that were not are forgotten.
  void begin_round();
  // Watches what happens to the names in the folder `path` and to their contents. Add a folder
  // before it is listed, else a change in between is missed. kExhausted: the system's limit on
  // watches is reached.
  Status add(const std::string& path);
  void end_round();

  // Readable in poll(2) when something changed.
  int fd() const { return fd_.get(); }
  // Takes what has happened so far; true: something has.
  bool drain();

 private:
  explicit DirectoryWatch(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
  std::set<int> watches_;  // of the last round
  std::set<int> added_;    // in this round
};

}  // namespace duet::sys
