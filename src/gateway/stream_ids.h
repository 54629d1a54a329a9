#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace duet::gateway {

// The streams that a client has passed over. A new stream closes all that are below it and were not
// used (RFC 9113 section 5.1.1); nghttp2 takes what comes for one of those for a late frame of a
// stream that was used.
class StreamIds {
 public:
  static constexpr std::size_t kGaps = 16;  // the last ones that are remembered

  // A head comes on stream `id`, odd. False: that one was passed over.
  bool take(std::int32_t id) {
    if (id <= newest_) {
      return std::none_of(gaps_.begin(), gaps_.end(),
                          [id](const Gap& gap) { return id > gap.after && id < gap.before; });
    }
    if (id > newest_ + 2) {
      if (gaps_.size() == kGaps) {
        gaps_.erase(gaps_.begin());
      }
      gaps_.push_back({newest_, id});
    }
    newest_ = id;
    return true;
  }

 private:
  struct Gap {
    std::int32_t after = 0;
    std::int32_t before = 0;
  };
  std::int32_t newest_ = -1;
  std::vector<Gap> gaps_;
};

}  // namespace duet::gateway
