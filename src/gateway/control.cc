#include "gateway/control.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "sys/file.h"

namespace duet::gateway {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kCallTimeoutMs = 60'000;
constexpr std::size_t kFdsTaken = 8;  // a packet with more is refused, and none of them leaks

}  // namespace

Status send_packet(int socket, std::string_view text, int fd) {
  iovec vector{.iov_base = const_cast<char*>(text.data()), .iov_len = text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  if (fd >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof(int));
  }
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    const bool gone = errno == EPIPE || errno == ECONNRESET;
    return gone ? Error(ErrorCode::kUnavailable, "the other side of the control socket is gone")
                : Error::from_errno("sending on the control socket", errno);
  }
  return {};
}

Result<std::optional<Packet>> receive_packet(int socket) {
  Packet packet;
  packet.text.resize(kPacketBytes);
  iovec vector{.iov_base = packet.text.data(), .iov_len = packet.text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kFdsTaken)] = {};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t got = 0;
  do {
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return Error(ErrorCode::kTimeout, "no answer on the control socket in time");
    }
    if (errno == ECONNRESET) {
      return std::optional<Packet>();  // ended without reading what was sent
    }
    return Error::from_errno("receiving on the control socket", errno);
  }
  std::size_t fds = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i, ++fds) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      packet.fd.reset(fd);  // the last one; more than one is refused below
    }
  }
  if (got == 0) {
    return std::optional<Packet>();
  }
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || fds > 1) {
    return invalid("a control packet is too large or has too many descriptors");
  }
  packet.text.resize(static_cast<std::size_t>(got));
  return std::optional(std::move(packet));
}

Status bound_calls(int socket) {
  const timeval time{.tv_sec = kCallTimeoutMs / 1000, .tv_usec = 0};
  if (setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) != 0 ||
      setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)) != 0) {
    return Error::from_errno("a control socket's timeout", errno);
  }
  return {};
}

Result<std::string> exchange_packets(int socket, std::string_view text, int fd) {
  DUET_TRY(send_packet(socket, text, fd));
  DUET_ASSIGN(std::optional<Packet> packet, receive_packet(socket));
  if (!packet) {
    return Error(ErrorCode::kUnavailable, "the gateway worker closed the control socket");
  }
  std::string reply_text = std::move(packet->text);
  if (packet->fd.valid()) {
    DUET_ASSIGN(reply_text, read_memfd(packet->fd.get(), kTableBytes));
  }
  const Json reply = Json::parse(reply_text, nullptr, false);
  if (!reply.is_object()) {
    return Error(ErrorCode::kCorrupt, "the gateway worker's reply is not a JSON object");
  }
  if (!reply.value("ok", false)) {
    return invalid("gateway worker: " + reply.value("error", std::string("no reason given")));
  }
  return reply_text;
}

std::string format_reply(const Status& done) {
  if (done.ok()) {
    return R"({"ok":true})";
  }
  return Json{{"ok", false}, {"error", done.error().message()}}.dump(
      -1, ' ', false, Json::error_handler_t::replace);
}

std::string format_metrics_reply(const std::string& text) {
  return Json{{"ok", true}, {"metrics", text}}.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> parse_metrics_reply(const std::string& reply) {
  const Json json = Json::parse(reply, nullptr, false);
  if (!json.is_object() || !json.contains("metrics") || !json["metrics"].is_string()) {
    return Error(ErrorCode::kCorrupt, "the gateway's reply has no metrics");
  }
  return json["metrics"].get<std::string>();
}

Result<sys::Fd> make_memfd(std::string_view text) {
  sys::Fd fd(memfd_create("duet-gateway", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd.valid()) {
    return Error::from_errno("memfd_create", errno);
  }
  DUET_TRY(sys::write_all(fd.get(), text));
  if (fcntl(fd.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return Error::from_errno("sealing a memfd", errno);
  }
  return fd;
}

Result<std::string> read_memfd(int fd, std::size_t limit_bytes) {
  struct stat info{};
  if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return invalid("the descriptor is not a file");
  }
  if (static_cast<std::size_t>(info.st_size) > limit_bytes) {
    return Error(ErrorCode::kExhausted,
                 "the file has more than " + std::to_string(limit_bytes) + " bytes");
  }
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t got = pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return Error::from_errno("reading a file that was sent", got < 0 ? errno : EIO);
    }
    done += static_cast<std::size_t>(got);
  }
  return text;
}

}  // namespace duet::gateway
