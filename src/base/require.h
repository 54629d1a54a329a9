#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace duet {

// What a fuzz target claims: where it does not hold, the place is told and the program aborts,
// which is what libFuzzer and ctest take for a failure.
inline void require(bool holds, std::source_location where = std::source_location::current()) {
  if (!holds) {
    std::fprintf(stderr, "%s:%u: what is required does not hold\n", where.file_name(),
                 static_cast<unsigned>(where.line()));
    std::abort();
  }
}

}  // namespace duet
