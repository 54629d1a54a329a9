#include <array>

#include "gateway/upstream_pool.h"
#include "gateway/upstream_session.h"
#include "net/http_message.h"

namespace duet::gateway {
namespace {

bool ends_stream(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

}  // namespace

// nghttp2's functions to the session's and its users'.
struct UpstreamCallbacks {
  static UpstreamSession& of(void* user) { return *static_cast<UpstreamSession*>(user); }
  static std::string_view text(const std::uint8_t* bytes, std::size_t size) {
    return {reinterpret_cast<const char*>(bytes), size};
  }

  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    if (UpstreamSession::User* user = of(data).find(frame->hd.stream_id)) {
      user->on_section();
    }
    return 0;
  }
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* data) {
    if (UpstreamSession::User* user = of(data).find(frame->hd.stream_id)) {
      user->on_field(text(name, name_size), text(value, value_size));
    }
    return 0;
  }
  // RFC 9113 section 8.2.1: an answer with a malformed field is none.
  static int invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
                            std::size_t, const std::uint8_t*, std::size_t, std::uint8_t, void*) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    of(data).frame_received(*frame);
    return 0;
  }
  // A request that could not be sent any more.
  static int frame_not_sent(nghttp2_session*, const nghttp2_frame* frame, int, void* data) {
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
      of(data).ended_.push_back({frame->hd.stream_id, NGHTTP2_REFUSED_STREAM});
    }
    return 0;
  }
  static int body(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                  std::size_t size, void* data) {
    if (UpstreamSession::User* user = of(data).find(id)) {
      user->on_body(text(bytes, size));
    } else {
      of(data).consume(id, size);
    }
    return 0;
  }
  static int stream_closed(nghttp2_session*, std::int32_t id, std::uint32_t error, void* data) {
    of(data).ended_.push_back({id, error});
    return 0;
  }
};

ssize_t UpstreamSession::read_body_of(nghttp2_session* session, std::int32_t id, std::uint8_t* into,
                                      std::size_t size, std::uint32_t* flags, nghttp2_data_source*,
                                      void* data) {
  User* user = static_cast<UpstreamSession*>(data)->find(id);
  if (user == nullptr) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  return user->read_body(session, into, size, *flags);
}

Status UpstreamSession::make_session() {
  DUET_ASSIGN(Http2Setup setup, Http2Setup::create());
  nghttp2_session_callbacks* made = setup.callbacks();
  nghttp2_session* session = nullptr;
  nghttp2_session_callbacks_set_on_begin_headers_callback(made, UpstreamCallbacks::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(made, UpstreamCallbacks::header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(made, UpstreamCallbacks::invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(made, UpstreamCallbacks::frame_received);
  nghttp2_session_callbacks_set_on_frame_not_send_callback(made, UpstreamCallbacks::frame_not_sent);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, UpstreamCallbacks::body);
  nghttp2_session_callbacks_set_on_stream_close_callback(made, UpstreamCallbacks::stream_closed);
  // One request goes with the preface; the others wait until the server has said how many it takes.
  nghttp2_option_set_peer_max_concurrent_streams(setup.option(), 1);
  if (nghttp2_session_client_new2(&session, made, this, setup.option()) != 0) {
    return internal("out of memory");
  }
  session_.reset(session);
  const std::array<nghttp2_settings_entry, 3> settings = {{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<std::uint32_t>(kStreamWindow)},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
       static_cast<std::uint32_t>(net::HttpLimits{}.head_bytes)},
  }};
  return Http2Setup::begin(session, settings, kConnectionWindow);
}

void UpstreamSession::frame_received(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY) {
    retired_ = goes_ = true;
    refuse_after(frame.goaway.last_stream_id);
    return;
  }
  settings_came_ |= frame.hd.type == NGHTTP2_SETTINGS && (frame.hd.flags & NGHTTP2_FLAG_ACK) == 0;
  User* user = find(frame.hd.stream_id);
  if (user == nullptr) {
    return;
  }
  if (frame.hd.type == NGHTTP2_HEADERS) {
    user->on_section_end(ends_stream(frame));
  } else if (frame.hd.type == NGHTTP2_DATA && ends_stream(frame)) {
    user->on_body_end();
  }
}

// The server goes, and did nothing with requests after `last_id` (section 6.8).
void UpstreamSession::refuse_after(std::int32_t last_id) {
  for (const auto& [id, user] : users_) {
    if (id > last_id) {
      ended_.push_back({id, NGHTTP2_REFUSED_STREAM});
    }
  }
}

}  // namespace duet::gateway
