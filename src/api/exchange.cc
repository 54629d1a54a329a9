#include "api/exchange.h"

#include <poll.h>

#include <algorithm>

namespace duet::api {

Exchange::Exchange(const Context& context_in, net::ServerConnection& connection_in,
                   const net::ServerConnection::Request& request_in, size_t body_size_bytes)
    : context(context_in),
      connection(connection_in),
      request(request_in),
      body_size_bytes_(body_size_bytes) {}

std::optional<std::string> Exchange::body() {
  auto read = connection.read_whole_body(body_size_bytes_);
  if (read.ok()) {
    return std::move(*read);
  }
  if (read.error().code() == ErrorCode::kExhausted) {
    answer({.http_status = 413,
            .reason = "RequestEntityTooLarge",
            .message = "the body is limited to " + std::to_string(body_size_bytes_) + " bytes"});
  } else {
    answer(bad_request(read.error().message()));
  }
  return std::nullopt;
}

std::string Exchange::content_type() const {
  std::string out(net::find_value(request.fields, "Content-Type"));
  out = out.substr(0, out.find(';'));
  out.erase(std::remove(out.begin(), out.end(), ' '), out.end());
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

void Exchange::answer_json(int status, std::string_view json) {
  (void)connection.respond(status, {{"Content-Type", "application/json"}}, json);
}

void Exchange::answer_text(int status, std::string_view text) {
  (void)connection.respond(status, {{"Content-Type", "text/plain; charset=utf-8"}}, text);
}

void Exchange::answer(const Failure& failure) {
  answer_json(failure.http_status, failure.to_json());
}

bool Exchange::client_gone() const {
  pollfd one{.fd = connection.fd(), .events = POLLRDHUP};
  return ::poll(&one, 1, 0) > 0 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace duet::api
