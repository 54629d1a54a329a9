#include "gateway/upstream_request.h"

namespace duet::gateway {

void write_field(const net::Field& field, std::string& out) {
  out.append(field.name).append(": ").append(field.value).append("\r\n");
}

void write_request_head(const CallHead& head, std::string& out) {
  constexpr std::size_t kUsualBytes = 1024;
  out.reserve(kUsualBytes);
  out.append(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\n");
  write_field({"Host", head.authority}, out);
  for (const net::Field& field : head.fields) {
    write_field(field, out);
  }
  write_field({"Via", kVia}, out);
  if (head.framing == net::Framing::kChunked) {
    write_field({"Transfer-Encoding", "chunked"}, out);
  } else if (head.framing == net::Framing::kLength) {
    write_field({"Content-Length", std::to_string(head.content_length)}, out);
  } else if (head.method == "POST" || head.method == "PUT" || head.method == "PATCH") {
    write_field({"Content-Length", "0"}, out);
  }
  if (!head.upgrade.empty()) {
    write_field({"Connection", "Upgrade"}, out);
    write_field({"Upgrade", head.upgrade}, out);
  }
  out.append("\r\n");
}

}  // namespace duet::gateway
