#pragma once

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "net/certificate.h"
#include "net/pem.h"
#include "net/socket.h"
#include "net/tls_context.h"
#include "net/tls_stream.h"

namespace duet::net {

// A certificate authority of a test, and what it signs.
class AuthorityForTest {
 public:
  explicit AuthorityForTest(const std::string& name) : key_(EVP_EC_gen("P-256")) {
    certificate_ = make({.common_name = name}, key_.get(), "critical,CA:TRUE", "", -1, 1);
  }

  struct Subject {
    std::string common_name = "a.test";
    std::string organization = "";
  };

  std::string pem() const { return pem_of(certificate_.get()); }

  // A certificate for subjectAltName `names` ("DNS:a.test,IP:127.0.0.1"; empty: none), good from
  // and until so many days from now, and its key.
  SelfSigned issue(const std::string& names, int from_days = -1, int until_days = 1) const {
    return issue(Subject(), names, from_days, until_days);
  }
  SelfSigned issue(const Subject& subject, const std::string& names, int from_days = -1,
                   int until_days = 1) const {
    const Key key(EVP_EC_gen("P-256"));
    const auto certificate = make(subject, key.get(), "CA:FALSE", names, from_days, until_days);
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_PrivateKey(text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return {pem_of(certificate.get()), text_of(text.get())};
  }

  // What `request_pem` (PKCS #10) asks for, signed without a question.
  std::string sign(const std::string& request_pem) const {
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(
        BIO_new_mem_buf(request_pem.data(), static_cast<int>(request_pem.size())), BIO_free);
    const std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> request(
        PEM_read_bio_X509_REQ(text.get(), nullptr, nullptr, nullptr), X509_REQ_free);
    const Key key(X509_REQ_get_pubkey(request.get()));
    const auto certificate = make({.common_name = ""}, key.get(), "CA:FALSE", "", -1, 1);
    X509_set_subject_name(certificate.get(), X509_REQ_get_subject_name(request.get()));
    STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(request.get());
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); ++i) {
      X509_add_ext(certificate.get(), sk_X509_EXTENSION_value(extensions, i), -1);
    }
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_sign(certificate.get(), key_.get(), EVP_sha256());
    return pem_of(certificate.get());
  }

 private:
  using Certificate = std::unique_ptr<X509, FreeX509>;

  // Signed by this authority, or by itself if that is not there yet.
  Certificate make(const Subject& subject, EVP_PKEY* key, const char* constraints,
                   const std::string& names, int from_days, int until_days) const {
    static std::atomic<long> serial = 1;
    constexpr long kDaySeconds = 24 * 60 * 60;
    Certificate made(X509_new());
    X509* raw = made.get();
    X509_set_version(raw, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(raw), serial++);
    X509_gmtime_adj(X509_getm_notBefore(raw), from_days * kDaySeconds);
    X509_gmtime_adj(X509_getm_notAfter(raw), until_days * kDaySeconds);
    add_to_subject(raw, "O", subject.organization);
    add_to_subject(raw, "CN", subject.common_name);
    const X509* issuer = certificate_ ? certificate_.get() : raw;
    X509_set_issuer_name(raw, X509_get_subject_name(issuer));
    X509_set_pubkey(raw, key);
    X509V3_CTX context;
    X509V3_set_ctx(&context, const_cast<X509*>(issuer), raw, nullptr, nullptr, 0);
    add_extension(context, NID_basic_constraints, constraints);
    add_extension(context, NID_subject_key_identifier, "hash");
    add_extension(context, NID_authority_key_identifier, "keyid");
    if (!names.empty()) {
      add_extension(context, NID_subject_alt_name, names.c_str());
    }
    X509_sign(raw, key_.get(), EVP_sha256());
    return made;
  }
  static void add_to_subject(X509* certificate, const char* field, const std::string& value) {
    if (!value.empty()) {
      X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), field, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1, 0);
    }
  }
  static void add_extension(X509V3_CTX& context, int id, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value);
    X509_add_ext(context.subject_cert, extension, -1);
    X509_EXTENSION_free(extension);
  }
  static std::string text_of(BIO* memory) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(memory, &data);
    return {data, static_cast<std::size_t>(size)};
  }
  static std::string pem_of(X509* certificate) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> text(BIO_new(BIO_s_mem()), BIO_free);
    PEM_write_bio_X509(text.get(), certificate);
    return text_of(text.get());
  }

  Key key_;
  Certificate certificate_;
};

// A blocking TLS server on a loopback port, which does to each client what a test says, on a thread
// of the connection's own.
class TlsServerForTest {
 public:
  class Connection {
   public:
    Connection(SSL_CTX* context, sys::Fd fd) : fd_(std::move(fd)), ssl_(SSL_new(context)) {
      SSL_set_fd(ssl_.get(), fd_.get());
    }
    // False: the client does not go on.
    bool shake_hands() { return SSL_accept(ssl_.get()) == 1; }
    bool resumed() const { return SSL_session_reused(ssl_.get()) == 1; }
    std::string name() const {
      const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
      return name != nullptr ? name : "";
    }
    // Up to and with `end`; shorter if the client ends before.
    std::string read_until(std::string_view end) {
      std::string got;
      char byte = 0;
      while (!got.ends_with(end) && SSL_read(ssl_.get(), &byte, 1) == 1) {
        got += byte;
      }
      return got;
    }
    bool write(std::string_view text) {
      return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) > 0;
    }
    void say_end() { SSL_shutdown(ssl_.get()); }
    // Until the client closes its end, or the server is destroyed.
    void wait_for_end() {
      char bytes[4096];
      while (recv(fd_.get(), bytes, sizeof(bytes), 0) > 0) {
      }
    }
    // The next close is a reset.
    void reset_at_close() {
      const linger now{.l_onoff = 1, .l_linger = 0};
      setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    }
    int fd() const { return fd_.get(); }
    SSL* ssl() { return ssl_.get(); }

   private:
    sys::Fd fd_;
    std::unique_ptr<SSL, FreeSsl> ssl_;
  };
  using Serve = std::function<void(Connection&)>;

  // `version`: the newest that it speaks.
  TlsServerForTest(const SelfSigned& certificate, Serve serve, int version = TLS1_3_VERSION)
      : serve_(std::move(serve)), context_(SSL_CTX_new(TLS_server_method())) {
    signal(SIGPIPE, SIG_IGN);  // clients go when they like, and OpenSSL writes all the same
    const Chain chain = std::move(*read_chain(certificate.chain_pem));
    const Key key = std::move(*read_key(certificate.key_pem));
    SSL_CTX_use_certificate(context_.get(), chain.front().get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
    SSL_CTX_set_max_proto_version(context_.get(), version);
    SSL_CTX_set_alpn_select_cb(context_.get(), choose_http, nullptr);
    listener_ = std::move(*listen_tcp(*make_address("127.0.0.1", 0)));
    const std::string address = format_address(*local_address(listener_.get()));
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~TlsServerForTest() {
    stopping_ = true;
    shutdown(listener_.get(), SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const int fd : open_) {
        shutdown(fd, SHUT_RDWR);
      }
    }
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
  TlsServerForTest(const TlsServerForTest&) = delete;
  TlsServerForTest& operator=(const TlsServerForTest&) = delete;

  int port() const { return port_; }
  int connections() const { return connections_; }

 private:
  static int choose_http(SSL*, const unsigned char** out, unsigned char* out_size,
                         const unsigned char* in, unsigned int in_size, void*) {
    static constexpr unsigned char kHttp[] = "\x08http/1.1";
    unsigned char* chosen = nullptr;
    const int result =
        SSL_select_next_proto(&chosen, out_size, kHttp, sizeof(kHttp) - 1, in, in_size);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
  }

  void accept_all() {
    for (;;) {
      pollfd wait{.fd = listener_.get(), .events = POLLIN, .revents = 0};
      poll(&wait, 1, -1);
      if (stopping_) {
        return;
      }
      sys::Fd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!fd.valid()) {
        continue;
      }
      ++connections_;
      threads_.emplace_back(
          [this, fd = std::make_shared<sys::Fd>(std::move(fd))] { serve_one(std::move(*fd)); });
    }
  }

  void serve_one(sys::Fd fd) {
    const int number = fd.get();
    {
      const std::lock_guard lock(mutex_);
      open_.push_back(number);
    }
    Connection connection(context_.get(), std::move(fd));
    if (!stopping_) {
      serve_(connection);
    }
    const std::lock_guard lock(mutex_);  // before the number may be another's
    open_.remove(number);
  }

  Serve serve_;
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  sys::Fd listener_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::list<int> open_;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace duet::net
