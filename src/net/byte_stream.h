#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/result.h"
#include "net/stream_cipher.h"
#include "sys/fd.h"

namespace duet::net {

// The bytes of one connection, for blocking code. One thread may receive while another sends.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Waits for bytes and gives how many came; 0: the peer has ended its side. kTimeout: none came in
  // time.
  virtual Result<std::size_t> receive(char* into, std::size_t size) = 0;
  // Returns when the kernel has all of it. kTimeout: the peer took nothing in time.
  virtual Status send(std::string_view data) = 0;
  // Bounds each wait for the peer that begins from now on; 0: none.
  virtual void set_timeout(std::int64_t timeout_ms) = 0;
  // Says that nothing more is sent, so that the peer can tell the end from a cut.
  virtual void end() = 0;
};

// A blocking socket, whose own timeouts (SO_RCVTIMEO, SO_SNDTIMEO) bound each wait. Does not own
// it.
class SocketStream final : public ByteStream {
 public:
  explicit SocketStream(int fd) : fd_(fd) {}
  Result<std::size_t> receive(char* into, std::size_t size) override;
  Status send(std::string_view data) override;
  void set_timeout(std::int64_t timeout_ms) override;
  void end() override;

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
  void set_timeout(std::int64_t timeout_ms) override { timeout_ms_ = timeout_ms; }
  void end() override;

 private:
  Status wait(short events);
  // kPermission: the peer's certificate is none to be trusted; else kUnavailable.
  Error failure() const;

  int fd_;
  std::mutex mutex_;  // of the cipher, held while it works and never while a peer is waited for
  std::unique_ptr<StreamCipher> cipher_;
  std::atomic<std::int64_t> timeout_ms_;
};

}  // namespace duet::net
