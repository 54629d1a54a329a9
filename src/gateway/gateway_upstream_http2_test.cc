#include <fcntl.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <map>
#include <optional>

#include "gateway/gateway_frames_test.h"
#include "gateway/gateway_tls_fixture_test.h"
#include "net/http_stream.h"
#include "sys/file.h"
#include "sys/process.h"

// What the gateway is as a client of HTTP/2.
namespace duet::gateway {
namespace {

using std::string_literals::operator""s;

constexpr std::uint32_t kRefusedStream = 7, kCancel = 8;
const std::string kOk = "\x88"s;  // :status 200 in HPACK

// A server of HTTP/2 whose frames the test writes.
class FrameServer {
 public:
  FrameServer() : listener_(std::move(*net::listen_tcp(*net::make_address("127.0.0.1", 0)))) {
    fcntl(listener_.get(), F_SETFL, 0);  // blocking
    be_patient(listener_.get());
    const std::string address = net::format_address(*net::local_address(listener_.get()));
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
  }
  int port() const { return port_; }
  // The next connection, whose preface was right; `settings` is the payload of ours.
  FramePeer accept(const std::string& settings = "") {
    FramePeer peer = accept_silently();
    peer.send(frame(kSettings, 0, 0, settings));
    return peer;
  }
  // The same, and nothing was said to it.
  FramePeer accept_silently() {
    sys::Fd fd(::accept(listener_.get(), nullptr, nullptr));
    EXPECT_TRUE(fd.valid()) << "nobody connected";
    be_patient(fd.get());
    FramePeer peer(std::move(fd));
    EXPECT_EQ(peer.read_bytes(kPreface.size()), kPreface);
    return peer;
  }

 private:
  static void be_patient(int fd) {
    const timeval patience{.tv_sec = kTestTimeoutMs / 1000, .tv_usec = 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  }
  sys::Fd listener_;
  int port_ = 0;
};

// A header block as a map.
class HeadReader {
 public:
  HeadReader() { nghttp2_hd_inflate_new(&inflater_); }
  ~HeadReader() { nghttp2_hd_inflate_del(inflater_); }
  HeadReader(const HeadReader&) = delete;
  HeadReader& operator=(const HeadReader&) = delete;

  std::map<std::string, std::string> read(const FramePeer::Frame& headers) {
    std::map<std::string, std::string> out;
    const auto* at = reinterpret_cast<const std::uint8_t*>(headers.payload.data());
    std::size_t left = headers.payload.size();
    for (;;) {
      nghttp2_nv field{};
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
      if (used < 0 || (flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
        nghttp2_hd_inflate_end_headers(inflater_);
        return out;
      }
      at += used;
      left -= static_cast<std::size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        out[{reinterpret_cast<char*>(field.name), field.namelen}] = {
            reinterpret_cast<char*>(field.value), field.valuelen};
      }
    }
  }

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};

class UpstreamHttp2Test : public TlsGatewayTest {
 protected:
  void serve_http2(int port, std::int64_t idle_timeout_ms = kTestTimeoutMs) {
    serve(BackendConfig{"pods", ProxyBackend{.endpoints = {{"127.0.0.1", port}},
                                             .http2 = true,
                                             .idle_timeout_ms = idle_timeout_ms}});
  }
  // Everything below /h2 goes to the gateway once more, by HTTP/2, and then to `server`.
  void serve_through_itself(const TestServer& server) {
    RouteTable table;
    table.listeners = {{"web", "127.0.0.1"}, {"secure", "127.0.0.1", true}};
    Rule twice{.matches = {{.path = {PathMatch::Type::kPrefix, "/h2"}}},
               .backends = {{.backend = "itself"}}};
    twice.filters.rewrite =
        UrlRewrite{.path = PathModifier{PathModifier::Type::kReplacePrefixMatch, "/"}};
    table.routes = {{.name = "all", .rules = {twice, {.backends = {{.backend = "pods"}}}}}};
    table.backends = {{"itself", ProxyBackend{.endpoints = {{"127.0.0.1", port_}}, .http2 = true}},
                      {"pods", ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}}}};
    const Status set = control_->set_table(table);
    ASSERT_TRUE(set.ok()) << set.error().message();
  }
  std::future<Answer> ask_later(net::ClientRequest request = {}) {
    return std::async(std::launch::async, [this, request] { return ask(request); });
  }
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
  }
};

TEST_F(UpstreamHttp2Test, AsksServersByHttp2) {
  FrameServer server;
  serve_http2(server.port());
  auto answer = ask_later({.method = "POST",
                           .target = "/a?b",
                           .fields = {{"TE", "trailers"}, {"X-Upper", " v "}},
                           .body = "hello"});
  FramePeer peer = server.accept();
  const FramePeer::Frame asked = peer.read_until(kHeaders);
  EXPECT_EQ(asked.flags, kEndHeaders);
  auto head = HeadReader().read(asked);
  EXPECT_EQ(head[":method"], "POST");
  EXPECT_EQ(head[":scheme"], "http");
  EXPECT_EQ(head[":path"], "/a?b");
  EXPECT_EQ(head[":authority"], "127.0.0.1:" + std::to_string(port_));
  EXPECT_EQ(head["te"], "trailers");
  EXPECT_EQ(head["x-upper"], "v");
  EXPECT_EQ(head["content-length"], "5");
  EXPECT_EQ(head["via"], "1.1 duet");
  EXPECT_EQ(head["x-forwarded-for"], "127.0.0.1");
  const FramePeer::Frame body = peer.read_until(kData);
  EXPECT_EQ(body.payload, "hello");
  EXPECT_EQ(body.flags, kEndStream);
  peer.send(frame(kHeaders, kEndHeaders, asked.stream, kOk) +
            frame(kData, kEndStream, asked.stream, "bye"));
  EXPECT_EQ(answer.get().body, "bye");
}

TEST_F(UpstreamHttp2Test, StreamsBodiesBothWays) {
  TestServer server(serve_echo);
  serve_through_itself(server);
  const std::string large(5 << 20, 'x');
  EXPECT_EQ(ask({.method = "PUT", .target = "/h2/a?b", .body = large}).body, "PUT /a?b\n" + large);
  EXPECT_EQ(ask({.method = "HEAD", .target = "/h2/"}).body, "");
  const Answer chunked = ask({.target = "/h2/x"});
  EXPECT_EQ(net::find_value(chunked.fields, "x-got-te"), "");
  EXPECT_EQ(chunked.body, "GET /x\n");
}

TEST_F(UpstreamHttp2Test, CarriesManyRequestsOnFewConnections) {
  TestServer server(serve_echo);
  serve_through_itself(server);
  const std::string said = run({"h2load", "-n", "3000", "-c", "4", "-m", "60", url("/h2/a")});
  EXPECT_NE(said.find("3000 succeeded, 0 failed"), std::string::npos) << said;
  const auto status = control_->status();
  ASSERT_TRUE(status.ok());
  EXPECT_GE(status->connections, 1);
  EXPECT_LE(status->connections, 4 + 3);  // 240 requests of 100 a connection, and the client's
}

// The window of a request is that of its client: one that takes nothing stops its server.
TEST_F(UpstreamHttp2Test, StopsTheServerOfAClientThatTakesNothing) {
  std::atomic<std::size_t> sent = 0;
  std::promise<void> stopped;
  TestServer server([&](net::ServerConnection& connection) {
    const timeval patience{.tv_sec = 1, .tv_usec = 0};
    setsockopt(connection.fd(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    const int small = 64 << 10;
    setsockopt(connection.fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    auto request = connection.next();
    if (!request.ok() || !*request || (*request)->path != "/large") {
      (void)connection.respond(200, {}, "small");
      return;
    }
    (void)connection.begin(200, {});
    const std::string piece(64 << 10, 'x');
    while (connection.write(piece).ok()) {
      sent += piece.size();
    }
    stopped.set_value();
  });
  serve_through_itself(server);
  auto socket = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  ASSERT_TRUE(net::send_all(socket->get(), "GET /h2/large HTTP/1.1\r\nHost: a\r\n\r\n").ok());
  stopped.get_future().wait();
  EXPECT_LT(sent, 16U << 20);
  EXPECT_EQ(ask({.target = "/h2/other"}).body, "small");  // on the same connection to the gateway
}

TEST_F(UpstreamHttp2Test, SendsNoMoreThanTheServersWindow) {
  FrameServer server;
  serve_http2(server.port());
  auto before = ask_later();                             // so that the settings are known
  FramePeer peer = server.accept("\0\4"s + number(10));  // SETTINGS_INITIAL_WINDOW_SIZE
  peer.send(frame(kHeaders, kEndHeaders | kEndStream, peer.read_until(kHeaders).stream, kOk));
  EXPECT_EQ(before.get().status, 200);
  auto answer = ask_later({.method = "POST", .body = "0123456789abcde"});
  const FramePeer::Frame first = peer.read_until(kData);
  EXPECT_EQ(first.payload, "0123456789");
  peer.send(frame(kWindowUpdate, 0, first.stream, number(100)));
  EXPECT_EQ(peer.read_until(kData).payload, "abcde");
  peer.send(frame(kHeaders, kEndHeaders | kEndStream, first.stream, kOk));
  EXPECT_EQ(answer.get().status, 200);
}

// The first request tells the gateway what the server takes; then one more than that opens another
// connection.
TEST_F(UpstreamHttp2Test, RespectsHowManyTheServerTakesAtATime) {
  FrameServer server;
  serve_http2(server.port());
  auto first = ask_later();
  FramePeer one = server.accept("\0\3"s + number(1));  // SETTINGS_MAX_CONCURRENT_STREAMS
  one.send(frame(kHeaders, kEndHeaders | kEndStream, one.read_until(kHeaders).stream, kOk));
  EXPECT_EQ(first.get().status, 200);
  auto second = ask_later();
  const std::uint32_t kept = one.read_until(kHeaders).stream;
  auto third = ask_later();
  FramePeer two = server.accept();
  two.send(frame(kHeaders, kEndHeaders | kEndStream, two.read_until(kHeaders).stream, kOk));
  EXPECT_EQ(third.get().status, 200);
  one.send(frame(kHeaders, kEndHeaders | kEndStream, kept, kOk));
  EXPECT_EQ(second.get().status, 200);
}

TEST_F(UpstreamHttp2Test, SendsAgainWhatTheServerRefused) {
  FrameServer server;
  serve_http2(server.port());
  auto answer = ask_later({.method = "POST"});
  FramePeer peer = server.accept();
  peer.send(frame(kReset, 0, peer.read_until(kHeaders).stream, number(kRefusedStream)));
  const std::uint32_t again = peer.read_until(kHeaders).stream;
  // A server that goes: what is after the last stream that it names was not looked at.
  peer.send(frame(kGoaway, 0, 0, number(again) + number(0)));
  peer.send(frame(kHeaders, kEndHeaders | kEndStream, again, kOk));
  EXPECT_EQ(answer.get().status, 200);
  auto next = ask_later({.method = "POST"});
  FramePeer fresh = server.accept();
  (void)fresh.read_until(kHeaders);
  fresh.send(frame(kGoaway, 0, 0, number(0) + number(0)));
  FramePeer last = server.accept();
  last.send(frame(kHeaders, kEndHeaders | kEndStream, last.read_until(kHeaders).stream, kOk));
  EXPECT_EQ(next.get().status, 200);
}

TEST_F(UpstreamHttp2Test, DoesNotSendAgainWhatMayHaveBeenDone) {
  FrameServer server;
  serve_http2(server.port());
  auto reset = ask_later({.method = "POST"});
  std::optional<FramePeer> peer(server.accept());
  peer->send(frame(kReset, 0, peer->read_until(kHeaders).stream, number(kCancel)));
  EXPECT_EQ(reset.get().body, "502 Bad Gateway: StreamReset\n");
  auto lost = ask_later({.method = "POST"});
  (void)peer->read_until(kHeaders);
  peer.reset();  // closes
  EXPECT_EQ(lost.get().body, "502 Bad Gateway: ConnectionLost\n");
}

TEST_F(UpstreamHttp2Test, CutsAnAnswerThatBreaksOff) {
  FrameServer server;
  serve_http2(server.port());
  auto answer = ask_later();
  FramePeer peer = server.accept();
  const std::uint32_t stream = peer.read_until(kHeaders).stream;
  peer.send(frame(kHeaders, kEndHeaders, stream, kOk) + frame(kData, 0, stream, "part") +
            frame(kReset, 0, stream, number(kCancel)));
  const Answer cut = answer.get();
  EXPECT_EQ(cut.status, 200);
  EXPECT_TRUE(cut.body.starts_with("broken: ")) << cut.body;
  EXPECT_NE(log_lines().find("\"reason\":\"StreamReset\""), std::string::npos);
}

TEST_F(UpstreamHttp2Test, TellsTheServerThatTheClientHasGone) {
  FrameServer server;
  serve_http2(server.port());
  FramePeer peer = [&] {
    FramePeer client = FramePeer::client(port_);
    // GET http://a/, without its end.
    client.send(frame(kHeaders, kEndHeaders, 1, "\x82\x86\x84\x01\x01"s + "a"));
    FramePeer accepted = server.accept();
    (void)accepted.read_until(kHeaders);
    return accepted;
  }();
  EXPECT_EQ(peer.read_until(kReset).error(), kCancel);
}

// gRPC's clients know an answer without messages by the end of the stream on its only head.
TEST_F(UpstreamHttp2Test, PassesAnAnswerOfOneHeadAsOne) {
  FrameServer server;
  serve_http2(server.port());
  FramePeer client = FramePeer::client(port_);
  client.send(frame(kHeaders, kEndHeaders | kEndStream, 1, "\x82\x86\x84\x01\x01"s + "a"));
  FramePeer peer = server.accept();
  peer.send(frame(kHeaders, kEndHeaders | kEndStream, peer.read_until(kHeaders).stream,
                  kOk + "\x40\x0bgrpc-status\x01\x35"s));
  const FramePeer::Frame answer = client.read_until(kHeaders);
  EXPECT_EQ(answer.flags & kEndStream, kEndStream);
  auto head = HeadReader().read(answer);
  EXPECT_EQ(head["grpc-status"], "5");
  EXPECT_EQ(head.count("content-length"), 0U);
}

TEST_F(UpstreamHttp2Test, SaysWhenTheServerSpeaksSomethingElse) {
  TestServer old([](net::ServerConnection& connection) {
    (void)net::send_all(connection.fd(), "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    char text[4096];
    while (recv(connection.fd(), text, sizeof(text), 0) > 0) {
    }
  });
  serve_http2(old.port());
  EXPECT_EQ(ask({}).body, "502 Bad Gateway: BadAnswer\n");
  EXPECT_NE(log_lines().find("is not HTTP/2"), std::string::npos);
}

TEST_F(UpstreamHttp2Test, GivesUpAConnectionThatSaysNothing) {
  FrameServer server;
  serve_http2(server.port(), 100);
  auto answer = ask_later();
  FramePeer peer = server.accept_silently();
  EXPECT_EQ(answer.get().body, "504 Gateway Timeout: UpstreamTimeout\n");
  EXPECT_EQ(peer.read_until(kReset).error(), kCancel);
  serve_http2(server.port());
  auto next = ask_later();
  FramePeer other = server.accept();
  other.send(frame(kHeaders, kEndHeaders | kEndStream, other.read_until(kHeaders).stream, kOk));
  EXPECT_EQ(next.get().status, 200);
}

// A real server and a real client of gRPC, built from tests/grpc.
TEST_F(UpstreamHttp2Test, CarriesGrpc) {
  const std::string program = *sys::executable_directory() + "/grpc_peer";
  ASSERT_TRUE(sys::file_exists(program)) << program;
  sys::Pipe out = std::move(*sys::make_pipe());
  const auto pid = sys::spawn({.argv = {program, "serve", "127.0.0.1:0"},
                               .stdout_fd = out.write.get(),
                               .stderr_fd = STDERR_FILENO});
  ASSERT_TRUE(pid.ok());
  char address[64] = {};
  ASSERT_GT(read(out.read.get(), address, sizeof(address) - 1), 0);
  const int port = std::stoi(std::string(address).substr(std::string(address).rfind(':') + 1));

  (void)run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=grpc.test", "-addext",
             "subjectAltName=DNS:grpc.test", "-keyout", directory_ + "/key.pem", "-out",
             directory_ + "/ca.pem"});
  const auto chain = sys::read_file(directory_ + "/ca.pem", 64 << 10);
  const auto key = sys::read_file(directory_ + "/key.pem", 64 << 10);
  ASSERT_TRUE(chain.ok() && key.ok());
  serve(BackendConfig{"grpc", ProxyBackend{.endpoints = {{"127.0.0.1", port}}, .http2 = true}},
        {{"Secret default/grpc", {"grpc.test"}, *chain, *key}});
  const std::string plain = run({program, "ask", "127.0.0.1:" + std::to_string(port_)});
  EXPECT_EQ(plain.find("FAILED"), std::string::npos) << plain;
  EXPECT_NE(plain.find("ok cancel\n"), std::string::npos) << plain;
  const std::string secure = run({program, "ask", "127.0.0.1:" + std::to_string(tls_port_),
                                  directory_ + "/ca.pem", "grpc.test"});
  EXPECT_EQ(secure.find("FAILED"), std::string::npos) << secure << log_lines();
  EXPECT_NE(secure.find("ok cancel\n"), std::string::npos) << secure;
  kill(*pid, SIGTERM);
  EXPECT_TRUE(sys::wait(*pid).ok());
}

}  // namespace
}  // namespace duet::gateway
