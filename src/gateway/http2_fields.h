#pragma once

#include <nghttp2/nghttp2.h>

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_message.h"

namespace duet::gateway {

// A field section to be sent over HTTP/2, as nghttp2 takes it: names in lower case, and none that
// HTTP/2 forbids (RFC 9113 section 8.2.2). nghttp2 copies it when it is submitted.
class Http2Fields {
 public:
  // Views must live until the section is submitted.
  void add(std::string_view name, std::string_view value);
  void add(std::span<const net::Field> fields);
  // Keeps a copy of what it is given.
  void add_kept(std::string_view name, std::string value);

  const nghttp2_nv* data() const { return fields_.data(); }
  std::size_t size() const { return fields_.size(); }

 private:
  std::vector<nghttp2_nv> fields_;
  std::deque<std::string> kept_;
};

}  // namespace duet::gateway
