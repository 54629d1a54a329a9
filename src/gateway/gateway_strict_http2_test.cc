#include "gateway/gateway_frames_test.h"
#include "gateway/gateway_strict_fixture_test.h"

// Requests of HTTP/2 that would be other requests in HTTP/1.1 (RFC 9113), and what a server of
// HTTP/1.1 gets of them: nothing, or the one request that the client wrote.
namespace duet::gateway {
namespace {

// The pseudo fields of a request, each of which a case may change.
struct Pseudo {
  std::string method = "POST";
  std::string scheme = "http";
  std::string authority = "a";
  std::string path = "/";
};
std::string head(const Pseudo& pseudo = {}) {
  return field(":method", pseudo.method) + field(":scheme", pseudo.scheme) +
         field(":authority", pseudo.authority) + field(":path", pseudo.path);
}
std::string whole(const std::string& fields) {
  return frame(kHeaders, kEndHeaders | kEndStream, 1, fields);
}
std::string with_body(const std::string& fields, const std::string& body) {
  return frame(kHeaders, kEndHeaders, 1, fields) + frame(kData, kEndStream, 1, body);
}
std::string with_trailers(const std::string& fields, const std::string& trailers) {
  return frame(kHeaders, kEndHeaders, 1, fields) + frame(kData, 0, 1, "hi") +
         frame(kHeaders, kEndHeaders | kEndStream, 1, trailers);
}

constexpr int kResetStream = 0;  // for a status: RST_STREAM or GOAWAY

struct Case {
  const char* section;
  const char* name;
  std::string frames;
  int status;
  std::vector<std::string> passed;
};

const std::string kCut = "\r\nX: y\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

Case reset(const char* section, const char* name, const std::string& frames) {
  return {section, name, frames, kResetStream, {}};
}
Case refused_head(const char* section, const char* name, const std::string& fields) {
  return {section, name, whole(fields), 400, {}};
}
Case taken_head(const char* section, const char* name, const std::string& frames,
                const std::string& passed) {
  return {section, name, frames, 200, {passed}};
}

const Case kPseudoFields[] = {
    taken_head("8.3.1", "a request", whole(head()),
               passed("POST /", "a", "", "Content-Length: 0\r\n\r\n")),
    reset("8.3.1", "a line's end in :method", whole(head({.method = "GET / HTTP/1.1" + kCut}))),
    reset("8.3.1", "a space in :method", whole(head({.method = "GET /x"}))),
    reset("8.3.1", "an empty :method", whole(head({.method = ""}))),
    {"8.5", "CONNECT", whole(field(":method", "CONNECT") + field(":authority", "a:1")), 501, {}},
    reset("8.3.1", "a line's end in :path", whole(head({.path = "/ HTTP/1.1" + kCut}))),
    reset("8.3.1", "a space in :path", whole(head({.path = "/a b"}))),
    reset("8.3.1", "an empty :path", whole(head({.path = ""}))),
    reset("8.3.1", "a relative :path", whole(head({.path = "x"}))),
    reset("8.3.1", "an absolute :path", whole(head({.path = "http://b/"}))),
    reset("8.3.1", "an asterisk without OPTIONS", whole(head({.path = "*"}))),
    {"8.3.1", "OPTIONS with an asterisk", whole(head({.method = "OPTIONS", .path = "*"})), 200, {}},
    refused_head("8.3.1", "a fragment in :path", head({.path = "/a#b"})),
    refused_head("8.3.1", "a byte beyond ASCII in :path", head({.path = "/\xc3\xa4"})),
    refused_head("8.3.1", "a dot segment in :path", head({.path = "/a/../b"})),
    reset("8.3.1", "a line's end in :authority", whole(head({.authority = "a" + kCut}))),
    refused_head("8.3.1", "user information in :authority", head({.authority = "b@a"})),
    reset("8.3.1", "a path in :authority", whole(head({.authority = "a/b"}))),
    refused_head("8.3.1", "a bad port in :authority", head({.authority = "a:b"})),
    reset("8.3.1", "a line's end in :scheme", whole(head({.scheme = "http" + kCut}))),
    reset("8.3.1", "an address in :scheme", whole(head({.scheme = "http://b/x?"}))),
    refused_head("8.3.1", "another :scheme", head({.scheme = "ftp"})),
    reset("8.3.1", "no :path", whole(field(":method", "GET") + field(":scheme", "http"))),
    reset("8.3.1", "two :path", whole(head() + field(":path", "/b"))),
    reset("8.3.1", "two :method", whole(head() + field(":method", "GET"))),
    reset("8.3.1", "two :authority", whole(head() + field(":authority", "b"))),
    reset("8.3", "a pseudo field behind another field",
          whole(field(":method", "GET") + field("x", "y") + field(":scheme", "http") +
                field(":path", "/") + field(":authority", "a"))),
    reset("8.3", "an unknown pseudo field", whole(head() + field(":x", "y"))),
    reset("8.3", "a pseudo field of answers", whole(head() + field(":status", "200"))),
    reset("8.3", "a pseudo field of an extension", whole(head() + field(":protocol", "x"))),
};

const Case kHttp2Fields[] = {
    reset("8.2.1", "a name in upper case", whole(head() + field("X-A", "b"))),
    reset("8.2.1", "a name with a colon", whole(head() + field("x:y", "b"))),
    reset("8.2.1", "a name with a space", whole(head() + field("transfer-encoding ", "chunked"))),
    reset("8.2.1", "a name with a line's end", whole(head() + field("x: y" + kCut, "b"))),
    reset("8.2.1", "an empty name", whole(head() + field("", "b"))),
    reset("8.2.1", "a line's end in a value", whole(head() + field("x", "y" + kCut))),
    reset("8.2.1", "LF in a value", whole(head() + field("x", "y\nz: 1"))),
    reset("8.2.1", "CR in a value", whole(head() + field("x", "y\rz: 1"))),
    reset("8.2.1", "NUL in a value", whole(head() + field("x", std::string("y\0z", 3)))),
    reset("8.2.1", "a space before a value", whole(head() + field("x", " y"))),
    reset("8.2.1", "a tab behind a value", whole(head() + field("x", "y\t"))),
    reset("8.2.2", "Transfer-Encoding",
          with_body(head() + field("transfer-encoding", "chunked"), "0\r\n\r\n")),
    reset("8.2.2", "Connection", whole(head() + field("connection", "x"))),
    reset("8.2.2", "Keep-Alive", whole(head() + field("keep-alive", "5"))),
    reset("8.2.2", "Proxy-Connection", whole(head() + field("proxy-connection", "x"))),
    reset("8.2.2", "Upgrade", whole(head() + field("upgrade", "websocket"))),
    reset("8.2.2", "TE but trailers", whole(head() + field("te", "gzip"))),
    taken_head("8.2.2", "TE with trailers", whole(head() + field("te", "trailers")),
               passed("POST /", "a", "", "Content-Length: 0\r\n\r\n")),
    taken_head("8.2.3", "crumbs of cookies",
               whole(head() + field("cookie", "a=b") + field("x", "y") + field("cookie", "c=d")),
               passed("POST /", "a", "x: y\r\ncookie: a=b; c=d\r\n", "Content-Length: 0\r\n\r\n")),
    refused_head("8.3.1", "another Host", head() + field("host", "b")),
    taken_head("8.3.1", "the same Host", whole(head() + field("host", "a")),
               passed("POST /", "a", "", "Content-Length: 0\r\n\r\n")),
    reset("8.3.1", "two Hosts", whole(head() + field("host", "a") + field("host", "a"))),
    reset("8.3.1", "Host with a line's end", whole(head() + field("host", "a" + kCut))),
    reset("8.1.1", "less body than its length",
          with_body(head() + field("content-length", "5"), "hi")),
    reset("8.1.1", "more body than its length",
          with_body(head() + field("content-length", "1"), "hi")),
    reset("8.1.1", "no body for a length", whole(head() + field("content-length", "5"))),
    reset("8.1.1", "two lengths",
          with_body(head() + field("content-length", "2") + field("content-length", "2"), "hi")),
    reset("8.1.1", "a length that is none",
          with_body(head() + field("content-length", "+2"), "hi")),
    reset("8.1.1", "a huge length",
          with_body(head() + field("content-length", "18446744073709551618"), "hi")),
    taken_head("8.1.1", "a length", with_body(head() + field("content-length", "2"), "hi"),
               passed("POST /", "a", "", "Content-Length: 2\r\n\r\nhi")),
    taken_head("8.1", "a body of unknown length", with_body(head(), "0\r\n\r\n"),
               passed("POST /", "a", "",
                      "Transfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n0\r\n\r\n")),
    {"9110 10.1.1", "an unknown expectation", whole(head() + field("expect", "x")), 417, {}},
};

const std::string kChunked = "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n";
const Case kTrailers[] = {
    taken_head("8.1", "trailers", with_trailers(head(), field("x", "y")),
               passed("POST /", "a", "", kChunked + "x: y\r\n\r\n")),
    taken_head("9110 6.5.1", "trailers that may not be",
               with_trailers(head(), field("host", "b") + field("x-forwarded-for", "b") +
                                         field("cookie", "a=b") + field("authorization", "b") +
                                         field("x", "y")),
               passed("POST /", "a", "", kChunked + "x: y\r\n\r\n")),
    reset("8.1.1", "a length in trailers", with_trailers(head(), field("content-length", "5"))),
    reset("8.1", "a pseudo field in trailers", with_trailers(head(), field(":path", "/b"))),
    reset("8.2.1", "a line's end in a trailer", with_trailers(head(), field("x", "y" + kCut))),
    reset("8.2.2", "Transfer-Encoding in trailers",
          with_trailers(head(), field("transfer-encoding", "chunked"))),
};

class StrictHttp2Test : public StrictTest {
 protected:
  // The status of the first answer; kResetStream: the stream or the connection was ended.
  static int answer_of(FramePeer& client) {
    for (;;) {
      const FramePeer::Frame next = client.read();
      if (next.type == kHeaders) {
        return client.status(next);
      }
      if (next.type == kReset || next.type == kGoaway || next.type < 0) {
        return kResetStream;
      }
    }
  }
  void expect(std::span<const Case> cases) {
    for (const Case& one : cases) {
      SCOPED_TRACE(std::string("RFC 9113 ") + one.section + ": " + one.name);
      FramePeer client = FramePeer::client(port_);
      client.send(one.frames);
      EXPECT_EQ(answer_of(client), one.status);
      std::vector<std::string> got = server_.take(one.passed.size());
      // What was begun of a request that turned out to be wrong has no end.
      std::erase_if(got, [](const std::string& message) {
        return message.starts_with("partial: ") && message.find("smuggled") == std::string::npos &&
               !message.ends_with("\r\n0\r\n\r\n");
      });
      EXPECT_EQ(got, one.passed);
    }
    EXPECT_EQ(lines().size(), cases.size());
  }
};

TEST_F(StrictHttp2Test, PseudoFields) { expect(kPseudoFields); }
TEST_F(StrictHttp2Test, Fields) { expect(kHttp2Fields); }
TEST_F(StrictHttp2Test, Trailers) { expect(kTrailers); }

}  // namespace
}  // namespace duet::gateway
