#include <openssl/ssl.h>

#include "gateway/gateway_tls_fixture_test.h"
#include "net/certificate.h"
#include "net/http_stream.h"
#include "net/socket.h"
#include "net/tls_server.h"
#include "net/tls_stream.h"
#include "sys/file.h"

namespace duet::gateway {
namespace {

Certificate self_signed(const std::string& name, std::vector<std::string> hosts) {
  auto made = net::make_self_signed(name);
  EXPECT_TRUE(made.ok());
  return {.name = "Secret default/" + name,
          .hosts = std::move(hosts),
          .chain_pem = made->chain_pem,
          .key_pem = made->key_pem};
}

// A blocking client with OpenSSL that takes every certificate.
class TlsClient {
 public:
  TlsClient(int port, const char* server_name, std::string_view alpn = "") {
    socket_ = std::move(*net::connect_tcp(*net::make_address("127.0.0.1", port), kTestTimeoutMs));
    ssl_.reset(SSL_new(context()));
    SSL_set_fd(ssl_.get(), socket_.get());
    if (server_name != nullptr) {
      SSL_set_tlsext_host_name(ssl_.get(), server_name);
    }
    if (!alpn.empty()) {
      const std::string wire = std::string(1, static_cast<char>(alpn.size())).append(alpn);
      SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(wire.data()),
                          static_cast<unsigned>(wire.size()));
    }
    connected_ = SSL_connect(ssl_.get()) == 1;
  }

  bool connected() const { return connected_; }
  // The subject's name in the server's certificate.
  std::string subject() const {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        SSL_get1_peer_certificate(ssl_.get()), X509_free);
    char name[256] = {};
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate.get()), NID_commonName, name,
                              sizeof(name));
    return name;
  }
  std::string_view protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  // Sends `request` and reads until `end` is there, or the server closes.
  std::string ask(const std::string& request, std::string_view end) {
    EXPECT_EQ(SSL_write(ssl_.get(), request.data(), static_cast<int>(request.size())),
              static_cast<int>(request.size()));
    std::string got;
    char text[4096];
    while (got.find(end) == std::string::npos) {
      const int size = SSL_read(ssl_.get(), text, sizeof(text));
      if (size <= 0) {
        return got + "<closed>";
      }
      got.append(text, static_cast<std::size_t>(size));
    }
    return got;
  }

 private:
  static SSL_CTX* context() {
    static SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    return context;
  }
  sys::Fd socket_;
  std::unique_ptr<SSL, net::FreeSsl> ssl_;
  bool connected_ = false;
};

class TlsTest : public TlsGatewayTest {
 protected:
  std::string shown_for(const char* server_name) const {
    const TlsClient client(tls_port_, server_name);
    EXPECT_TRUE(client.connected());
    return client.subject();
  }
};

TEST_F(TlsTest, AnswersBothVersionsAndSaysHttpsToTheBackend) {
  TestServer server(serve_echo);
  const Certificate certificate = self_signed("a.test", {"a.test"});
  serve(server, {certificate});
  ASSERT_TRUE(sys::write_file(directory_ + "/ca.pem", certificate.chain_pem).ok());
  for (const char* version : {"1.2", "1.3"}) {
    const std::string answer =
        curl("a.test", {"-i", "-k", "--http1.1", "--tls-max", version, "-d", "hello"}, "/x?y");
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK")) << answer;
    EXPECT_TRUE(answer.ends_with("POST /x?y\nhello")) << answer;
    EXPECT_NE(answer.find("x-got-x-forwarded-proto: https"), std::string::npos) << answer;
  }
  EXPECT_EQ(ask({.target = "/"}).status, 200);  // the other listener is as it was
}

TEST_F(TlsTest, StreamsLargeBodiesBothWays) {
  TestServer server(serve_echo);
  serve(server, {});
  std::string large(5 << 20, 'x');
  for (std::size_t i = 0; i < large.size(); i += 1000) {
    large[i] = static_cast<char>('a' + i / 1000 % 26);
  }
  ASSERT_TRUE(sys::write_file(directory_ + "/large", large).ok());
  EXPECT_EQ(curl("a.test", {"-k", "--data-binary", "@" + directory_ + "/large"}),
            "POST /\n" + large);
}

TEST_F(TlsTest, ShowsTheCertificateOfTheName) {
  TestServer server(serve_echo);
  serve(server, {self_signed("exact", {"a.test", "other.test"}), self_signed("wild", {"*.b.test"}),
                 self_signed("later", {"a.test"})});
  EXPECT_EQ(shown_for("a.test"), "exact");
  EXPECT_EQ(shown_for("OTHER.test"), "exact");
  EXPECT_EQ(shown_for("x.b.test"), "wild");
  EXPECT_EQ(shown_for("y.x.b.test"), "duet default certificate");
  EXPECT_EQ(shown_for("b.test"), "duet default certificate");
  EXPECT_EQ(shown_for("stranger.test"), "duet default certificate");
  EXPECT_EQ(shown_for(nullptr), "duet default certificate");
}

TEST_F(TlsTest, TakesNewCertificatesWithoutDroppingAConnection) {
  TestServer server(serve_echo);
  serve(server, {self_signed("old", {"a.test"})});
  TlsClient client(tls_port_, "a.test");
  ASSERT_EQ(client.subject(), "old");
  const std::string request = "GET /1 HTTP/1.1\r\nHost: a.test\r\n\r\n";
  EXPECT_TRUE(client.ask(request, "GET /1\n").ends_with("GET /1\n"));
  serve(server, {self_signed("new", {"a.test"})});
  EXPECT_EQ(shown_for("a.test"), "new");
  EXPECT_TRUE(client.ask(request, "GET /1\n").ends_with("GET /1\n"));
  serve(server, {});
  EXPECT_EQ(shown_for("a.test"), "duet default certificate");
  EXPECT_TRUE(client.ask(request, "GET /1\n").ends_with("GET /1\n"));
}

TEST_F(TlsTest, LeavesOutACertificateThatCannotBeUsed) {
  TestServer server(serve_echo);
  Certificate torn = self_signed("torn", {"torn.test"});
  torn.key_pem = self_signed("other", {}).key_pem;
  serve(server, {torn, self_signed("good", {"a.test", "torn.test"})});
  EXPECT_EQ(shown_for("a.test"), "good");
  EXPECT_EQ(shown_for("torn.test"), "good");
}

TEST_F(TlsTest, AgreesOnTheProtocolOrSaysThatItCannot) {
  TestServer server(serve_echo);
  serve(server, {self_signed("named", {"a.test"})});
  EXPECT_EQ(TlsClient(tls_port_, nullptr, "http/1.1").protocol(), "http/1.1");
  EXPECT_EQ(TlsClient(tls_port_, nullptr, "h2").protocol(), "h2");
  EXPECT_EQ(TlsClient(tls_port_, "a.test", "h2").protocol(), "h2");
  EXPECT_FALSE(TlsClient(tls_port_, "a.test", "gopher").connected());
  EXPECT_EQ(TlsClient(tls_port_, nullptr).protocol(), "");
  EXPECT_FALSE(TlsClient(tls_port_, nullptr, "gopher").connected());
  const std::string line = log_lines();
  EXPECT_NE(line.find("\"reason\":\"HandshakeFailed\""), std::string::npos) << line;
}

TEST_F(TlsTest, RefusesWhatIsNotTlsOrTooOld) {
  TestServer server(serve_echo);
  serve(server, {});
  auto socket = net::connect_tcp(*net::make_address("127.0.0.1", tls_port_), kTestTimeoutMs);
  ASSERT_TRUE(socket.ok());
  ASSERT_TRUE(net::send_all(socket->get(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n").ok());
  (void)sys::read_all(socket->get(), 1 << 20);  // returns when the gateway has closed
  EXPECT_NE(log_lines().find("\"detail\":\"http request\""), std::string::npos);
  const std::string old =
      curl("a.test", {"-k", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0"});
  EXPECT_TRUE(old.starts_with("failed: ")) << old;
  EXPECT_NE(log_lines().find("unsupported protocol"), std::string::npos);
}

// The end of an answer without a length is told by TLS, so that nobody can forge it.
TEST_F(TlsTest, SaysTheEndOfAnAnswerToAnOldClient) {
  TestServer server([](net::ServerConnection& connection) {
    (void)connection.next();
    EXPECT_TRUE(connection.begin(200, {}).ok());
    EXPECT_TRUE(connection.write("all of it").ok());
    EXPECT_TRUE(connection.end().ok());
  });
  serve(server, {});
  EXPECT_EQ(curl("a.test", {"-k", "--http1.0"}), "all of it");
}

}  // namespace
}  // namespace duet::gateway
