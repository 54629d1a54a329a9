#include <fcntl.h>
#include <sys/socket.h>

#include "gateway/gateway_tls_fixture_test.h"
#include "sys/file.h"

// Compression, from the backend to the socket.
namespace duet::gateway {
namespace {

class CompressionTest : public TlsGatewayTest {
 protected:
  void serve_compressed(BackendConfig backend) {
    RouteTable table = table_to(std::move(backend));
    table.routes[0].policy.compress = true;
    serve(table);
  }
  // What `curl --compressed` prints, head and decoded body.
  std::string get(const std::vector<std::string>& words) const {
    std::vector<std::string> argv = {"curl", "-sSi", "--compressed"};
    argv.insert(argv.end(), words.begin(), words.end());
    argv.push_back("http://127.0.0.1:" + std::to_string(port_) + "/");
    return run(argv);
  }
};

std::string long_text() {
  std::string text;
  for (int i = 0; text.size() < (300U << 10); ++i) {
    text += "line " + std::to_string(i) + "\n";
  }
  return text;
}

TEST_F(CompressionTest, AnswersAreCompressedForThoseWhoTakeIt) {
  const std::string text = long_text();
  serve_compressed({"text", StaticBackend{.status = 200, .body = text}});
  for (const char* version : {"--http1.1", "--http2-prior-knowledge"}) {
    const std::string answer = get({version});
    const std::size_t body = answer.find("\r\n\r\n") + 4;
    const std::string head = answer.substr(0, body);
    EXPECT_TRUE(head.find("ontent-Encoding: gzip\r\n") != std::string::npos ||
                head.find("ontent-encoding: gzip\r\n") != std::string::npos)
        << head;
    EXPECT_TRUE(answer.substr(body) == text);
  }
  const std::string line = log_lines();
  const std::size_t at = line.find("\"bytes_out\":") + 12;
  EXPECT_LT(std::stoul(line.substr(at)), text.size() / 2) << line;
  const std::string plain = get({"-H", "Accept-Encoding: gzip;q=0"});
  EXPECT_EQ(plain.find("gzip"), std::string::npos);
  EXPECT_NE(plain.find("Vary: Accept-Encoding\r\n"), std::string::npos);
  EXPECT_TRUE(plain.ends_with(text));
}

TEST_F(CompressionTest, WithoutThePolicyNothingIsCompressed) {
  serve(BackendConfig{"text", StaticBackend{.status = 200, .body = long_text()}});
  const std::string answer = get({});
  EXPECT_EQ(answer.find("gzip"), std::string::npos);
  EXPECT_EQ(answer.find("Vary"), std::string::npos);
}

TEST_F(CompressionTest, WhatAServerSendsIsThereAtOnce) {
  TestServer server([](net::ServerConnection& connection) {
    (void)connection.next();
    (void)net::send_all(connection.fd(),
                        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n7\r\ndata: 1\r\n");
    (void)connection.next();  // the rest never comes
  });
  serve_compressed({"pods", ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}}});
  auto socket = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  ASSERT_TRUE(
      net::send_all(socket->get(), "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
          .ok());
  std::string got;
  char text[4096];
  while (got.find("\r\n\r\n") == std::string::npos || !got.ends_with("\r\n") ||
         got.ends_with("\r\n\r\n")) {
    const ssize_t size = recv(socket->get(), text, sizeof(text), 0);
    ASSERT_GT(size, 0) << got;
    got.append(text, static_cast<std::size_t>(size));
  }
  // A flush of zlib ends with an empty block.
  EXPECT_NE(got.find(std::string("\0\0\xff\xff", 4)), std::string::npos);
}

TEST_F(CompressionTest, RangesOfFilesStayAsTheyAre) {
  const std::string root = directory_ + "/served";
  ASSERT_TRUE(sys::make_directories(root).ok());
  ASSERT_TRUE(sys::write_file(root + "/index.html", long_text()).ok());
  const sys::Fd folder = std::move(*sys::open_file(root, O_PATH | O_DIRECTORY));
  ASSERT_TRUE(control_->add_folder("www", folder.get()).ok());
  serve_compressed({"files", FilesBackend{.folder = "www"}});
  const std::string whole = get({});
  EXPECT_NE(whole.find("ETag: W/\""), std::string::npos) << whole.substr(0, 400);
  EXPECT_TRUE(whole.ends_with(long_text()));
  const std::size_t at = whole.find("ETag: ") + 6;
  const std::string etag = whole.substr(at, whole.find("\r\n", at) - at);
  EXPECT_TRUE(get({"-H", "If-None-Match: " + etag}).starts_with("HTTP/1.1 304 "));
  const std::string part = get({"-H", "Range: bytes=0-1999"});
  EXPECT_TRUE(part.starts_with("HTTP/1.1 206 ")) << part;
  EXPECT_EQ(part.find("gzip"), std::string::npos);
  EXPECT_TRUE(part.ends_with(long_text().substr(0, 2000)));
}

}  // namespace
}  // namespace duet::gateway
