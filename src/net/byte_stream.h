#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "net/stream_cipher.h"
#include "sys/fd.h"

namespace duet::net {

// The bytes of one connection, for blocking code. Not thread-safe.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Waits for bytes and gives how many came; 0: the peer has ended its side. kTimeout: none came in
  // time.
  virtual Result<std::size_t> receive(char* into, std::size_t size) = 0;
  // Returns when the kernel has all of it. kTimeout: the peer took nothing in time.
  virtual Status send(std::string_view data) = 0;
};

// A blocking socket, whose own timeouts (SO_RCVTIMEO, SO_SNDTIMEO) bound each wait. Does not own
// it.
class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(int fd) : fd_(fd) {}
  Result<std::size_t> receive(char* into, std::size_t size) override;
  Status send(std::string_view data) override;

 private:
  int fd_;
};

// A non-blocking, connected socket behind a cipher: the first call shakes hands. Does not own the
// socket. When another thread shuts it down, a waiting call returns.
class CipherByteStream final : public ByteStream {
 public:
  // `timeout_ms` bounds each wait for the peer; 0: none.
  CipherByteStream(int fd, std::unique_ptr<StreamCipher> cipher, std::int64_t timeout_ms)
      : fd_(fd), cipher_(std::move(cipher)), timeout_ms_(timeout_ms) {}
  ~CipherByteStream() override { cipher_->say_end(); }
  Result<std::size_t> receive(char* into, std::size_t size) override;
  Status send(std::string_view data) override;

 private:
  Status wait(short events);
  // kPermission: the peer's certificate is none to be trusted; else kUnavailable.
  Error failure() const;

  int fd_;
  std::unique_ptr<StreamCipher> cipher_;
  std::int64_t timeout_ms_;
};

}  // namespace duet::net
