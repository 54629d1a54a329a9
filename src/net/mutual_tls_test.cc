#include "net/mutual_tls.h"

#include <gtest/gtest.h>

#include <thread>

#include "net/byte_stream.h"
#include "net/socket.h"
#include "net/tls_client_for_test.h"
#include "net/tls_server_for_test.h"

namespace duet::net {
namespace {

class MutualTlsTest : public testing::Test {
 protected:
  // Serves one connection: echoes 5 bytes.
  struct Served {
    std::optional<PeerSubject> peer;
    std::string got;
  };
  Served serve_one(const std::optional<SelfSigned>& certificate) {
    const auto own = authority_.issue("IP:127.0.0.1");
    const auto server = MutualTlsServer::create(own.chain_pem, own.key_pem, clients_.pem());
    EXPECT_TRUE(server.ok());
    const sys::Fd listener = std::move(*listen_tcp(*make_address("127.0.0.1", 0)));
    const std::string address = format_address(*local_address(listener.get()));
    Served out;
    std::thread serving([&] {
      pollfd wait{.fd = listener.get(), .events = POLLIN, .revents = 0};
      poll(&wait, 1, 30'000);
      const sys::Fd socket(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      auto tls = server->accept(socket.get());
      const TlsStream& peer = *tls;
      CipherByteStream stream(socket.get(), std::move(tls), 30'000);
      char bytes[5];
      if (const auto got = stream.receive(bytes, sizeof(bytes)); got.ok()) {
        out.got.assign(bytes, *got);
        out.peer = verified_peer(peer);
        (void)stream.send(out.got);
      }
    });
    TlsClientForTest client(std::stoi(address.substr(address.rfind(':') + 1)), certificate);
    client.write("hello");
    EXPECT_EQ(client.read_all(), "hello");
    serving.join();
    return out;
  }

  AuthorityForTest authority_{"servers"};
  AuthorityForTest clients_{"clients"};
};

TEST_F(MutualTlsTest, KnowsWhoShowsAGoodCertificate) {
  const auto served =
      serve_one(clients_.issue({.common_name = "admin", .organization = "system:masters"}, ""));
  ASSERT_TRUE(served.peer);
  EXPECT_EQ(served.peer->common_name, "admin");
  EXPECT_EQ(served.peer->organizations, std::vector<std::string>{"system:masters"});
}

TEST_F(MutualTlsTest, OthersAreServedAndStayUnknown) {
  const AuthorityForTest::Subject admin{.common_name = "admin"};
  EXPECT_FALSE(serve_one(std::nullopt).peer);
  EXPECT_FALSE(serve_one(authority_.issue(admin, "")).peer);
  EXPECT_FALSE(serve_one(clients_.issue(admin, "", -3, -1)).peer);
  EXPECT_FALSE(serve_one(make_self_signed("admin").value()).peer);
}

TEST_F(MutualTlsTest, SaysWhatCannotBeRead) {
  const auto own = authority_.issue("IP:127.0.0.1");
  EXPECT_EQ(MutualTlsServer::create(own.chain_pem, own.key_pem, "").error().code(),
            ErrorCode::kInvalid);
  EXPECT_EQ(MutualTlsServer::create("", own.key_pem, clients_.pem()).error().code(),
            ErrorCode::kInvalid);
}

}  // namespace
}  // namespace duet::net
