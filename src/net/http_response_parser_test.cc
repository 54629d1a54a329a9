#include "net/http_response_parser.h"

#include <gtest/gtest.h>

#include <string>

namespace duet::net {
namespace {

using State = ParseResult::State;

struct ResponseCase {
  const char* name;
  std::string text;
  bool valid;
  Framing framing;
  bool to_head = false;
};

const ResponseCase kResponses[] = {
    {"length", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, Framing::kLength},
    {"no reason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", true, Framing::kNone},
    {"no reason, no space", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", true, Framing::kNone},
    {"until close", "HTTP/1.1 200 OK\r\n\r\n", true, Framing::kUntilClose},
    {"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, Framing::kChunked},
    {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, Framing::kNone, true},
    {"204", "HTTP/1.1 204 No Content\r\n\r\n", true, Framing::kNone},
    {"304", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", true, Framing::kNone},
    {"101", "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", true, Framing::kNone},
    {"both lengths", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n",
     false, Framing::kNone},
    {"two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", false,
     Framing::kNone},
    {"gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", false, Framing::kNone},
    {"status 99", "HTTP/1.1 099 No\r\n\r\n", false, Framing::kNone},
    {"status 1000", "HTTP/1.1 1000 No\r\n\r\n", false, Framing::kNone},
    {"not HTTP", "SSH-2.0-OpenSSH_9\r\n\r\n", false, Framing::kNone},
    {"empty", "\r\n", false, Framing::kNone},
    {"bare LF", "HTTP/1.1 200 OK\nContent-Length: 3\n\n", false, Framing::kNone},
    {"folded", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", false, Framing::kNone},
};

TEST(ResponseParser, AnswersAsTheTableSays) {
  for (const ResponseCase& c : kResponses) {
    SCOPED_TRACE(c.name);
    ResponseParser parser({});
    ResponseHead head;
    const ParseResult result = parser.parse(c.text, c.to_head, head);
    EXPECT_EQ(result.state, c.valid ? State::kDone : State::kInvalid) << result.reason;
    if (c.valid) {
      EXPECT_EQ(head.framing, c.framing);
    }
  }
}

}  // namespace
}  // namespace duet::net
