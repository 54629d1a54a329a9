#include "gateway/http2_setup.h"

namespace duet::gateway {

Result<Http2Setup> Http2Setup::create() {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  Http2Setup setup;
  if (nghttp2_session_callbacks_new(&callbacks) != 0) {
    return internal("out of memory");
  }
  setup.callbacks_.reset(callbacks);
  if (nghttp2_option_new(&option) != 0) {
    return internal("out of memory");
  }
  setup.option_.reset(option);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_max_outbound_ack(option, kAcknowledgements);
  return setup;
}

Status Http2Setup::begin(nghttp2_session* session, std::span<const nghttp2_settings_entry> settings,
                         std::int32_t connection_window) {
  const bool done =
      nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) == 0 &&
      nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, connection_window) == 0;
  return done ? Status() : internal("out of memory");
}

}  // namespace duet::gateway
