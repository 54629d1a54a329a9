#include "gateway/http2_body.h"

#include <algorithm>
#include <string_view>

#include "gateway/http2_fields.h"

namespace duet::gateway {

void Http2Body::finish(std::span<const net::Field> trailers) {
  for (const net::Field& trailer : trailers) {
    trailers_.emplace_back(trailer.name, trailer.value);
  }
  finished_ = true;
}

ssize_t Http2Body::read(nghttp2_session* session, std::int32_t stream_id, std::uint8_t* into,
                        std::size_t size, std::uint32_t& flags) {
  if (bytes_.empty() && !finished_) {
    awaited_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const std::string_view taken = bytes_.view().substr(0, size);
  std::copy(taken.begin(), taken.end(), into);
  bytes_.consume(taken.size());
  if (bytes_.empty()) {
    bytes_.release();
    if (finished_) {
      ended_ = true;
      flags |= NGHTTP2_DATA_FLAG_EOF;
      if (!trailers_.empty()) {
        flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        Http2Fields out;
        for (const auto& [name, value] : trailers_) {
          out.add(name, value);
        }
        nghttp2_submit_trailer(session, stream_id, out.data(), out.size());
      }
    }
  }
  return static_cast<ssize_t>(taken.size());
}

}  // namespace duet::gateway
