#include <sys/socket.h>

#include <algorithm>
#include <atomic>

#include "gateway/gateway_strict_fixture_test.h"
#include "sys/file.h"

// Servers that answer what is not HTTP, or two things at once: the client gets one whole answer or
// none, and what came behind it is nobody's answer.
namespace duet::gateway {
namespace {

// What follows an answer and looks like the next one.
const std::string kSecond = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled";

constexpr int kCutOff = -1;  // for a status: the connection ends before the answer does

struct Case {
  const char* section;  // of RFC 9112, if not said otherwise
  const char* name;
  std::string answer;         // to the first request
  std::vector<int> statuses;  // of what the client gets
  bool reused = false;        // the server's connection is used for the next request
  std::string said;           // what must stand in the client's answer
  bool closes = false;        // the server closes behind it
};

Case bad(const char* section, const char* name, const std::string& answer) {
  return {section, name, answer, {502}};
}
std::string with(const std::string& fields, const std::string& body = "") {
  return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}

std::string repeated(const std::string& text) {
  std::string out;
  while (out.size() < (1 << 20)) {
    out += text;
  }
  return out;
}

const Case kHeads[] = {
    {"6.3", "a good answer", with("Content-Length: 2\r\n", "ok"), {200}, true, "\r\n\r\nok"},
    {"6.3",
     "a good chunked answer",
     with("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n"),
     {200},
     true,
     "ok"},
    bad("2.2", "bare LF", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
    bad("2.2", "bare LF in a field", with("X: a\nContent-Length: 2\r\n", "ok")),
    bad("2.2", "bare CR in a field", with("X: a\rb\r\nContent-Length: 2\r\n", "ok")),
    bad("2.2", "an empty line first", "\r\n" + with("Content-Length: 2\r\n", "ok")),
    bad("4", "no version", "200 OK\r\nContent-Length: 2\r\n\r\nok"),
    bad("2.3", "another version", "HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    bad("2.3", "lower case", "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    bad("4", "two spaces", "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok"),
    bad("4", "a status of two digits", "HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\nok"),
    bad("4", "a status of four digits", "HTTP/1.1 2000 OK\r\nContent-Length: 2\r\n\r\nok"),
    bad("9110 15", "status 099", "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok"),
    bad("9110 15", "status 600", "HTTP/1.1 600 OK\r\nContent-Length: 2\r\n\r\nok"),
    bad("4", "NUL in the reason", "HTTP/1.1 200 O" + std::string(1, '\0') + "K\r\n\r\n"),
    bad("5.1", "space before a colon", with("Content-Length : 2\r\n", "ok")),
    bad("5.2", "a folded field", with("X: a\r\n b\r\nContent-Length: 2\r\n", "ok")),
    bad("9110 5.5", "NUL in a value",
        with("X: a" + std::string(1, '\0') + "\r\nContent-Length: 2\r\n", "ok")),
    bad("6.3", "both framings",
        with("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
    bad("6.3", "two lengths", with("Content-Length: 2\r\nContent-Length: 8\r\n", "ok")),
    bad("6.3", "two equal lengths", with("Content-Length: 2\r\nContent-Length: 2\r\n", "ok")),
    bad("6.3", "a list of lengths", with("Content-Length: 2, 8\r\n", "ok")),
    bad("9110 8.6", "a length with a sign", with("Content-Length: +2\r\n", "ok")),
    bad("9110 8.6", "a huge length", with("Content-Length: 18446744073709551618\r\n", "ok")),
    bad("7", "chunked twice", with("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")),
    bad("6.1", "another coding", with("Transfer-Encoding: gzip\r\n", "ok")),
    bad("6.1", "a coding in HTTP/1.0",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    bad("6585 5", "a large head",
        with("X: " + std::string(40'000, 'x') + "\r\nContent-Length: 2\r\n", "ok")),
    bad("6585 5", "a head without end", "HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')),
    {"9110 15.2",
     "hints without end",
     repeated("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"),
     {103, 502}},
    bad("9110 15.2", "Continue without end", repeated("HTTP/1.1 100 Continue\r\n\r\n")),
    bad("9110 7.8", "a switch that nobody asked for",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
};

const Case kEnds[] = {
    {"9.2", "a second answer", with("Content-Length: 2\r\n", "ok") + kSecond, {200}, false, "ok"},
    {"9.2", "a byte behind the answer", with("Content-Length: 2\r\n", "okx"), {200}, false, "ok"},
    {"9.2",
     "a second answer behind chunks",
     with("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n0\r\n\r\n") + kSecond,
     {200},
     false,
     "ok"},
    {"6.3", "a body behind 204", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", {204}},
    {"9110 8.6", "a length in 204", "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", {204}},
    {"6.1",
     "a coding in 204",
     "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
     {204}},
    {"6.3", "204", "HTTP/1.1 204 No Content\r\n\r\n", {204}, true},
    {"6.3",
     "a length in 304",
     "HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n",
     {304},
     true,
     "Content-Length: 2\r\n"},
    {"6.3", "a second answer behind 304", "HTTP/1.1 304 Not Modified\r\n\r\n" + kSecond, {304}},
    {"9110 15.2",
     "hints",
     "HTTP/1.1 103 Early Hints\r\nX-Hint: 1\r\n\r\n" + with("Content-Length: 2\r\n", "ok"),
     {103, 200},
     true,
     "X-Hint: 1\r\n"},
    {"9.6", "the last answer", with("Connection: close\r\nContent-Length: 2\r\n", "ok"), {200}},
    {"9.3", "HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", {200}},
    {"8", "a short body", with("Content-Length: 9\r\n", "short"), {kCutOff}, false, "", true},
    {"8",
     "a chunked body without its end",
     with("Transfer-Encoding: chunked\r\n", "2\r\nok\r\n"),
     {kCutOff},
     false,
     "",
     true},
    {"7.1",
     "a chunk that is longer than its size",
     with("Transfer-Encoding: chunked\r\n", "2\r\nokk\r\n0\r\n\r\n"),
     {kCutOff}},
    {"7.1",
     "a chunk size that is none",
     with("Transfer-Encoding: chunked\r\n", "2\r\nok\r\nx\r\n"),
     {kCutOff}},
    {"7.1",
     "a chunk size that is too large",
     with("Transfer-Encoding: chunked\r\n", "10000000000000002\r\nok"),
     {kCutOff}},
    {"8", "half a head", "HTTP/1.1 200 OK\r\nContent-Le", {502}, false, "", true},
    {"8", "nothing, so that it is asked again", "", {200}, false, "good", true},
    {"6.3",
     "a body to the connection's end",
     with("", "ok"),
     {200},
     false,
     "2\r\nok\r\n0\r\n",
     true},
};

const Case kPassedFields[] = {
    {"9110 7.6.1",
     "fields of the connection",
     with("Connection: X-One\r\nConnection: keep-alive, X-Two\r\nX-One: 1\r\nX-Two: 2\r\n"
          "Keep-Alive: timeout=5\r\nProxy-Authenticate: x\r\nX-Kept: 3\r\nContent-Length: 2\r\n",
          "ok"),
     {200},
     true,
     "HTTP/1.1 200 OK\r\nX-Kept: 3\r\nDate: "},
    {"9110 6.5.1",
     "trailers that frame",
     with("Transfer-Encoding: chunked\r\n",
          "2\r\nok\r\n0\r\nContent-Length: 9\r\nSet-Cookie: a=b\r\nX-Sum: 1\r\n\r\n"),
     {200},
     true,
     "\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"},
};

class BadServerTest : public StrictTest {
 protected:
  void expect(std::span<const Case> cases) {
    for (const Case& one : cases) {
      SCOPED_TRACE(std::string("RFC 9112 ") + one.section + ": " + one.name);
      expect(one);
    }
  }
  // The case's answer, then a good one, to two clients.
  void expect(const Case& one) {
    std::atomic<int> requests = 0;
    TestServer server([&](net::ServerConnection& connection) {
      for (;;) {
        auto request = connection.next();
        if (!request.ok() || !request->has_value()) {
          return;
        }
        const bool first = ++requests == 1;
        const std::string good = with("Content-Length: 4\r\n", "good");
        (void)net::send_all(connection.fd(), first ? one.answer : good);
        if (first && one.closes) {
          return;
        }
      }
    });
    RouteTable table;
    table.routes = {{.name = "all",
                     .rules = {{.matches = {{.path = {PathMatch::Type::kPrefix, "/sentinel"}}},
                                .backends = {{.backend = "static"}}},
                               {.backends = {{.backend = "server"}}}}}};
    table.backends = {{"static", StaticBackend{.status = 200, .body = "ok"}},
                      {"server", ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}}}};
    set_table(std::move(table));
    const std::string answer = raw(probe());
    std::vector<int> statuses = read_statuses(answer);
    statuses.erase(std::unique(statuses.begin(), statuses.end()), statuses.end());
    EXPECT_EQ(statuses, one.statuses) << answer.substr(0, 1000);
    EXPECT_NE(answer.find(one.said), std::string::npos) << answer;
    EXPECT_EQ(answer.find("smuggled"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("204 No Content\r\nContent-Length"), std::string::npos) << answer;
    EXPECT_TRUE(raw(probe()).ends_with("\r\n\r\ngood"));
    EXPECT_EQ(server.connections(), one.reused ? 1 : 2);
    const std::vector<std::string> logged = lines();
    ASSERT_EQ(logged.size(), 2U);
    const bool failed = one.statuses.back() == 502 || one.statuses.back() == kCutOff;
    EXPECT_EQ(logged[0].find("\"reason\":") != std::string::npos, failed) << logged[0];
  }
};

TEST_F(BadServerTest, Heads) { expect(kHeads); }
TEST_F(BadServerTest, Ends) { expect(kEnds); }
TEST_F(BadServerTest, Fields) { expect(kPassedFields); }

// Only the protocol that was asked for may be switched to (RFC 9110 section 7.8).
TEST_F(BadServerTest, SwitchesToWhatWasAskedFor) {
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n";
  const std::string other = head + "Upgrade: other\r\n\r\nsmuggled";
  const std::string none = head + "\r\nsmuggled";
  const std::string asked_for = head + "Upgrade: WebSocket\r\n\r\nhello";
  std::atomic<const std::string*> answer = &other;
  TestServer server([&answer](net::ServerConnection& connection) {
    (void)connection.next();
    (void)net::send_all(connection.fd(), *answer.load());
  });
  serve_all({"server", ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}}});
  const std::string request =
      "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: websocket, echo\r\n\r\n";
  EXPECT_EQ(raw(request).find("HTTP/1.1 502 "), 0U);
  answer = &none;
  EXPECT_EQ(raw(request).find("HTTP/1.1 502 "), 0U);
  answer = &asked_for;
  const std::string switched = raw(request);
  EXPECT_TRUE(switched.starts_with("HTTP/1.1 101 ")) << switched;
  EXPECT_TRUE(switched.ends_with("\r\n\r\nhello")) << switched;
}

// What was begun of a body is not known any more, so the request is not sent again.
TEST_F(BadServerTest, NeverSendsHalfARequestAgain) {
  std::atomic<int> requests = 0;
  TestServer server([&requests](net::ServerConnection& connection) {
    for (;;) {
      auto request = connection.next();
      if (!request.ok() || !request->has_value() || ++requests == 2) {
        return;  // closes when a second request has come
      }
      if (connection.read_whole_body(100).ok()) {
        (void)connection.respond(200, {}, "whole");
      }
    }
  });
  serve_all({"server",
             ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}, .idle_timeout_ms = 2'000}});
  net::HttpClient http = client();
  EXPECT_EQ(ask(http, {}).body, "whole");
  const std::string answer =
      raw("PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
          "Connection: close\r\n\r\n0\r\n\r\n");
  EXPECT_TRUE(answer.ends_with("502 Bad Gateway: ConnectionLost\n")) << answer;
  EXPECT_EQ(requests, 2);
}

// A server may answer before the body: it gets the head at once, also on a pooled connection.
TEST_F(BadServerTest, PassesHeadsOnBeforeBodies) {
  TestServer server([](net::ServerConnection& connection) {
    while (true) {
      auto request = connection.next();
      if (!request.ok() || !request->has_value() ||
          !net::send_all(connection.fd(), with("Content-Length: 5\r\n", "early")).ok() ||
          !connection.read_whole_body(100).ok()) {
        return;
      }
    }
  });
  serve_all({"server",
             ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}, .idle_timeout_ms = 2'000}});
  net::HttpClient http = client();
  EXPECT_EQ(ask(http, {}).body, "early");
  auto socket = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  ASSERT_TRUE(
      net::send_all(socket->get(), "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n").ok());
  char text[16] = {};
  ASSERT_EQ(recv(socket->get(), text, 15, MSG_WAITALL), 15);
  EXPECT_STREQ(text, "HTTP/1.1 200 OK");
}

}  // namespace
}  // namespace duet::gateway
