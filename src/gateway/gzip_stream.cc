#include "gateway/gzip_stream.h"

#include <array>

namespace duet::gateway {

std::unique_ptr<GzipStream> GzipStream::create() {
  constexpr int kGzipFormat = 16;
  std::unique_ptr<GzipStream> made(new GzipStream());
  if (deflateInit2(&made->stream_, kLevel, Z_DEFLATED, kWindowBits + kGzipFormat, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return nullptr;
  }
  return made;
}

GzipStream::~GzipStream() { deflateEnd(&stream_); }

void GzipStream::write(std::string_view data, Until until, const Into& into) {
  std::array<char, kPieceBytes> piece;
  const int flush = until == Until::kEnded     ? Z_FINISH
                    : until == Until::kFlushed ? Z_SYNC_FLUSH
                                               : Z_NO_FLUSH;
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream_.avail_in = static_cast<uInt>(data.size());
  do {
    stream_.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream_.avail_out = piece.size();
    deflate(&stream_, flush);
    if (stream_.avail_out < piece.size()) {
      into({piece.data(), piece.size() - stream_.avail_out});
    }
  } while (stream_.avail_out == 0);
}

}  // namespace duet::gateway
