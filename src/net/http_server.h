#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/http_stream.h"
#include "sys/fd.h"

namespace duet::net {

// The server's side of one blocking HTTP/1.1 connection: read a request, answer it whole or piece
// by piece, read the next one. One thread a connection; not thread-safe.
class ServerConnection {
 public:
  // `timeout_ms` bounds each wait for the peer; 0: none.
  ServerConnection(sys::Fd socket, const HttpLimits& limits, std::int64_t timeout_ms);
  // Over `stream`, whose bytes go through `socket`: TLS.
  ServerConnection(sys::Fd socket, std::unique_ptr<ByteStream> stream, const HttpLimits& limits);

  struct Request {
    std::string method;
    std::string path;   // without the query
    std::string query;  // without the '?'
    FieldList fields;
    bool upgrade = false;
  };
  // The next request; nothing when the connection is over (closed by the peer, or not kept alive).
  // A malformed request is answered here and then is the end too. What is left of the last
  // request's body is skipped.
  Result<std::optional<Request>> next();
  // The request's body; sends 100 (Continue) first if the client waits for it.
  Result<std::string> read_whole_body(std::size_t limit_bytes);

  // Answers with a whole body (not sent for HEAD).
  Status respond(int status, const FieldList& fields, std::string_view body);
  // Answers piece by piece: begin, write..., end.
  Status begin(int status, const FieldList& fields);
  Status write(std::string_view data);
  Status end();
  // Answers 101 with `fields` (which name the Upgrade); from then on the stream is the caller's.
  Status switch_protocols(const FieldList& fields);
  std::string take_buffered() { return reader_->take_buffered(); }
  ByteStream& stream() { return *stream_; }
  int fd() const { return socket_.get(); }

 private:
  Status continue_if_expected();
  sys::Fd socket_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<MessageReader> reader_;
  bool keep_alive_ = true;
  bool body_left_ = false;
  bool expects_continue_ = false;
  bool to_head_ = false;
};

}  // namespace duet::net
