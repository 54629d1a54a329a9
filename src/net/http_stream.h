#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "net/buffer.h"
#include "net/byte_stream.h"
#include "net/http_body.h"
#include "net/http_message.h"
#include "net/http_request_parser.h"
#include "net/http_response_parser.h"

// HTTP/1.1 over a blocking stream: what client and server helpers for blocking code are made of.
// Timeouts are the stream's own. Not thread-safe.
namespace duet::net {

using FieldList = std::vector<std::pair<std::string, std::string>>;

// The value of the first field called `name` in any case; empty if there is none.
std::string_view find_value(const FieldList& fields, std::string_view name);

// Reads one message after the other from a stream, which must outlive it.
class MessageReader {
 public:
  MessageReader(ByteStream& stream, const HttpLimits& limits)
      : stream_(stream),
        limits_(limits),
        pool_(1),
        buffer_(pool_),
        requests_(limits),
        responses_(limits) {}

  // The next request's head; nothing: the peer closed before one began. A malformed one is kInvalid
  // and refusal() says the status to answer with.
  Result<std::optional<RequestHead>> read_request();
  // The next response's head; heads of 1xx but 101 are skipped.
  Result<ResponseHead> read_response(bool to_head);
  int refusal() const { return refusal_; }

  // The next piece of the present message's body, a view until the next call; empty at its end.
  Result<std::string_view> read_body();
  // All of the rest; kExhausted past `limit_bytes`.
  Result<std::string> read_whole_body(std::size_t limit_bytes);
  // Bytes that came after an upgrade's head, and no more are parsed.
  std::string take_buffered();

 private:
  Result<std::size_t> fill();  // 0: end of stream

  ByteStream& stream_;
  HttpLimits limits_;
  BufferPool pool_;
  Buffer buffer_;
  RequestParser requests_;
  ResponseParser responses_;
  BodyDecoder body_;
  std::size_t consumed_ =
      0;  // at the front of the buffer, viewed by the caller until the next call
  int refusal_ = 400;
};

// Writes the heads and bodies; all functions block until the kernel has everything.
Status write_request_head(ByteStream& stream, std::string_view method, std::string_view target,
                          const FieldList& fields);
Status write_response_head(ByteStream& stream, int status, const FieldList& fields);
// One chunk of a body whose head said Transfer-Encoding: chunked; end_chunks() ends it.
Status write_chunk(ByteStream& stream, std::string_view data);
Status end_chunks(ByteStream& stream);
// As sys::write_all, without SIGPIPE.
Status send_all(int fd, std::string_view data);

}  // namespace duet::net
