#include "gateway/compressing_call.h"

#include "gateway/compression.h"

namespace duet::gateway {

void CompressingCall::on_head(const AnswerHead& head) {
  if (head.status < 200 || !is_compressible(head)) {
    caller_.on_head(head);
    return;
  }
  // The answer to a HEAD has no body that could be compressed.
  const bool has_body = !head.describes_body;
  if (wanted_ && has_body && streams_ < kStreams) {
    gzip_ = GzipStream::create();
    streams_ += gzip_ ? 1 : 0;
  }
  caller_.on_head(head_of_compressible(head, gzip_ != nullptr, fields_, text_));
}

void CompressingCall::write(std::string_view data, GzipStream::Until until) {
  gzip_->write(data, until, [this](std::string_view piece) {
    if (!cancelled_) {
      paused_ = !caller_.on_data(piece);  // what it said last holds
    }
  });
  unflushed_ = until == GzipStream::Until::kFull;
}

bool CompressingCall::on_data(std::string_view data) {
  if (!gzip_) {
    return caller_.on_data(data);
  }
  write(data, GzipStream::Until::kFull);
  return !paused_;
}

void CompressingCall::on_flush() {
  if (gzip_ && unflushed_ && !cancelled_) {
    write({}, GzipStream::Until::kFlushed);
  }
  caller_.on_flush();
}

void CompressingCall::on_end(std::span<const net::Field> trailers) {
  if (gzip_) {
    write({}, GzipStream::Until::kEnded);
    release();
  }
  caller_.on_end(trailers);
}

void CompressingCall::on_failure(const Failure& failure) {
  release();
  caller_.on_failure(failure);
}

void CompressingCall::resume_answer() {
  paused_ = false;
  call_->resume_answer();
}

void CompressingCall::release() {
  if (gzip_) {
    gzip_.reset();
    --streams_;
  }
}

void CompressingCall::cancel() {
  cancelled_ = true;
  call_->cancel();
}

}  // namespace duet::gateway
