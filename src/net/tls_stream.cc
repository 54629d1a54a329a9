#include "net/tls_stream.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

namespace duet::net {
namespace {

constexpr std::size_t kLargest = INT_MAX;  // OpenSSL counts in int

}  // namespace

std::unique_ptr<TlsStream> TlsStream::create(std::unique_ptr<SSL, FreeSsl> ssl, int fd) {
  std::unique_ptr<TlsStream> stream(new TlsStream(fd));
  BIO* bio = BIO_new(socket_method());
  if (bio == nullptr || !ssl) {
    BIO_free(bio);
    return nullptr;
  }
  BIO_set_data(bio, stream.get());
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);  // owns it from now on
  stream->ssl_ = std::move(ssl);
  return stream;
}

std::unique_ptr<TlsStream> TlsStream::accept(SSL_CTX* context, int fd) {
  std::unique_ptr<SSL, FreeSsl> ssl(SSL_new(context));
  if (!ssl) {
    return nullptr;
  }
  SSL_set_accept_state(ssl.get());
  return create(std::move(ssl), fd);
}

BIO_METHOD* TlsStream::socket_method() {
  // Made once; what it leads to are functions alone.
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
    BIO_meth_set_read(made, receive);
    BIO_meth_set_write(made, send);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

int TlsStream::receive(BIO* bio, char* into, int size) {
  auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.drained_) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const ssize_t got = recv(self.fd_, into, static_cast<std::size_t>(size), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    self.drained_ = errno == EAGAIN;
    BIO_set_retry_read(bio);
    return -1;
  }
  self.drained_ = got > 0 && got < size && !self.end_near_;
  self.ended_ = got == 0;
  return static_cast<int>(got);
}

int TlsStream::send(BIO* bio, const char* from, int size) {
  const auto& self = *static_cast<TlsStream*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(self.fd_, from, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
    BIO_set_retry_write(bio);
  }
  return static_cast<int>(sent);
}

long TlsStream::control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) {
    return static_cast<TlsStream*>(BIO_get_data(bio))->ended_ ? 1 : 0;
  }
  return command == BIO_CTRL_FLUSH ? 1 : 0;  // nothing is kept here
}

void TlsStream::note_events(bool readable, bool end_near) {
  drained_ = drained_ && !readable;
  end_near_ = end_near;
}

StreamCipher::Outcome TlsStream::read(char* into, std::size_t size) {
  ERR_clear_error();
  return outcome_of(SSL_read(ssl_.get(), into, static_cast<int>(std::min(size, kLargest))));
}

StreamCipher::Outcome TlsStream::write(std::string_view text) {
  ERR_clear_error();
  return outcome_of(
      SSL_write(ssl_.get(), text.data(), static_cast<int>(std::min(text.size(), kLargest))));
}

StreamCipher::Outcome TlsStream::outcome_of(int returned) {
  if (returned > 0) {
    return {State::kDone, static_cast<std::size_t>(returned)};
  }
  const int system = errno;
  switch (SSL_get_error(ssl_.get(), returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return {State::kBlocked};
    case SSL_ERROR_ZERO_RETURN:
      // A peer that goes in the middle of a handshake has ended as well: nobody asked for anything.
      return {State::kEnded};
    case SSL_ERROR_SYSCALL:
      problem_ = system == 0 ? "the peer closed" : std::strerror(system);
      break;
    default:
      problem_ = describe_failure();
  }
  ERR_clear_error();
  return {State::kFailed};
}

std::string TlsStream::describe_failure() {
  if (const long verified = SSL_get_verify_result(ssl_.get()); verified != X509_V_OK) {
    distrusts_ = true;
    return X509_verify_cert_error_string(verified);
  }
  const char* reason = ERR_reason_error_string(ERR_peek_error());
  return reason != nullptr ? reason : "TLS failed";
}

void TlsStream::say_end() {
  ERR_clear_error();
  if (ready() && problem_.empty()) {
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }
}

std::string_view TlsStream::protocol() const {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

}  // namespace duet::net
