#include "net/tls_client.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <filesystem>

#include "net/stream.h"
#include "net/tls_server_for_test.h"
#include "sys/file.h"

namespace duet::net {
namespace {

constexpr int kWaitMs = 30'000;

// A connection to a server on loopback, driven until something is known of it.
class Connection {
 public:
  Connection(TlsClient& client, int port, const std::string& name)
      : server_(std::to_string(port) + name) {
    sys::Fd fd = std::move(*start_connect(*make_address("127.0.0.1", port)));
    auto cipher = client.connect(fd.get(), name, server_);
    EXPECT_TRUE(cipher.ok()) << cipher.error().message();
    stream_.emplace(std::move(fd), pool_, std::move(*cipher));
    wait(POLLOUT);
    while (!stream_->shake_hands() && !stream_->failed()) {
      wait(POLLIN);
    }
  }
  ~Connection() { stream_->say_end(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool ready() const { return stream_->cipher()->ready(); }
  std::string problem() const { return stream_->problem(); }
  bool distrusts() const { return stream_->cipher()->distrusts(); }
  std::string_view protocol() const { return stream_->cipher()->protocol(); }
  Stream& stream() { return *stream_; }

  // Asks a line, and gives all that comes until the server ends.
  std::string ask(std::string_view line) {
    stream_->send({line, "\n"});
    while (!stream_->ended() && !stream_->failed()) {
      if (!stream_->fill(1 << 20)) {
        wait(POLLIN);
      }
    }
    return std::string(stream_->in().view());
  }

 private:
  void wait(short events) {
    pollfd wait{.fd = stream_->fd(), .events = events, .revents = 0};
    ASSERT_EQ(poll(&wait, 1, kWaitMs), 1);
    stream_->note_events(static_cast<std::uint32_t>(wait.revents));  // epoll's have these numbers
  }

  BufferPool pool_{4};
  std::string server_;
  std::optional<Stream> stream_;
};

class TlsClientTest : public testing::Test {
 protected:
  void SetUp() override {
    ignore_openssl_configuration();
    client_.set_authorities(authority_.pem());
  }
  std::string why_not(TlsServerForTest& server, const std::string& name) {
    const Connection connection(client_, server.port(), name);
    EXPECT_FALSE(connection.ready());
    return (connection.distrusts() ? "certificate: " : "handshake: ") + connection.problem();
  }

  AuthorityForTest authority_{"the site's"};
  sys::ManualClock clock_{std::chrono::system_clock::now()};
  TlsClient client_{clock_, {}};
};

// Says what it knows of the client, and ends as it should.
void tell(TlsServerForTest::Connection& connection) {
  if (connection.shake_hands()) {
    const std::string line = connection.read_until("\n");
    connection.write(connection.name() + (connection.resumed() ? " again " : " ") + line);
    connection.say_end();
    connection.wait_for_end();
  }
}

TEST_F(TlsClientTest, AsksServersThatShowWhoTheyAre) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsServerForTest server(authority_.issue("DNS:a.test,DNS:*.b.test,IP:127.0.0.1,IP:::1"), tell,
                            version);
    for (const char* name : {"a.test", "x.b.test"}) {
      Connection connection(client_, server.port(), name);
      ASSERT_TRUE(connection.ready()) << connection.problem();
      EXPECT_EQ(connection.protocol(), "http/1.1");
      EXPECT_EQ(connection.ask("hello"), std::string(name) + " hello\n");
      EXPECT_TRUE(connection.stream().ended());
    }
    for (const char* address : {"127.0.0.1", "::1"}) {  // no name is told (RFC 6066 section 3)
      Connection connection(client_, server.port(), address);
      ASSERT_TRUE(connection.ready()) << connection.problem();
      EXPECT_EQ(connection.ask("hello"), " hello\n");
    }
  }
}

TEST_F(TlsClientTest, RefusesOthers) {
  TlsServerForTest server(authority_.issue("DNS:a.test,DNS:*.b.test"), tell);
  EXPECT_EQ(why_not(server, "other.test"), "certificate: hostname mismatch");
  EXPECT_EQ(why_not(server, "y.x.b.test"), "certificate: hostname mismatch");
  EXPECT_EQ(why_not(server, "127.0.0.1"), "certificate: IP address mismatch");
  TlsServerForTest nameless(authority_.issue(""), tell);  // the common name counts for nothing
  EXPECT_EQ(why_not(nameless, "a.test"), "certificate: hostname mismatch");
  TlsServerForTest unknown(AuthorityForTest("a stranger").issue("DNS:a.test"), tell);
  EXPECT_EQ(why_not(unknown, "a.test"), "certificate: unable to get local issuer certificate");
  TlsServerForTest own(*make_self_signed("a.test"), tell);
  EXPECT_EQ(why_not(own, "a.test"), "certificate: self-signed certificate");
  TlsServerForTest expired(authority_.issue("DNS:a.test", -3, -1), tell);
  EXPECT_EQ(why_not(expired, "a.test"), "certificate: certificate has expired");
  TlsServerForTest early(authority_.issue("DNS:a.test", 1, 2), tell);
  EXPECT_EQ(why_not(early, "a.test"), "certificate: certificate is not yet valid");
}

TEST_F(TlsClientTest, TakesTheTimeFromItsClock) {
  TlsServerForTest server(authority_.issue("DNS:a.test", -1, 1), tell);
  EXPECT_TRUE(Connection(client_, server.port(), "a.test").ready());
  clock_.advance(std::chrono::hours(25));
  EXPECT_EQ(why_not(server, "a.test"), "certificate: certificate has expired");
}

TEST_F(TlsClientTest, SaysWhatIsNoTls) {
  TlsServerForTest plain(authority_.issue("DNS:a.test"), [](TlsServerForTest::Connection& client) {
    const std::string_view answer = "HTTP/1.1 400 Bad Request\r\n\r\n";
    EXPECT_EQ(send(client.fd(), answer.data(), answer.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(answer.size()));
    client.wait_for_end();
  });
  EXPECT_EQ(why_not(plain, "a.test"), "handshake: wrong version number");
  TlsServerForTest closes(authority_.issue("DNS:a.test"), [](TlsServerForTest::Connection& client) {
    char hello[1];
    recv(client.fd(), hello, 1, 0);
    shutdown(client.fd(), SHUT_WR);
    client.wait_for_end();
  });
  EXPECT_EQ(why_not(closes, "a.test"), "handshake: unexpected eof while reading");
  TlsServerForTest resets(authority_.issue("DNS:a.test"), [](TlsServerForTest::Connection& client) {
    char hello[1];
    recv(client.fd(), hello, 1, 0);
    client.reset_at_close();
  });
  EXPECT_EQ(why_not(resets, "a.test"), "handshake: Connection reset by peer");
}

TEST_F(TlsClientTest, AnEndThatTlsDoesNotTellIsNone) {
  TlsServerForTest server(authority_.issue("DNS:a.test"), [](TlsServerForTest::Connection& client) {
    if (client.shake_hands()) {
      client.read_until("\n");
      client.write("half of ");
      shutdown(client.fd(), SHUT_WR);  // as anybody on the way can
      client.wait_for_end();
    }
  });
  Connection connection(client_, server.port(), "a.test");
  EXPECT_EQ(connection.ask("hello"), "half of ");
  EXPECT_FALSE(connection.stream().ended());
  EXPECT_TRUE(connection.stream().failed());
  EXPECT_EQ(connection.problem(), "unexpected eof while reading");
}

TEST_F(TlsClientTest, ResumesSessionsForAWhile) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    client_.set_authorities(authority_.pem() + "\n" + std::to_string(version));
    TlsServerForTest server(authority_.issue("DNS:a.test,DNS:b.test"), tell, version);
    const auto resumes = [&](const std::string& name) {
      const std::string answer = Connection(client_, server.port(), name).ask("hello");
      EXPECT_TRUE(answer.ends_with(" hello\n")) << answer;
      return answer.ends_with(" again hello\n");
    };
    EXPECT_FALSE(resumes("a.test"));
    EXPECT_TRUE(resumes("a.test"));
    EXPECT_TRUE(resumes("a.test"));
    EXPECT_FALSE(resumes("b.test"));  // another certificate might be shown for it
    // However often it was resumed, the certificate is verified again in time.
    clock_.advance(TlsClient::kSessionLife / 2);
    EXPECT_TRUE(resumes("a.test"));
    clock_.advance(TlsClient::kSessionLife / 2);
    EXPECT_FALSE(resumes("a.test"));
    // Who is trusted by others now is verified again at once.
    client_.set_authorities(authority_.pem() + AuthorityForTest("another").pem());
    EXPECT_FALSE(resumes("a.test"));
  }
}

TEST_F(TlsClientTest, KeepsSessionsOfSoManyServers) {
  TlsServerForTest server(authority_.issue("DNS:*.b.test"), tell);
  const auto ask = [&](std::size_t number) {
    const std::string name = std::to_string(number) + ".b.test";
    return Connection(client_, server.port(), name).ask("hello");
  };
  constexpr std::size_t kServers = TlsClient::kSessionLimit + 8;
  for (std::size_t i = 0; i < kServers; ++i) {
    ask(i);
  }
  std::size_t resumed = 0;
  for (std::size_t i = 0; i < kServers; ++i) {
    resumed += ask(i).find(" again ") != std::string::npos ? 1 : 0;
  }
  EXPECT_LE(resumed, TlsClient::kSessionLimit);
  EXPECT_EQ(ask(kServers - 1), std::to_string(kServers - 1) + ".b.test again hello\n");
}

TEST_F(TlsClientTest, ReadsTheSystemsAuthoritiesAndSeesThatTheyAreNew) {
  const std::string folder = *sys::make_temporary_directory("/tmp", "duet-tls-client-");
  const std::string file = folder + "/ca.pem";
  TlsServerForTest server(authority_.issue("DNS:a.test"), tell);
  TlsClient client(clock_, {folder + "/missing.pem", file});
  const auto trusts = [&] { return Connection(client, server.port(), "a.test").ready(); };
  EXPECT_FALSE(trusts());
  ASSERT_TRUE(
      sys::write_file_atomic(file, AuthorityForTest("other").pem() + authority_.pem()).ok());
  EXPECT_FALSE(trusts());
  clock_.advance(TlsClient::kTrustCheck);
  EXPECT_TRUE(trusts());
  // Two files of one tick of the kernel's clock have the same time.
  const auto changed = std::filesystem::last_write_time(file);
  ASSERT_TRUE(sys::write_file_atomic(file, AuthorityForTest("other").pem()).ok());
  std::filesystem::last_write_time(file, changed);
  EXPECT_TRUE(trusts());
  clock_.advance(TlsClient::kTrustCheck);
  EXPECT_FALSE(trusts());
  EXPECT_TRUE(sys::remove_tree(folder).ok());
}

}  // namespace
}  // namespace duet::net
