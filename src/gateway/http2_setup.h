#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <memory>
#include <span>

#include "base/result.h"

namespace duet::gateway {

struct FreeSession {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};
// A session of nghttp2, of either side.
using Http2Session = std::unique_ptr<nghttp2_session, FreeSession>;

// What one is made with; only needed until it is made.
class Http2Setup {
 public:
  static constexpr std::size_t kAcknowledgements = 100;  // of SETTINGS and PING, that wait

  // With what holds for both sides: windows are opened by whoever takes the body.
  static Result<Http2Setup> create();

  nghttp2_session_callbacks* callbacks() { return callbacks_.get(); }
  nghttp2_option* option() { return option_.get(); }

  // Lets a new session say its first words (RFC 9113 section 3.4): its settings, and the window
  // of the connection in bytes.
  static Status begin(nghttp2_session* session, std::span<const nghttp2_settings_entry> settings,
                      std::int32_t connection_window);

 private:
  struct FreeCallbacks {
    void operator()(nghttp2_session_callbacks* callbacks) const {
      nghttp2_session_callbacks_del(callbacks);
    }
  };
  struct FreeOption {
    void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
  };

  std::unique_ptr<nghttp2_session_callbacks, FreeCallbacks> callbacks_;
  std::unique_ptr<nghttp2_option, FreeOption> option_;
};

}  // namespace duet::gateway
