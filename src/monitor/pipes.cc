#include "monitor/pipes.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "monitor/protocol.h"

namespace duet::monitor {

namespace {

Status make_nonblocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return Error::from_errno("make a pipe non-blocking", errno);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<OutputPipe>> OutputPipe::open(Loop& loop, sys::Fd fd, Callback callback) {
  DUET_TRY(make_nonblocking(fd.get()));
  std::unique_ptr<OutputPipe> pipe(new OutputPipe(loop, std::move(fd), std::move(callback)));
  DUET_ASSIGN(pipe->watch_, loop.watch(pipe->fd_.get(), EPOLLIN,
                                       [pipe = pipe.get()](uint32_t) { pipe->read_once(); }));
  return pipe;
}

void OutputPipe::pause() {
  if (!paused_) {
    paused_ = true;
    // EPOLLHUP cannot be masked: a paused pipe is not watched at all.
    loop_.forget(watch_);
    watch_ = 0;
  }
}

void OutputPipe::resume() {
  if (!paused_) {
    return;
  }
  paused_ = false;
  if (fd_.valid()) {
    auto watch = loop_.watch(fd_.get(), EPOLLIN, [this](uint32_t) { read_once(); });
    watch_ = watch.ok() ? *watch : 0;
  }
}

void OutputPipe::drain() {
  size_t total = 0;
  while (fd_.valid() && !paused_ && total < kDrainLimitBytes) {
    const size_t got = read_once();
    if (got == 0) {
      return;
    }
    total += got;
  }
}

size_t OutputPipe::read_once() {
  std::array<char, kStreamChunkBytes> chunk;
  const ssize_t got = ::read(fd_.get(), chunk.data(), chunk.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return 0;
  }
  if (got <= 0) {  // a terminal whose other side is closed gives EIO
    loop_.forget(watch_);
    watch_ = 0;
    fd_.reset();
  }
  const size_t size = got > 0 ? static_cast<size_t>(got) : 0;
  callback_(std::string_view(chunk.data(), size));
  return size;
}

Result<std::unique_ptr<InputPipe>> InputPipe::open(Loop& loop, sys::Fd fd,
                                                   std::function<void()> writable) {
  DUET_TRY(make_nonblocking(fd.get()));
  return std::unique_ptr<InputPipe>(new InputPipe(loop, std::move(fd), std::move(writable)));
}

size_t InputPipe::write(std::string_view data) {
  if (!fd_.valid()) {
    return data.size();
  }
  const ssize_t put = ::write(fd_.get(), data.data(), data.size());
  if (put < 0 && errno != EAGAIN && errno != EINTR) {
    loop_.forget(watch_);
    watch_ = 0;
    fd_.reset();
    return data.size();
  }
  const size_t taken = put > 0 ? static_cast<size_t>(put) : 0;
  if (taken < data.size() && watch_ == 0) {
    auto watch = loop_.watch(fd_.get(), EPOLLOUT, [this](uint32_t) {
      loop_.forget(watch_);
      watch_ = 0;
      writable_();
    });
    watch_ = watch.ok() ? *watch : 0;
  }
  return taken;
}

}  // namespace duet::monitor
