#include "gateway/file_call.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace duet::gateway {

void FileCall::begin() {
  std::vector<net::Field> fields;
  for (const auto& [name, value] : fields_) {
    fields.push_back({name, value, net::field_id(name)});
  }
  const bool has_body = !to_head_ && part_.size_bytes > 0;
  caller_.on_head({.status = status_,
                   .fields = fields,
                   .framing = has_body ? net::Framing::kLength : net::Framing::kNone,
                   .content_length = part_.size_bytes,
                   .describes_body = to_head_});
  if (to_head_) {
    part_.size_bytes = 0;
  }
  read();
}

void FileCall::resume_answer() { read(); }

void FileCall::on_turn() {
  read();
  caller_.on_flush();
}

void FileCall::read() {
  std::array<char, kPieceBytes> piece;
  for (int i = 0; !done_ && part_.size_bytes > 0; ++i) {
    if (i == kPiecesARound) {
      loop_.set_timer(turn_, 0);
      return;
    }
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(part_.size_bytes, piece.size()));
    const ssize_t got = pread(file_.get(), piece.data(), wanted, static_cast<off_t>(part_.first));
    if (got <= 0) {
      done_ = true;
      caller_.on_failure(
          {.status = 502,
           .reason = "FileError",
           .detail = got == 0 ? "the file has become shorter" : std::strerror(errno)});
      return;
    }
    part_.first += static_cast<std::uint64_t>(got);
    part_.size_bytes -= static_cast<std::uint64_t>(got);
    if (!caller_.on_data({piece.data(), static_cast<std::size_t>(got)})) {
      return;
    }
  }
  if (!done_) {
    done_ = true;
    caller_.on_end({});
  }
}

void FileCall::cancel() {
  done_ = true;
  loop_.cancel_timer(turn_);
}

}  // namespace duet::gateway
