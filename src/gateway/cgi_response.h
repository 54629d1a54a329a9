#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/exchange.h"
#include "net/http_message.h"

namespace duet::gateway {

// Reads the head of what a CGI program prints (RFC 3875, section 6), in whatever pieces it comes,
// up to the blank line. As strict as the reading of servers' heads: nothing that two readers could
// read differently becomes part of an answer. Lines end with LF or CRLF; Content-Type, Location or
// Status must be there, each at most once, and Content-Length too at most once.
//
// Fields of one connection, framing, Trailer and X-CGI-... are dropped. A Location without a Status
// is a 302 for the client, whether it names a host or only a path.
class CgiResponseHead {
 public:
  // The head may have `limit_bytes`, its last line included, and 100 fields.
  explicit CgiResponseHead(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

  enum class State : std::uint8_t {
    kMore,  // all of the data was taken, and the head goes on
    kHead,  // answer() is there; what is left of the data is the body's beginning
    kBad,   // why() says what is wrong
  };
  // Not to be called again after kHead and kBad.
  State feed(std::string_view& data);

  // The final head; its views live as long as this object.
  const AnswerHead& answer() const { return answer_; }
  const std::string& why() const { return why_; }
  bool empty() const { return text_.empty(); }  // nothing was printed yet

 private:
  struct Line {
    std::size_t name_at, name_size, value_at, value_size;  // in text_
  };
  bool add_line(std::size_t end);
  bool finish();
  bool interpret(const net::Field& field);
  bool once(bool& seen, std::string_view name);
  bool fail(std::string why);
  std::string_view part(std::size_t at, std::size_t size) const {
    return std::string_view(text_).substr(at, size);
  }

  std::size_t limit_bytes_;
  std::string text_;
  std::size_t line_at_ = 0;
  std::vector<Line> lines_;
  std::vector<net::Field> fields_;
  AnswerHead answer_;
  bool has_type_ = false;
  bool has_location_ = false;
  bool has_status_ = false;
  bool has_length_ = false;
  std::string why_;
};

}  // namespace duet::gateway
