#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gateway/frame_budget.h"
#include "gateway/front.h"
#include "gateway/http2_setup.h"
#include "gateway/http2_stream.h"
#include "gateway/stream_ids.h"
#include "gateway/transaction.h"
#include "net/event_loop.h"
#include "net/stream.h"

namespace duet::gateway {

// One client's HTTP/2 connection (RFC 9113): frames, header compression and flow control are
// nghttp2's, requests are Http2Streams. What a client may make it keep is bounded: streams, their
// heads, request bodies by the windows, answers by kAnswerBytes, frames to be sent by nghttp2's
// bounds and FrameBudget. It destroys itself at the end of the loop's round when it is over.
class Http2Connection final : public FrontConnection, public net::IoHandler, public net::Deferred {
 public:
  static constexpr std::uint32_t kStreams = 100;              // requests at the same time
  static constexpr std::int32_t kStreamWindow = 64 << 10;     // body bytes of one request
  static constexpr std::int32_t kConnectionWindow = 1 << 20;  // and of all of them
  static constexpr std::size_t kAnswerBytes = 1
                                              << 20;  // answers that wait, of all streams together
  static constexpr std::size_t kOutBytes = 64 << 10;  // frames that wait for the socket
  static constexpr std::int64_t kIdleFrames = 1000;  // PING, SETTINGS, PRIORITY, empty DATA at once
  static constexpr std::int64_t kIdleFramesPerSecond = 100;
  static constexpr std::int64_t kResets = 200;  // requests that a client takes back at once
  static constexpr std::int64_t kResetsPerSecond = 33;
  static constexpr std::uint64_t kRepliesPerData =
      10;  // that a client may say of each DATA frame to it

  // `stream` may have received the preface already.
  Http2Connection(Front& front, net::Stream stream, Client client);
  ~Http2Connection() override;

  void open(std::list<std::unique_ptr<FrontConnection>>::iterator self) override;
  // Says GOAWAY, answers what has come, closes.
  void drain() override;
  std::string_view listener() const override { return client_.listener; }

  void on_io(std::uint32_t events) override;
  void run_deferred() override;

  // For the streams.
  Front& front() { return front_; }
  const Client& client() const { return client_; }
  nghttp2_session* session() { return session_.get(); }
  // Something was submitted; it is sent at the end of the loop's round, with what else waits then.
  void pump();
  // Body bytes went on to a backend, or nobody wants them: the client may send as many more.
  void consume(std::int32_t stream_id, std::size_t size);
  // The stream's backend waits until there is room; there may be now.
  void note_drained(std::int32_t stream_id) { drained_.push_back(stream_id); }
  // Answer bytes that wait in all streams.
  std::size_t& answer_bytes() { return answer_bytes_; }

 private:
  enum class State : std::uint8_t {
    kOpen,
    kLinger,  // has said everything and reads until the client closes
    kClosed,
  };
  // What the timer is for.
  enum class Awaited : std::uint8_t {
    kNothing,
    kEnd,      // of what the client still sends
    kGoodbye,  // that the client has read that no more requests should come
    kHead,     // that has begun
    kRoom,     // for what waits to be sent
    kRequest,
  };

  Status make_session();
  void run();
  bool receive();
  void gather();
  bool resume_streams();
  void send();
  void note_client_end();
  bool over() const;
  void settle();
  void end_streams();
  void say_goodbye();
  void close();
  Awaited awaited();
  void set_timer();
  void on_timer();

  // http2_callbacks.cc: what nghttp2 tells
  friend struct Http2Callbacks;
  int begin_head(const nghttp2_frame& frame);
  int frame_received(const nghttp2_frame& frame);
  void stream_closed(std::int32_t id, std::uint32_t error);
  Http2Stream* find(std::int32_t id);

  Front& front_;
  net::Stream stream_;
  Client client_;
  std::list<std::unique_ptr<FrontConnection>>::iterator self_;
  State state_ = State::kOpen;
  bool running_ = false;
  bool draining_ = false;
  bool goodbye_said_ = false;  // the last GOAWAY
  bool broken_ = false;        // nothing that the client sends can be understood any more
  bool client_ended_ = false;  // it has ended sending, and may still read
  FrameBudget idle_frames_{kIdleFrames, kIdleFramesPerSecond};
  FrameBudget resets_{kResets, kResetsPerSecond};  // that its errors made us send
  std::uint64_t replies_ = 0;                      // frames that follow data
  std::uint64_t data_frames_ = 0;                  // sent
  StreamIds stream_ids_;
  std::size_t answer_bytes_ = 0;
  std::int64_t progress_ns_ = 0;    // when the client last took something, or a stream ended
  std::int64_t head_began_ns_ = 0;  // of a head that is not complete; 0: none
  std::uint64_t sent_before_ = 0;
  Awaited timed_ = Awaited::kNothing;
  bool had_request_ = false;
  std::vector<std::int32_t> drained_;  // streams that took data while their backend waited
  std::unordered_map<std::int32_t, std::unique_ptr<Http2Stream>> streams_;
  std::vector<std::unique_ptr<Http2Stream>> dead_;
  net::MemberTimer<Http2Connection, &Http2Connection::on_timer> timer_{*this};
  Http2Session session_;
};

}  // namespace duet::gateway
