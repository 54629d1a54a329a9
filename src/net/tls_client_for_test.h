#pragma once

#include <openssl/ssl.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "net/certificate.h"
#include "net/pem.h"
#include "net/socket.h"
#include "net/tls_context.h"
#include "net/tls_stream.h"

namespace duet::net {

// A blocking TLS client of a test, which takes any server for the right one.
class TlsClientForTest {
 public:
  // `certificate`: what it shows, if it is asked.
  explicit TlsClientForTest(int port, const std::optional<SelfSigned>& certificate = std::nullopt)
      : context_(SSL_CTX_new(TLS_client_method())),
        fd_(std::move(*connect_tcp(*make_address("127.0.0.1", port), kTimeoutMs))) {
    signal(SIGPIPE, SIG_IGN);  // servers go when they like, and OpenSSL writes all the same
    if (certificate) {
      const Chain chain = std::move(*read_chain(certificate->chain_pem));
      const Key key = std::move(*read_key(certificate->key_pem));
      SSL_CTX_use_certificate(context_.get(), chain.front().get());
      SSL_CTX_use_PrivateKey(context_.get(), key.get());
    }
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), fd_.get());
    ready_ = SSL_connect(ssl_.get()) == 1;
  }

  bool ready() const { return ready_; }
  bool write(std::string_view text) {
    return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0;
  }
  // Nothing: the server has ended, or said nothing in time.
  std::string read_some() {
    char bytes[16 << 10];
    const int got = SSL_read(ssl_.get(), bytes, sizeof(bytes));
    return got > 0 ? std::string(bytes, static_cast<std::size_t>(got)) : std::string();
  }
  // Up to and with `end`, without a byte behind it; shorter if the server ends before.
  std::string read_until(std::string_view end) {
    std::string got;
    char byte = 0;
    while (!got.ends_with(end) && SSL_read(ssl_.get(), &byte, 1) == 1) {
      got += byte;
    }
    return got;
  }
  std::string read_exactly(std::size_t size) {
    std::string got;
    char byte = 0;
    while (got.size() < size && SSL_read(ssl_.get(), &byte, 1) == 1) {
      got += byte;
    }
    return got;
  }
  std::string read_all() {
    std::string got;
    for (std::string more = read_some(); !more.empty(); more = read_some()) {
      got += more;
    }
    return got;
  }
  std::string certificate_name() const {
    const std::unique_ptr<X509, FreeX509> shown(SSL_get1_peer_certificate(ssl_.get()));
    char name[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()), NID_commonName, name,
                              sizeof(name));
    return name;
  }

 private:
  static constexpr std::int64_t kTimeoutMs = 30'000;
  TlsContext context_;
  sys::Fd fd_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  bool ready_ = false;
};

}  // namespace duet::net
