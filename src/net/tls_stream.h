#pragma once

#include <openssl/ssl.h>

#include <memory>

#include "net/stream_cipher.h"

namespace duet::net {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

// One TLS connection over a non-blocking socket. It remembers that a short recv left nothing
// behind, so that a request costs one recv as without TLS.
class TlsStream final : public StreamCipher {
 public:
  // `ssl` has its role set; `fd` stays the caller's. Null: out of memory.
  static std::unique_ptr<TlsStream> create(std::unique_ptr<SSL, FreeSsl> ssl, int fd);
  // The server's side of a connection, with the settings of `context`.
  static std::unique_ptr<TlsStream> accept(SSL_CTX* context, int fd);

  Outcome read(char* into, std::size_t size) override;
  Outcome write(std::string_view text) override;
  void note_events(bool readable, bool end_near) override;
  void say_end() override;
  bool ready() const override { return SSL_is_init_finished(ssl_.get()) == 1; }
  std::string_view protocol() const override;
  const std::string& problem() const override { return problem_; }
  bool distrusts() const override { return distrusts_; }
  // For what OpenSSL knows of the connection; it stays this stream's.
  const SSL* ssl() const { return ssl_.get(); }

 private:
  explicit TlsStream(int fd) : fd_(fd) {}
  static BIO_METHOD* socket_method();
  static int receive(BIO* bio, char* into, int size);
  static int send(BIO* bio, const char* from, int size);
  static long control(BIO* bio, int command, long number, void* pointer);
  Outcome outcome_of(int returned);
  std::string describe_failure();

  int fd_;
  bool drained_ = false;
  bool end_near_ = false;
  bool ended_ = false;
  bool distrusts_ = false;
  std::string problem_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
};

}  // namespace duet::net
