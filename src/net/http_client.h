#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/byte_stream.h"
#include "net/http_stream.h"
#include "net/stream_cipher.h"
#include "sys/fd.h"

namespace duet::net {

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  FieldList fields;  // Host and Content-Length are added when they are missing
  std::string body;
};

// A blocking HTTP/1.1 client on one connection: a request, then its answer's head, then its body to
// the end, then the next request. Not thread-safe.
class HttpClient {
 public:
  HttpClient(HttpClient&&) = default;
  HttpClient& operator=(HttpClient&&) = delete;  // it would close the socket before the stream ends

  // `timeout_ms` bounds connecting and each wait for bytes; 0: none (as for a watch that may be
  // silent for long).
  static Result<HttpClient> connect_unix(const std::string& path, std::int64_t timeout_ms);
  static Result<HttpClient> connect_tcp(const std::string& address, std::int64_t timeout_ms);
  // Over `socket` (non-blocking and connected) with TLS by `cipher`. `host` is what the
  // Host field says. A server whose certificate is not to be trusted is kPermission, at the first
  // request.
  static HttpClient over_tls(sys::Fd socket, std::unique_ptr<StreamCipher> cipher, std::string host,
                             std::int64_t timeout_ms);

  struct Response {
    int status = 0;
    FieldList fields;
    bool keep_alive = true;  // another request may follow, when the body was read to its end
  };
  // Sends the request and reads the answer's head.
  Result<Response> send(const ClientRequest& request);
  // The next piece of the body as it arrives, a view until the next call; empty at its end.
  Result<std::string_view> read_body() { return reader_->read_body(); }
  Result<std::string> read_whole_body(std::size_t limit_bytes) {
    return reader_->read_whole_body(limit_bytes);
  }
  // After 101: the raw connection, and what arrived on it already.
  int fd() const { return socket_.get(); }
  std::string take_buffered() { return reader_->take_buffered(); }

 private:
  HttpClient(sys::Fd socket, std::unique_ptr<ByteStream> stream, std::string host);
  sys::Fd socket_;
  std::unique_ptr<ByteStream> stream_;
  std::string host_;
  std::unique_ptr<MessageReader> reader_;
};

}  // namespace duet::net
