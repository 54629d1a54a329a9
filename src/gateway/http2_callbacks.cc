#include <array>

#include "gateway/http2_connection.h"

namespace duet::gateway {
namespace {

// Frames that cost work and carry nothing on.
bool is_idle_talk(const nghttp2_frame_hd& frame) {
  switch (frame.type) {
    case NGHTTP2_DATA:
      return frame.length == 0 && (frame.flags & NGHTTP2_FLAG_END_STREAM) == 0;
    case NGHTTP2_HEADERS:
    case NGHTTP2_CONTINUATION:
    case NGHTTP2_WINDOW_UPDATE:
      return false;
    default:
      return true;
  }
}

// What a client says of the data that it is sent: windows, and pings and settings by which it
// measures the line, as gRPC's clients do with each round trip.
bool follows_data(const nghttp2_frame_hd& frame) {
  return frame.type == NGHTTP2_WINDOW_UPDATE || frame.type == NGHTTP2_PING ||
         frame.type == NGHTTP2_SETTINGS;
}

}  // namespace

// nghttp2's functions to the connection's.
struct Http2Callbacks {
  static Http2Connection& of(void* user) { return *static_cast<Http2Connection*>(user); }

  // One frame more of a kind that must not come without end.
  static void take(Http2Connection& connection, FrameBudget& budget) {
    if (!budget.take(connection.front_.loop.now_ns())) {
      nghttp2_session_terminate_session(connection.session(), NGHTTP2_ENHANCE_YOUR_CALM);
    }
  }

  static int begin_frame(nghttp2_session* session, const nghttp2_frame_hd* frame, void* user) {
    Http2Connection& connection = of(user);
    bool idle = is_idle_talk(*frame);
    if (follows_data(*frame)) {
      idle = ++connection.replies_ > connection.data_frames_ * Http2Connection::kRepliesPerData;
    }
    if (idle) {
      take(connection, connection.idle_frames_);
    }
    if (frame->type == NGHTTP2_HEADERS && !connection.stream_ids_.take(frame->stream_id)) {
      nghttp2_session_terminate_session(session, NGHTTP2_PROTOCOL_ERROR);
    }
    return 0;
  }
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return of(user).begin_head(*frame);
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    Http2Connection& connection = of(user);
    Http2Stream* stream = connection.find(frame->hd.stream_id);
    if (stream == nullptr) {
      return 0;
    }
    stream->head().add({reinterpret_cast<const char*>(name), name_size},
                       {reinterpret_cast<const char*>(value), value_size});
    // Compression makes little of much: who goes on far past the bound is not answered.
    if (stream->head().list_bytes() > 4 * connection.front_.limits.http.head_bytes) {
      nghttp2_session_terminate_session(connection.session(), NGHTTP2_ENHANCE_YOUR_CALM);
    }
    return 0;
  }
  // RFC 9113 section 8.2.1: a request with a malformed field is no request. To leave the field out
  // would be to read another request than the client wrote.
  static int invalid_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t*,
                            std::size_t, const std::uint8_t*, std::size_t, std::uint8_t,
                            void* user) {
    Http2Connection& connection = of(user);
    if (Http2Stream* stream = connection.find(frame->hd.stream_id)) {
      stream->refuse();
    }
    return 0;
  }
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return of(user).frame_received(*frame);
  }
  static int data(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                  std::size_t size, void* user) {
    Http2Connection& connection = of(user);
    if (Http2Stream* stream = connection.find(id)) {
      stream->body({reinterpret_cast<const char*>(bytes), size});
    } else {
      connection.consume(id, size);
    }
    return 0;
  }
  // A client may make us take its requests back as well as do it by itself, and the work that was
  // begun for them is lost alike.
  static void count_reset(Http2Connection& connection, std::uint32_t error) {
    switch (error) {
      case NGHTTP2_PROTOCOL_ERROR:
      case NGHTTP2_FLOW_CONTROL_ERROR:
      case NGHTTP2_STREAM_CLOSED:
        take(connection, connection.resets_);
        break;
      case NGHTTP2_REFUSED_STREAM:
        take(connection, connection.idle_frames_);
        break;
      default:
        break;
    }
  }
  // After a whole answer the client need not send the rest of its body (RFC 9113 section 8.1).
  static int frame_sent(nghttp2_session* session, const nghttp2_frame* frame, void* user) {
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      count_reset(of(user), frame->rst_stream.error_code);
    }
    of(user).data_frames_ += frame->hd.type == NGHTTP2_DATA ? 1 : 0;
    if (frame->hd.type == NGHTTP2_GOAWAY && of(user).draining_ && !of(user).goodbye_said_) {
      nghttp2_submit_ping(session, NGHTTP2_FLAG_NONE, nullptr);
    }
    const bool ends = (frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS) &&
                      (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    const Http2Stream* stream = ends ? of(user).find(frame->hd.stream_id) : nullptr;
    if (stream != nullptr && !stream->body_ended()) {
      nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    }
    return 0;
  }
  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t error, void* user) {
    of(user).stream_closed(id, error);
    return 0;
  }
};

Status Http2Connection::make_session() {
  DUET_ASSIGN(Http2Setup setup, Http2Setup::create());
  nghttp2_session_callbacks* made = setup.callbacks();
  nghttp2_session* session = nullptr;
  nghttp2_session_callbacks_set_on_begin_frame_callback(made, Http2Callbacks::begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(made, Http2Callbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(made, Http2Callbacks::header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(made, Http2Callbacks::invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, Http2Callbacks::frame_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, Http2Callbacks::data);
  nghttp2_session_callbacks_set_on_frame_send_callback(made, Http2Callbacks::frame_sent);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, Http2Callbacks::stream_closed);
  nghttp2_option_set_stream_reset_rate_limit(setup.option(), kResets, kResetsPerSecond);
  if (nghttp2_session_server_new2(&session, made, this, setup.option()) != 0) {
    return internal("out of memory");
  }
  session_.reset(session);
  const std::array<nghttp2_settings_entry, 3> settings = {{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, kStreams},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(kStreamWindow)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       static_cast<std::uint32_t>(front_.limits.http.head_bytes)},
  }};
  return Http2Setup::begin(session, settings, kConnectionWindow);
}

int Http2Connection::begin_head(const nghttp2_frame& frame) {
  head_began_ns_ = front_.loop.now_ns();
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) {
    streams_[frame.hd.stream_id] = std::make_unique<Http2Stream>(*this, frame.hd.stream_id);
    had_request_ = true;
  } else if (Http2Stream* stream = find(frame.hd.stream_id)) {
    stream->begin_trailers();
  }
  return 0;
}

int Http2Connection::frame_received(const nghttp2_frame& frame) {
  const bool ended = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  if (frame.hd.type == NGHTTP2_HEADERS) {
    head_began_ns_ = 0;
  }
  if (frame.hd.type == NGHTTP2_PING && (frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
    say_goodbye();
  }
  Http2Stream* stream = find(frame.hd.stream_id);
  if (stream == nullptr || (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA)) {
    return 0;
  }
  if (!stream->head_complete()) {
    stream->begin(ended);
  } else if (ended) {
    stream->end_body();
  }
  return 0;
}

void Http2Connection::stream_closed(std::int32_t id, std::uint32_t error) {
  const auto found = streams_.find(id);
  if (found == streams_.end()) {
    return;
  }
  found->second->closed(error);
  dead_.push_back(std::move(found->second));
  streams_.erase(found);
  progress_ns_ = front_.loop.now_ns();
  head_began_ns_ = 0;  // if it was that one's
  front_.loop.defer(*this);
}

}  // namespace duet::gateway
