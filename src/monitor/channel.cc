#include "monitor/channel.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace duet::monitor {

namespace {

std::vector<sys::Fd> take_descriptors(msghdr& message) {
  std::vector<sys::Fd> fds;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
  return fds;
}

}  // namespace

Result<std::unique_ptr<Channel>> Channel::open(Loop& loop, sys::Fd fd, ChannelHandler* handler) {
  std::unique_ptr<Channel> channel(new Channel(loop, std::move(fd), handler));
  DUET_ASSIGN(channel->watch_,
              loop.watch(channel->fd_.get(), EPOLLIN, [channel = channel.get()](uint32_t events) {
                channel->on_ready(events);
              }));
  return channel;
}

Channel::Sent Channel::send(std::string_view message) {
  if (closed_) {
    return Sent::kClosed;
  }
  ssize_t put = -1;
  do {
    put = ::send(fd_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (put < 0 && errno == EINTR);
  if (put >= 0) {
    return Sent::kSent;
  }
  if (errno != EAGAIN && errno != ENOBUFS) {
    return Sent::kClosed;  // receive() will tell
  }
  writing_ = true;
  update();
  return Sent::kFull;
}

void Channel::set_reading(bool reading) {
  reading_ = reading;
  update();
}

void Channel::update() {
  if (!closed_) {
    loop_.change(watch_, (reading_ ? uint32_t{EPOLLIN} : 0) | (writing_ ? uint32_t{EPOLLOUT} : 0));
  }
}

void Channel::on_ready(uint32_t events) {
  if ((events & EPOLLOUT) != 0 && writing_) {
    writing_ = false;
    update();
    handler_->on_writable();
    return;  // the handler may have ended the connection; the rest comes again
  }
  if (!reading_ && (events & (EPOLLHUP | EPOLLERR)) != 0) {
    close();  // what it sent last is of no use without it, and the event would come for ever
  } else if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    receive();
  }
}

void Channel::close() {
  closed_ = true;
  loop_.forget(watch_);
  handler_->on_closed();
}

void Channel::receive() {
  std::array<char, kMessageLimitBytes> text;
  iovec data{text.data(), text.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kPassedFdLimit * sizeof(int))> control{};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  std::vector<sys::Fd> fds;
  if (got > 0) {
    fds = take_descriptors(message);
  }
  if (got <= 0 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
    close();
    return;
  }
  handler_->on_message(static_cast<MessageType>(text[0]),
                       std::string_view(text.data() + 1, static_cast<size_t>(got) - 1),
                       std::move(fds));
}

}  // namespace duet::monitor
