#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gateway/exchange.h"
#include "gateway/gzip_stream.h"

namespace duet::gateway {

// Stands between a caller and a backend's call, and compresses the answer where that is possible
// and wanted. What the backend flushes is flushed.
class CompressingCall final : public Call, public Caller {
 public:
  // Answers that a worker compresses at a time; those past it are sent as they are.
  static constexpr std::int32_t kStreams = 256;  // 32 MiB

  // `wanted`: the client takes gzip. `streams` counts those of the worker and outlives this.
  CompressingCall(Caller& caller, bool wanted, std::int32_t& streams)
      : caller_(caller), wanted_(wanted), streams_(streams) {}
  ~CompressingCall() override { release(); }
  // The call whose answer it is; before begin().
  void set_call(std::unique_ptr<Call> call) { call_ = std::move(call); }

  void begin() override { call_->begin(); }
  std::size_t write_body(std::string_view data) override { return call_->write_body(data); }
  void finish_body(std::span<const net::Field> trailers) override { call_->finish_body(trailers); }
  void resume_answer() override;
  Usage usage() const override { return call_->usage(); }
  void cancel() override;

 private:
  // Caller
  void on_head(const AnswerHead& head) override;
  bool on_data(std::string_view data) override;
  void on_end(std::span<const net::Field> trailers) override;
  void on_failure(const Failure& failure) override;
  void on_want_body() override { caller_.on_want_body(); }
  void on_flush() override;

  void write(std::string_view data, GzipStream::Until until);
  void release();

  Caller& caller_;
  bool wanted_;
  std::int32_t& streams_;
  std::unique_ptr<Call> call_;
  std::unique_ptr<GzipStream> gzip_;  // null: the answer goes as it is
  bool unflushed_ = false;
  bool paused_ = false;  // the caller takes no more now
  bool cancelled_ = false;
  std::vector<net::Field> fields_;
  std::string text_;
};

}  // namespace duet::gateway
