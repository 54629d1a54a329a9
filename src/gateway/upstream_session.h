#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "gateway/http2_fields.h"
#include "gateway/http2_setup.h"
#include "net/event_loop.h"
#include "net/stream.h"

namespace duet::gateway {

class UpstreamPool;
struct Origin;

// One HTTP/2 connection to a server, without TLS and begun by prior knowledge (RFC 9113 section
// 3.3), which carries many requests at a time: frames, header compression and flow control are
// nghttp2's. What a server may make it keep is bounded: body bytes by the windows, frames to be
// sent by kOutBytes and nghttp2's bounds, requests by kCallLimit. Belongs to its origin. Not
// thread-safe.
class UpstreamSession final : public net::IoHandler, public net::Deferred {
 public:
  static constexpr std::size_t kStreamLimit = 100;  // requests at the server, if it takes as many
  static constexpr std::size_t kCallLimit = 200;    // with those that wait for their turn
  static constexpr std::int32_t kStreamWindow = 64 << 10;  // answer bytes that one request keeps
  // All of them together: a client that reads slowly takes nothing from the others.
  static constexpr std::int32_t kConnectionWindow = kStreamWindow * std::int32_t{kStreamLimit};
  static constexpr std::size_t kOutBytes = 64 << 10;  // frames that wait for the socket

  enum class Close : std::uint8_t {
    kComplete,      // both sides have said everything
    kReset,         // the server gave the request up
    kRefused,       // the server did nothing with it (section 8.7): it may be sent again
    kUnseen,        // and did not even look at it, because it goes (section 6.8)
    kBroken,        // what the server sent is not HTTP/2
    kLost,          // the connection ended
    kNotConnected,  // there never was one
  };

  // Who asks: one request. Told from within the event loop.
  class User {
   public:
    virtual void on_connected() = 0;
    // A field section comes: a head, or trailers; its fields; its end. `ended`: nothing follows.
    virtual void on_section() = 0;
    virtual void on_field(std::string_view name, std::string_view value) = 0;
    virtual void on_section_end(bool ended) = 0;
    // A piece of the answer's body; the server may send as many more after consume().
    virtual void on_body(std::string_view data) = 0;
    virtual void on_body_end() = 0;
    // Takes up to `size` bytes of the request's body for a DATA frame, as nghttp2's read callback;
    // Http2Body does it. Must not ask for more of it.
    virtual ssize_t read_body(nghttp2_session* session, std::uint8_t* into, std::size_t size,
                              std::uint32_t& flags) = 0;
    // The request is over, and this is not called any more.
    virtual void on_closed(Close how, const std::string& detail) = 0;
    // All that has come was told.
    virtual void on_settled() = 0;

   protected:
    ~User() = default;
  };

  UpstreamSession(UpstreamPool& pool, Origin& origin, sys::Fd fd);
  ~UpstreamSession();
  // Begins to watch the socket, which is connecting.
  Status open();

  Origin& origin() { return origin_; }
  bool connected() const { return connected_; }
  // Requests that it has, also those that wait for their turn.
  std::size_t calls() const { return users_.size(); }
  // Whether one more may begin at the server at once, or as soon as its settings have come.
  bool has_room() const;
  // Whether it takes any more at all.
  bool takes_calls() const;

  // Begins a request; its stream. The fields are copied. `has_body`: read_body() gives it.
  Result<std::int32_t> submit(const Http2Fields& head, bool has_body, User& user);
  // read_body() has something again.
  void resume_body(std::int32_t id);
  // Bytes of on_body() went on.
  void consume(std::int32_t id, std::size_t size);
  // on_settled() of `user` is called soon.
  void settle_soon(User& user) { unsettled_.push_back(&user); }
  // Forgets the user; what the server still does for it is cancelled. Safe in all of User's
  // functions.
  void leave(std::int32_t id, User& user);
  // A request got nothing in time. If all others do not either, the connection is given up.
  void note_silence(std::int64_t idle_ms);

  void on_io(std::uint32_t events) override;
  void run_deferred() override;

 private:
  void work();
  bool receive();
  void gather();
  void settle_users();
  void end_users();
  void close_if_over();
  void close(Close how, const std::string& detail);
  void on_idle();

  // upstream_session_callbacks.cc: what nghttp2 tells
  friend struct UpstreamCallbacks;
  static ssize_t read_body_of(nghttp2_session* session, std::int32_t id, std::uint8_t* into,
                              std::size_t size, std::uint32_t* flags, nghttp2_data_source* source,
                              void* data);
  Status make_session();
  void frame_received(const nghttp2_frame& frame);
  void refuse_after(std::int32_t last_id);
  User* find(std::int32_t id);

  UpstreamPool& pool_;
  Origin& origin_;
  net::Stream stream_;
  bool connected_ = false;
  bool retired_ = false;  // takes no more requests
  bool goes_ = false;     // the server has said GOAWAY
  bool closed_ = false;
  bool running_ = false;
  struct Ended {
    std::int32_t id = 0;
    std::uint32_t error = 0;
  };
  bool settings_came_ = false;
  std::int64_t received_ns_ = 0;  // when the server last sent something
  // By the stream. Null: the user has left, and the stream is not closed yet.
  std::unordered_map<std::int32_t, User*> users_;
  std::vector<User*> unsettled_;
  std::vector<Ended> ended_;  // streams whose users are to be told
  net::MemberTimer<UpstreamSession, &UpstreamSession::on_idle> timer_{*this};
  Http2Session session_;
};

}  // namespace duet::gateway
