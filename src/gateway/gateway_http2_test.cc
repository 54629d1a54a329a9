#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <thread>

#include "gateway/gateway_frames_test.h"
#include "gateway/gateway_tls_fixture_test.h"
#include "net/http_stream.h"
#include "sys/file.h"
#include "sys/process.h"

namespace duet::gateway {
namespace {

using std::string_literals::operator""s;

// As kGet.
const std::string kPost = "\x83\x86\x84\x01\x01"s + "a";

class Http2Test : public TlsGatewayTest {
 protected:
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
  void serve_hello() {
    serve(BackendConfig{"hello", StaticBackend{.status = 200, .body = "hello"}});
  }
  // Sends `flood` again and again until the gateway has enough of it; gives the error of its
  // GOAWAY.
  std::uint32_t flooded_with(const std::function<std::string(std::uint32_t turn)>& flood) {
    FramePeer client = FramePeer::client(port_);
    std::thread sender([&client, &flood] {
      for (std::uint32_t turn = 0; turn < 20'000 && client.send(flood(turn)); ++turn) {
      }
    });
    const std::uint32_t error = client.read_until(kGoaway).error();
    sender.join();
    return error;
  }
};

TEST_F(Http2Test, AnswersWithAndWithoutTls) {
  TestServer server(serve_echo);
  serve(server);
  const std::string plain =
      run({"curl", "-sSi", "--http2-prior-knowledge", "-d", "hello", "-b", "a=1", url("/x?y")});
  EXPECT_TRUE(plain.starts_with("HTTP/2 200")) << plain;
  EXPECT_TRUE(plain.ends_with("POST /x?y\nhello")) << plain;
  EXPECT_NE(plain.find("x-got-x-forwarded-proto: http\r\n"), std::string::npos) << plain;
  EXPECT_NE(plain.find("x-got-host: 127.0.0.1:" + std::to_string(port_)), std::string::npos);
  EXPECT_NE(plain.find("x-got-cookie: a=1\r\n"), std::string::npos);
  EXPECT_NE(log_lines().find("\"method\":\"POST\",\"host\":\"127.0.0.1:"), std::string::npos);
  const std::string secure = curl("a.test", {"-i", "-k", "--http2"}, "/z");
  EXPECT_TRUE(secure.starts_with("HTTP/2 200")) << secure;
  EXPECT_TRUE(secure.ends_with("GET /z\n")) << secure;
  EXPECT_NE(secure.find("x-got-x-forwarded-proto: https\r\n"), std::string::npos) << secure;
}

TEST_F(Http2Test, StreamsLargeBodiesBothWays) {
  TestServer server(serve_echo);
  serve(server);
  const std::string large(5 << 20, 'x');
  const std::string path = directory_ + "/large";
  ASSERT_TRUE(sys::write_file(path, large).ok());
  EXPECT_EQ(curl("a.test", {"-k", "--http2", "--data-binary", "@" + path}), "POST /\n" + large);
  EXPECT_EQ(run({"curl", "-sS", "--http2-prior-knowledge", "-T", path, url()}),
            "PUT /large\n" + large);
}

TEST_F(Http2Test, AnswersManyRequestsAtATime) {
  TestServer server(serve_echo);
  serve(server);
  const std::string said = run({"h2load", "-n", "2000", "-c", "3", "-m", "100", url("/a")});
  EXPECT_NE(said.find("2000 succeeded, 0 failed"), std::string::npos) << said;
}

TEST_F(Http2Test, AnswersItselfAndHead) {
  serve_hello();
  const std::string head = run({"curl", "-sSI", "--http2-prior-knowledge", url()});
  EXPECT_NE(head.find("content-length: 5\r\n"), std::string::npos) << head;
  EXPECT_TRUE(head.ends_with("\r\n\r\n")) << head;
  set_table({});
  const std::string none = run({"curl", "-sSi", "--http2-prior-knowledge", url()});
  EXPECT_TRUE(none.starts_with("HTTP/2 404")) << none;
  EXPECT_TRUE(none.ends_with("404 Not Found: NoRoute\n")) << none;
}

TEST_F(Http2Test, PassesTrailersBothWays) {
  TestServer server([](net::ServerConnection& connection) {
    // By hand, for its trailers.
    std::string got;
    char text[4096];
    while (got.find("0\r\nx-sent: yes\r\n\r\n") == std::string::npos) {
      const ssize_t size = recv(connection.fd(), text, sizeof(text), 0);
      if (size <= 0) {
        return;
      }
      got.append(text, static_cast<std::size_t>(size));
    }
    (void)net::send_all(connection.fd(),
                        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "5\r\nhello\r\n0\r\nX-Answered: too\r\n\r\n");
  });
  serve(server);
  ASSERT_TRUE(sys::write_file(directory_ + "/body", "some").ok());
  const std::string said = run({"nghttp", "-v", "--no-content-length", "-d", directory_ + "/body",
                                "--trailer", "x-sent: yes", url()});
  EXPECT_NE(said.find("x-answered: too"), std::string::npos) << said;
}

TEST_F(Http2Test, CutsOffFloods) {
  serve_hello();
  EXPECT_EQ(flooded_with([](auto) { return frame(kPing, 0, 0, "12345678"); }), kCalm);
  EXPECT_EQ(flooded_with([](auto) { return frame(kSettings, 0, 0, ""); }), kCalm);
  EXPECT_EQ(flooded_with([](auto) { return frame(2, 0, 1, number(3) + "\x10"); }), kCalm);
  TestServer server([](net::ServerConnection& connection) {
    (void)connection.next();
    (void)connection.read_whole_body(1 << 20);  // which never ends
  });
  serve(server);
  EXPECT_EQ(flooded_with([](std::uint32_t turn) {
              return turn == 0 ? frame(kHeaders, kEndHeaders, 1, kGet) : frame(kData, 0, 1, "");
            }),
            kCalm);
}

TEST_F(Http2Test, CutsOffRapidResets) {
  serve_hello();
  EXPECT_NE(flooded_with([](std::uint32_t turn) {
              const std::uint32_t stream = turn * 2 + 1;
              return frame(kHeaders, kEndHeaders, stream, kGet) +
                     frame(kReset, 0, stream, number(8));
            }),
            0U);
}

TEST_F(Http2Test, CutsOffEndlessHeads) {
  serve_hello();
  const std::string field =
      "\x40\x01x\x7f\xa1\x1e"s + std::string(4000, 'y');  // a name, and 4000 bytes
  EXPECT_NE(flooded_with([&field](std::uint32_t turn) {
              return turn == 0 ? frame(kHeaders, 0, 1, kGet) : frame(kContinuation, 0, 1, field);
            }),
            0U);
  EXPECT_NE(flooded_with([](std::uint32_t turn) {
              return turn == 0 ? frame(kHeaders, 0, 1, kGet) : frame(kContinuation, 0, 1, "");
            }),
            0U);
}

TEST_F(Http2Test, RefusesLargeHeadsAndMalformedOnes) {
  serve_hello();
  const std::string large = run(
      {"curl", "-sSi", "--http2-prior-knowledge", "-H", "x: " + std::string(40'000, 'y'), url()});
  EXPECT_TRUE(large.starts_with("HTTP/2 431")) << large;
  (void)log_lines();
  FramePeer client = FramePeer::client(port_);
  client.send(frame(kHeaders, kEndHeaders | kEndStream, 1, kGet + "\x40\x01X\x01y"s));
  EXPECT_EQ(client.read_until(kReset).error(), 1U);  // PROTOCOL_ERROR
  EXPECT_NE(log_lines().find("\"reason\":\"BadRequest\""), std::string::npos);
  client.send(frame(kHeaders, kEndHeaders | kEndStream, 3, kGet));  // the connection goes on
  EXPECT_EQ(client.read_until(kHeaders).stream, 3U);
}

// A client that takes nothing: its answers wait, and no more of them than the bounds allow.
TEST_F(Http2Test, StopsTheBackendOfAClientThatTakesNothing) {
  std::atomic<std::size_t> sent = 0;
  std::atomic<bool> stopped = false;
  TestServer server([&](net::ServerConnection& connection) {
    const timeval patience{.tv_sec = 1, .tv_usec = 0};
    setsockopt(connection.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    const int small = 64 << 10;
    setsockopt(connection.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    (void)connection.next();
    (void)connection.begin(200, {});
    const std::string piece(64 << 10, 'x');
    while (connection.write(piece).ok()) {
      sent += piece.size();
    }
    stopped = true;
  });
  serve(server);
  FramePeer client = FramePeer::client(port_);
  client.send(frame(kHeaders, kEndHeaders | kEndStream, 1, kGet));
  std::size_t taken = 0;
  while (taken < 65'535) {  // the window that it has from the start
    taken += client.read_until(kData).payload.size();
  }
  EXPECT_EQ(taken, 65'535U);
  while (!stopped) {
    std::this_thread::yield();
  }
  EXPECT_LT(sent, 16U << 20);
}

TEST_F(Http2Test, BoundsBodiesByTheRoute) {
  TestServer server(serve_echo);
  RouteTable table = table_to(server);
  table.routes[0].policy.request_bytes = 10;
  serve(table);
  ASSERT_TRUE(sys::write_file(directory_ + "/body", "12345678901").ok());
  for (const char* length : {"", "--no-content-length"}) {
    std::vector<std::string> words = {"nghttp", "-v", "-d", directory_ + "/body", url()};
    words.insert(words.begin() + 1, *length == 0 ? "-s" : length);
    const std::string said = run(words);
    EXPECT_NE(said.find(":status: 413"), std::string::npos) << said;
    EXPECT_NE(log_lines().find("\"reason\":\"RequestTooLarge\""), std::string::npos);
  }
  const std::string fits =
      run({"curl", "-sS", "--http2-prior-knowledge", "-d", "1234567890", url()});
  EXPECT_EQ(fits, "POST /\n1234567890");
}

TEST_F(Http2Test, KeepsTheTimeOfARoute) {
  TestServer server([](net::ServerConnection& connection) {
    (void)connection.next();
    (void)connection.next();  // an answer never comes
  });
  RouteTable table = table_to(server);
  table.routes[0].rules[0].request_timeout_ms = 50;
  serve(table);
  EXPECT_EQ(run({"curl", "-sS", "--http2-prior-knowledge", url()}),
            "504 Gateway Timeout: RequestTimeout\n");
  table.routes[0].rules[0] = {.backends = {{.backend = "pods"}}, .backend_request_timeout_ms = 50};
  serve(table);
  EXPECT_EQ(run({"curl", "-sS", "--http2-prior-knowledge", url()}),
            "504 Gateway Timeout: UpstreamTimeout\n");
}

class SlowHttp2Test : public Http2Test {
 protected:
  SlowHttp2Test() {
    clients_.stall_timeout_ms = 200;
    clients_.body_bytes_per_second = 100'000;
  }
};

TEST_F(SlowHttp2Test, CutsOffABodyThatDoesNotKeepItsPace) {
  TestServer server(serve_echo);
  serve(server);
  FramePeer client = FramePeer::client(port_);
  client.send(frame(kHeaders, kEndHeaders, 1, kPost));
  for (int i = 0; !client.has_frame(kHeaders, 5) && i < 6'000; ++i) {
    client.send(frame(kData, 0, 1, "x"));
  }
  const std::string line = log_lines();
  EXPECT_NE(line.find("\"status\":408"), std::string::npos) << line;
  EXPECT_NE(line.find("\"reason\":\"BodyTimeout\""), std::string::npos) << line;
}

// Clients of gRPC send a PING with each round trip while they are sent data.
TEST_F(Http2Test, LetsAClientMeasureTheLineByPings) {
  const std::string body(40 << 20, 'x');
  TestServer server([&body](net::ServerConnection& connection) {
    (void)connection.next();
    (void)connection.respond(200, {}, body);
  });
  serve(server);
  FramePeer client = FramePeer::client(port_);
  client.send(frame(kHeaders, kEndHeaders | kEndStream, 1, kGet));
  for (std::size_t got = 0; got < body.size();) {
    const FramePeer::Frame data = client.read_until(kData);
    ASSERT_EQ(data.type, kData) << "cut off after " << got << " bytes";
    got += data.payload.size();
    const std::string more = number(static_cast<std::uint32_t>(data.payload.size() + 1));
    client.send(frame(kPing, 0, 0, "12345678") + frame(kWindowUpdate, 0, 0, more) +
                frame(kWindowUpdate, 0, 1, more));
  }
}

TEST_F(Http2Test, SaysGoodbyeAndAnswersWhatHasCome) {
  std::barrier both(2);
  TestServer server([&both](net::ServerConnection& connection) {
    (void)connection.next();
    both.arrive_and_wait();  // the request is here
    both.arrive_and_wait();  // the gateway drains
    (void)connection.respond(200, {}, "late");
  });
  serve(server);
  FramePeer client = FramePeer::client(port_);
  client.send(frame(kHeaders, kEndHeaders | kEndStream, 1, kGet));
  both.arrive_and_wait();
  ASSERT_TRUE(control_->drain(kTestTimeoutMs).ok());
  const FramePeer::Frame first = client.read_until(kGoaway);
  EXPECT_EQ(first.payload.substr(0, 4), number(0x7fffffff));
  const FramePeer::Frame ping = client.read_until(kPing);
  client.send(frame(kPing, 1, 0, ping.payload));
  EXPECT_EQ(client.read_until(kGoaway).payload.substr(0, 4), number(1));
  both.arrive_and_wait();
  EXPECT_EQ(client.read_until(kData).payload, "late");
  EXPECT_EQ(client.read_until(-1).type, -1);
}

// The whole of h2spec, built from tests/h2spec. Without TLS one case has another answer: a
// client that begins with neither HTTP/2's preface nor a request of HTTP/1.1 is told so by
// HTTP/1.1.
TEST_F(Http2Test, PassesH2spec) {
  const std::string program = *sys::executable_directory() + "/h2spec";
  ASSERT_TRUE(sys::file_exists(program)) << program;
  TestServer server(serve_echo);  // answers after the body, so that streams stay open until then
  serve(server);
  const std::string plain = run({program, "-h", "127.0.0.1", "-p", std::to_string(port_)});
  EXPECT_NE(plain.find("\u00d7 2: Sends invalid connection preface"), std::string::npos) << plain;
  EXPECT_NE(plain.find(" 144 passed, 0 skipped, 1 failed"), std::string::npos) << plain;
  const std::string secure =
      run({program, "-t", "-k", "-h", "127.0.0.1", "-p", std::to_string(tls_port_)});
  EXPECT_NE(secure.find(" 145 passed, 0 skipped, 0 failed"), std::string::npos) << secure;
}

}  // namespace
}  // namespace duet::gateway
