#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "net/buffer.h"
#include "net/send_queue.h"
#include "net/stream_cipher.h"
#include "sys/fd.h"

namespace duet::net {

// A non-blocking stream socket watched edge-triggered, with its two buffers. It remembers what the
// kernel said (readable, writable, ended), so that a request costs one recv and one send: a short
// recv means that there is nothing more now. Not thread-safe. The owner tells it of events and acts
// on what it finds. With a cipher, what it gives and takes is plain text.
class Stream {
 public:
  Stream(sys::Fd fd, BufferPool& pool, std::unique_ptr<StreamCipher> cipher = nullptr)
      : fd_(std::move(fd)), cipher_(std::move(cipher)), in_(pool), out_(pool) {}
  // Takes over everything but a place in a SendQueue; `other` may only be destroyed then.
  Stream(Stream&& other) noexcept;
  ~Stream() {
    if (queue_ != nullptr) {
      queue_->remove(*this);
    }
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int fd() const { return fd_.get(); }
  // Null: plain text on the wire.
  const StreamCipher* cipher() const { return cipher_.get(); }

  // What epoll said.
  void note_events(std::uint32_t events);

  // Receives once, with room for at least `read_bytes`, if the kernel may have something and less
  // than `limit_bytes` wait in in(). True: something new came.
  bool fill(std::size_t limit_bytes, std::size_t read_bytes = 4 << 10);
  Buffer& in() { return in_; }
  // Whether fill() may find more at once.
  bool readable() const { return readable_ && !ended_ && !failed_; }
  // The peer sent its end of stream, and it was reached.
  bool ended() const { return ended_; }
  // The connection is broken in both directions.
  bool failed() const { return failed_; }
  int error() const { return error_; }
  // Why it failed, for people.
  std::string problem() const;

  // Goes on with the cipher's handshake as far as it gets. True: it is over, or there is none.
  bool shake_hands();

  // What waits to be sent; append to it, then flush().
  Buffer& out() { return out_; }
  // Sends what waits in out() followed by `pieces`, as far as the kernel takes it; keeps the rest
  // in out().
  void send(std::initializer_list<std::string_view> pieces);
  void flush() {
    if (!out_.empty() && writable_) {
      send({});
    }
  }
  bool writable() const { return writable_; }

  // Ends sending after what was sent already.
  void shutdown_send();
  // Tells the peer that nothing more comes, where the end of the socket does not say so by itself.
  // Without it a peer takes what it got for incomplete.
  void say_end();
  // Gives the memory back while nothing is in it.
  void release_memory();
  std::uint64_t sent_bytes() const { return sent_bytes_; }

 private:
  friend class SendQueue;
  void fail(int error);
  bool fill_plain(std::size_t read_bytes);
  void send_plain(std::initializer_list<std::string_view> pieces);

  sys::Fd fd_;
  std::unique_ptr<StreamCipher> cipher_;
  Buffer in_;
  Buffer out_;
  bool readable_ = false;
  bool end_near_ =
      false;  // epoll saw the peer's end: a short recv does not mean that nothing is left
  bool writable_ = true;
  bool ended_ = false;
  bool failed_ = false;
  int error_ = 0;
  std::uint64_t sent_bytes_ = 0;
  SendQueue* queue_ = nullptr;  // in which it waits
  std::size_t queue_place_ = 0;
};

}  // namespace duet::net
