#pragma once

#include "api/query.h"
#include "base/result.h"

namespace duet::kubelet {

// Which streams of a process a client of exec and attach wants.
struct StreamsWanted {
  bool in = false;
  bool out = false;
  bool err = false;  // never with a terminal
  bool tty = false;
};

// From the parameters input, output, error and tty. kInvalid: not one is wanted.
inline Result<StreamsWanted> streams_wanted(const api::Query& query) {
  StreamsWanted out{.in = query.flag("input"),
                    .out = query.flag("output"),
                    .err = query.flag("error"),
                    .tty = query.flag("tty")};
  if (!out.in && !out.out && !out.err) {
    return invalid("you must specify at least 1 of stdin, stdout, stderr");
  }
  out.err = out.err && !out.tty;
  return out;
}

}  // namespace duet::kubelet
