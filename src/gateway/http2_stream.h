#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/exchange.h"
#include "gateway/http2_body.h"
#include "gateway/http2_head.h"
#include "gateway/transaction.h"
#include "net/buffer.h"
#include "net/event_loop.h"

namespace duet::gateway {

class Http2Connection;

// One request of an HTTP/2 connection: gathers its head, gives its body to the backend as far as
// the backend takes it (the stream's window is opened for what it took), and keeps answer data
// until the client's window takes them. Belongs to its connection, which outlives it.
class Http2Stream final : public Caller {
 public:
  Http2Stream(Http2Connection& connection, std::int32_t id);
  ~Http2Stream();
  Http2Stream(const Http2Stream&) = delete;
  Http2Stream& operator=(const Http2Stream&) = delete;

  // From the connection's callbacks.
  Http2Head& head() { return head_; }
  bool head_complete() const { return head_complete_; }
  // The head is complete: finds who answers and begins. `ended`: no body follows.
  void begin(bool ended);
  void begin_trailers() { head_ = Http2Head(limits_); }
  // A piece of the request's body.
  void body(std::string_view data);
  // The client has sent all.
  void end_body();
  // The client sends nothing more on its connection: what is not whole will not be.
  void client_ended();
  // Takes up to `size` bytes of the answer for a DATA frame, as nghttp2's read callback.
  ssize_t read_answer(nghttp2_session* session, std::uint8_t* into, std::size_t size,
                      std::uint32_t& flags);
  // The stream is closed; `error`: how, 0 is well.
  void closed(std::uint32_t error);
  // There is room again for answer data.
  bool resume_if_drained();
  // A field of its head is malformed.
  void refuse();
  bool body_ended() const { return body_ended_; }
  // Sets the timer by what is waited for.
  void watch();

 private:
  // Caller
  void on_head(const AnswerHead& head) override;
  bool on_data(std::string_view data) override;
  void on_end(std::span<const net::Field> trailers) override;
  void on_failure(const Failure& failure) override;
  void on_want_body() override;
  void on_flush() override;

  void answer_own(const OwnAnswer& answer);
  void submit_head(const AnswerHead& head);
  void submit_interim(const AnswerHead& head);
  void pump_body();
  void discard_body();
  void resume_data();
  void reset(std::uint32_t error);
  void on_stall();

  Http2Connection& connection_;
  std::int32_t id_;
  net::HttpLimits limits_;
  Http2Head head_;
  bool head_complete_ = false;
  Transaction transaction_;
  net::Buffer pending_;         // request body that the backend did not take yet
  bool body_blocked_ = false;   // the backend takes no more body now
  bool body_ended_ = false;     // the client has sent all
  bool body_finished_ = false;  // the call knows that the body is complete
  Http2Body answer_;            // that the client's window did not take yet
  bool head_written_ = false;
  bool answer_paused_ = false;  // the backend waits until answer_ is smaller
  bool bodyless_ = false;       // HEAD, 204, 304: data of the backend are dropped
  bool counted_ = false;        // answer_left_ has a meaning
  bool closed_ = false;
  bool refused_ = false;
  std::uint64_t answer_left_ = 0;
  std::int64_t progress_ns_ = 0;  // when the client last sent or took something
  std::vector<net::Field> fields_;
  net::MemberTimer<Http2Stream, &Http2Stream::on_stall> stall_{*this};
};

}  // namespace duet::gateway
