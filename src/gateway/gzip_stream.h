#pragma once

#include <zlib.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string_view>

namespace duet::gateway {

// Compresses to gzip (RFC 1952) piece by piece, by zlib. Not thread-safe.
class GzipStream {
 public:
  // What a stream holds: windows of 16 KiB, 128 KiB in all.
  static constexpr int kWindowBits = 14;
  static constexpr int kMemoryLevel = 7;
  static constexpr int kLevel = 4;  // more costs much time for little
  static constexpr std::size_t kPieceBytes = 16 << 10;

  // Null: out of memory.
  static std::unique_ptr<GzipStream> create();
  ~GzipStream();
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  enum class Until { kFull, kFlushed, kEnded };
  // Compresses `data` and gives what is ready to `into`, in pieces: what does not fit the stream
  // any more, all that was written until now, or that and the end of the stream.
  using Into = std::function<void(std::string_view piece)>;
  void write(std::string_view data, Until until, const Into& into);

 private:
  GzipStream() = default;
  z_stream stream_{};
};

}  // namespace duet::gateway
