#include "gateway/gateway_strict_fixture_test.h"

// Where requests end: lengths, transfer codings, chunks, trailers, and what may follow.
namespace duet::gateway {
namespace {

// A POST with these framing fields, and what follows its head.
std::string post(const std::string& lines, const std::string& rest) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n" + rest;
}
std::string chunked(const std::string& body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}
std::string passed_length(const std::string& body) {
  return passed("POST /", "a", "",
                "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}
std::string passed_chunked(const std::string& body) {
  return passed("POST /", "a", "", "Transfer-Encoding: chunked\r\n\r\n" + body);
}
// A chunked body that turns out to be wrong behind `begun`, which is good.
StrictCase bad_chunks(const char* name, const std::string& bad) {
  const std::string begun = "3\r\nabc\r\n";
  return broken_off("9112 7.1", name, chunked(begun + bad), passed_chunked(begun));
}

const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

const StrictCase kLengths[] = {
    taken("9112 6.3", "a length", post("Content-Length: 5\r\n", "hello"), {passed_length("hello")}),
    taken("9112 6.3", "a length of zero", post("Content-Length: 0\r\n", ""), {passed_length("")}),
    taken("9110 8.6", "leading zeros", post("Content-Length: 005\r\n", "hello"),
          {passed_length("hello")}),
    taken("9112 6.3", "a body that looks like a request",
          post("Content-Length: " + std::to_string(kSmuggled.size()) + "\r\n", kSmuggled),
          {passed_length(kSmuggled)}),
    taken("9112 6.3", "no length is no body", post("", ""), {passed_length("")}),
    taken("9110 9.3.1", "GET with a body",
          "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
          {passed("GET /", "a", "", "Content-Length: 2\r\n\r\nhi")}),
    refused("9112 6.3", "two lengths", post("Content-Length: 0\r\nContent-Length: 5\r\n", "hello")),
    refused("9112 6.3", "two equal lengths",
            post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")),
    refused("9112 6.3", "two lengths apart",
            post("Content-Length: 5\r\nX: y\r\ncontent-length: 0\r\n", "hello")),
    refused("9110 8.6", "a list of lengths", post("Content-Length: 5, 5\r\n", "hello")),
    refused("9110 8.6", "a list of different lengths", post("Content-Length: 5,0\r\n", "hello")),
    refused("9110 8.6", "plus", post("Content-Length: +5\r\n", "hello")),
    refused("9110 8.6", "minus", post("Content-Length: -5\r\n", "hello")),
    refused("9110 8.6", "hexadecimal", post("Content-Length: 0x5\r\n", "hello")),
    refused("9110 8.6", "a fraction", post("Content-Length: 5.0\r\n", "hello")),
    refused("9110 8.6", "an exponent", post("Content-Length: 5e0\r\n", "hello")),
    refused("9110 8.6", "a space within", post("Content-Length: 1 0\r\n", "hello")),
    refused("9110 8.6", "a form feed", post("Content-Length: \f5\r\n", "hello")),
    refused("9110 8.6", "nothing", post("Content-Length:\r\n", "")),
    refused("9110 8.6", "quotes", post("Content-Length: \"5\"\r\n", "hello")),
    refused("9110 8.6", "digits of another script", post("Content-Length: \xd9\xa5\r\n", "hello")),
    refused("9110 8.6", "2^64 + 5", post("Content-Length: 18446744073709551621\r\n", "hello")),
    refused("9110 8.6", "2^63 + 5", post("Content-Length: 9223372036854775813\r\n", "hello")),
    refused("9110 8.6", "2^32 + 5 in a hundred digits",
            post("Content-Length: " + std::string(90, '0') + "4294967301\r\n", "hello")),
};

const StrictCase kCodings[] = {
    taken("9112 6.1", "chunked", chunked("5\r\nhello\r\n0\r\n\r\n"),
          {passed_chunked("5\r\nhello\r\n0\r\n\r\n")}),
    taken("9112 7", "codings have no case",
          post("Transfer-Encoding: cHuNkEd\r\n", "5\r\nhello\r\n0\r\n\r\n"),
          {passed_chunked("5\r\nhello\r\n0\r\n\r\n")}),
    refused("9112 6.1", "beside a length",
            post("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "0\r\n\r\n")),
    refused("9112 6.1", "behind a length",
            post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    refused("9112 6.1", "beside a length of zero",
            post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    refused("9112 6.1", "in HTTP/1.0",
            "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    refused("9112 7", "chunked twice",
            post("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")),
    refused("9112 7", "in two fields",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    refused("9112 7", "identity in a field of its own",
            post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    refused("9112 7", "identity behind chunked",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "0\r\n\r\n")),
    refused("9112 6.1", "identity alone", post("Transfer-Encoding: identity\r\n", "")),
    refused("9112 6.3", "gzip before chunked",
            post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 501),
    refused("9112 6.3", "gzip behind chunked",
            post("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n")),
    refused("9112 6.3", "gzip alone", post("Transfer-Encoding: gzip\r\n", "")),
    refused("9112 6.1", "an unknown name", post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")),
    refused("9112 6.1", "a name with more behind it",
            post("Transfer-Encoding: chunkedx\r\n", "0\r\n\r\n")),
    refused("9112 7", "quotes", post("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")),
    refused("9112 7", "a parameter", post("Transfer-Encoding: chunked;x=y\r\n", "0\r\n\r\n")),
    refused("9112 6.1", "nothing", post("Transfer-Encoding:\r\n", "")),
    refused("9112 6.1", "a vertical tab first",
            post("Transfer-Encoding: \vchunked\r\n", "0\r\n\r\n")),
    refused("9112 6.1", "a form feed behind",
            post("Transfer-Encoding: chunked\f\r\n", "0\r\n\r\n")),
    refused("9112 6.1", "a space that does not break",
            post("Transfer-Encoding: \xa0"
                 "chunked\r\n",
                 "0\r\n\r\n")),
    refused("9112 5.2", "on a folded line",
            post("X: y\r\n Transfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    taken("9112 6.1", "another name",
          post("Transfer_Encoding: chunked\r\nX-Transfer-Encoding: chunked\r\n", ""),
          {passed("POST /", "a", "Transfer_Encoding: chunked\r\nX-Transfer-Encoding: chunked\r\n",
                  "Content-Length: 0\r\n\r\n")}),
};

const StrictCase kChunks[] = {
    taken("9112 7.1", "sizes in both cases and with zeros",
          chunked("00a\r\n0123456789\r\nA\r\n0123456789\r\n000\r\n\r\n"),
          {passed_chunked("a\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n")}),
    taken("9112 7.1.1", "extensions are left out",
          chunked("3;a;b=c ;d=\"e\"\r\nabc\r\n3 ;x\r\nabc\r\n0;y\r\n\r\n"),
          {passed_chunked("3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n")}),
    taken("9112 7.1", "a body that looks like a last chunk", chunked("5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
          {passed_chunked("5\r\n0\r\n\r\n\r\n0\r\n\r\n")}),
    taken("9112 9.3", "a request behind the last chunk", chunked("0\r\n\r\n") + kSmuggled,
          {passed_chunked("0\r\n\r\n"), passed("GET /smuggled", "a")}),
    bad_chunks("no size", "\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("no hexadecimal size", "g\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("a sign", "+3\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("a minus", "-3\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("0x", "0x3\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("a space before the size", " 3\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("a space behind the size", "3 \r\nabc\r\n0\r\n\r\n"),
    bad_chunks("two sizes", "3 3\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("2^64 + 3", "10000000000000003\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("2^32 + 3 with zeros", std::string(30, '0') + "100000003\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("zeros without end", std::string(40'000, '0')),
    bad_chunks("a comma behind the size", "3,\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("bare LF behind the size", "3\nabc\r\n0\r\n\r\n"),
    bad_chunks("bare LF in an extension", "3;x\nabc\r\n0\r\n\r\n"),
    bad_chunks("bare CR behind the size", "3\rabc\r\n0\r\n\r\n"),
    bad_chunks("bare CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n"),
    bad_chunks("NUL in an extension", std::string("3;\0\r\nabc\r\n0\r\n\r\n", 15)),
    bad_chunks("an extension without end", "3;" + std::string(40'000, 'x')),
    bad_chunks("LF for the last empty line", "0\r\n\n"),
    bad_chunks("a trailer without a colon", "0\r\nX\r\n\r\n"),
    bad_chunks("a folded trailer", "0\r\nX: a\r\n b\r\n\r\n"),
    bad_chunks("a trailer with a space before the colon", "0\r\nX : a\r\n\r\n"),
    bad_chunks("a trailer with bare LF", "0\r\nX: a\n\r\n"),
    bad_chunks("a trailer with bare CR", "0\r\nX: a\rb\r\n\r\n"),
    bad_chunks("a trailer without end", "0\r\nX: " + std::string(40'000, 'x')),
    broken_off("9112 7.1", "more than its size", chunked("3\r\nabcd\r\n0\r\n\r\n"),
               passed_chunked("3\r\nabc\r\n")),
    broken_off("9112 7.1", "less than its size", chunked("3\r\nab\r\n0\r\n\r\n"),
               passed_chunked("3\r\nab\r\r\n")),
    broken_off("9112 7.1", "LF behind the data", chunked("3\r\nabc\n0\r\n\r\n"),
               passed_chunked("3\r\nabc\r\n")),
};

std::string trailers(const std::string& lines) { return chunked("0\r\n" + lines + "\r\n"); }

const StrictCase kTrailers[] = {
    taken("9112 7.1.2", "trailers are passed on", trailers("X-Sum: 1\r\nX-Other:  2 \r\n"),
          {passed_chunked("0\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n")}),
    taken("9110 6.5.1", "fields that frame",
          trailers("Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\nX: 1\r\n"),
          {passed_chunked("0\r\nX: 1\r\n\r\n")}),
    taken("9110 6.5.1", "fields that route", trailers("Host: b\r\nExpect: x\r\nTE: y\r\nX: 1\r\n"),
          {passed_chunked("0\r\nX: 1\r\n\r\n")}),
    taken("9110 6.5.1", "fields of the connection",
          trailers("Connection: X\r\nUpgrade: x\r\nKeep-Alive: 5\r\nX: 1\r\n"),
          {passed_chunked("0\r\nX: 1\r\n\r\n")}),
    taken("9110 6.5.1", "fields that say who asks",
          trailers("Authorization: x\r\nCookie: a=b\r\nProxy-Authorization: x\r\nX: 1\r\n"),
          {passed_chunked("0\r\nX: 1\r\n\r\n")}),
    taken("9110 6.5.1", "fields that modify the request",
          trailers("Range: bytes=0-1\r\nIf-Match: *\r\nCache-Control: no-store\r\n"
                   "Max-Forwards: 1\r\nX: 1\r\n"),
          {passed_chunked("0\r\nX: 1\r\n\r\n")}),
    taken("9110 6.5.1", "fields that describe the content",
          trailers("Content-Type: a/b\r\nContent-Encoding: gzip\r\nContent-Range: x\r\nX: 1\r\n"),
          {passed_chunked("0\r\nX: 1\r\n\r\n")}),
    taken("7239 8.1", "what a client says about itself",
          trailers("Forwarded: for=b\r\nX-Forwarded-For: b\r\nX-Forwarded-Proto: https\r\n"
                   "X-Forwarded-Host: b\r\nX: 1\r\n"),
          {passed_chunked("0\r\nX: 1\r\n\r\n")}),
    taken("9110 7.6.1", "trailers that Connection names",
          post("Transfer-Encoding: chunked\r\nConnection: X-Own\r\n", "0\r\nX-Own: 1\r\n\r\n"),
          {passed_chunked("0\r\n\r\n")}),
};

const StrictCase kRests[] = {
    {"9110 10.1.1",
     "a body that is waited for",
     post("Content-Length: 2\r\nExpect: 100-continue\r\n", "hi") + probe(),
     {100, 200, 200},
     {passed_length("hi"), probe_passed()}},
    taken("9110 10.1.1", "an expectation in HTTP/1.0 is ignored",
          "POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nContent-Length: 2\r\n"
          "Expect: 100-continue\r\n\r\nhi",
          {passed_length("hi")}),
    taken("9110 7.8", "an upgrade that the server ignores",
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
          {passed("GET /", "a", "", "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")}),
    taken("9110 7.8", "an upgrade that Connection does not name",
          "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", {passed("GET /", "a")}),
    taken("9110 7.8", "an upgrade with a body",
          post("Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n", "hi"),
          {passed_length("hi")}),
    taken("9110 7.8", "an upgrade in HTTP/1.0 is ignored",
          "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
          "Upgrade: websocket\r\n\r\n",
          {passed("GET /", "a")}),
    taken("9113 3.1", "an upgrade to HTTP/2 is ignored",
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
          "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
          {passed("GET /", "a")}),
    taken("9113 3.1", "an upgrade to HTTP/2 in a list is ignored",
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket, H2C\r\n\r\n",
          {passed("GET /", "a")}),
    taken("9110 7.8", "an upgrade to another version of HTTP is ignored",
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: HTTP/2.0\r\n\r\n",
          {passed("GET /", "a")}),
    taken("2817 3", "an upgrade to TLS is ignored",
          "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n",
          {passed("GET /", "a")}),
    {"9112 2.2",
     "an empty line behind the last request",
     probe() + "\r\n",
     {200},
     {probe_passed()}},
    {"9112 9.6", "a request behind the last one", probe() + kSmuggled, {200}, {probe_passed()}},
    {"9112 9.6",
     "a request behind the last one of HTTP/1.0",
     "GET /probe HTTP/1.0\r\nHost: probe\r\n\r\n" + kSmuggled,
     {200},
     {probe_passed()}},
    {"9113 3.4",
     "the preface of HTTP/2 behind a request",
     "GET / HTTP/1.1\r\nHost: a\r\n\r\nPRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     {200, 505},
     {passed("GET /", "a")}},
};

using StrictBodyTest = StrictTest;

TEST_F(StrictBodyTest, Lengths) { expect(kLengths); }
TEST_F(StrictBodyTest, Codings) { expect(kCodings); }
TEST_F(StrictBodyTest, Chunks) { expect(kChunks); }
TEST_F(StrictBodyTest, Trailers) { expect(kTrailers); }
TEST_F(StrictBodyTest, Rests) { expect(kRests); }

// A control byte is refused wherever it stands (RFC 9110 section 5.5, RFC 9112 section 2.2).
TEST_F(StrictBodyTest, ControlBytes) {
  std::vector<StrictCase> cases;
  for (int byte = 0; byte < 0x80; ++byte) {
    if ((byte >= 0x20 && byte != 0x7f) || byte == '\t') {
      continue;
    }
    const std::string c(1, static_cast<char>(byte));
    const std::string get = "GET / HTTP/1.1\r\nHost: a";
    cases.push_back(refused("9110 9.1", "method", "G" + c + "T / HTTP/1.1\r\nHost: a\r\n\r\n"));
    cases.push_back(refused("9112 3.2", "target", "GET /" + c + " HTTP/1.1\r\nHost: a\r\n\r\n"));
    cases.push_back(refused("9112 2.3", "version", "GET / HTTP/1." + c + "\r\nHost: a\r\n\r\n"));
    cases.push_back(refused("9112 3.2", "Host", get + c + "\r\n\r\n"));
    cases.push_back(refused("9110 5.1", "name", get + "\r\nX" + c + "Y: z\r\n\r\n"));
    cases.push_back(refused("9110 5.5", "value", get + "\r\nX: y" + c + "z\r\n\r\n"));
    cases.push_back(refused("9110 5.5", "value's end", get + "\r\nX: y" + c + "\r\n\r\n"));
    cases.push_back(bad_chunks("extension", "3;x" + c + "y\r\nabc\r\n0\r\n\r\n"));
    cases.push_back(bad_chunks("trailer", "0\r\nX: y" + c + "z\r\n\r\n"));
  }
  expect(cases);
}

// A client that goes before the end of its request has its line in the log all the same.
TEST_F(StrictBodyTest, RequestsWithoutTheirEnd) {
  const auto logged_once = [this](const std::string& text) {
    EXPECT_TRUE(send(text, 0).statuses.empty());
    const std::vector<std::string> logged = lines();
    ASSERT_EQ(logged.size(), 1U);
    EXPECT_NE(logged[0].find("\"reason\":\"ClientGone\""), std::string::npos);
  };
  logged_once("GET / HTT");
  logged_once("GET / HTTP/1.1\r\nHost: a\r\n");
  logged_once(post("Content-Length: 5\r\n", "hell"));
  logged_once(chunked("5\r\nhello\r\n"));
  send("\r\n", 0);
  EXPECT_TRUE(lines().empty());
}

}  // namespace
}  // namespace duet::gateway
