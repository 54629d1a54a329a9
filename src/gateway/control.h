#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "sys/fd.h"

// The control protocol between the agent and a gateway, and between a gateway's supervisor and its
// workers: one Unix socket of type
// SOCK_SEQPACKET, a request and its reply at a time. A packet is a JSON object of at most
// kPacketBytes with at most one descriptor (SCM_RIGHTS). What does not fit stands in a memfd that
// is sent along.
//
//   {"type":"status"}                          -> {"ok":true,"status":{...}}, or the same in a
//   memfd
//   {"type":"metrics"}                         -> {"ok":true,"metrics":"text"}, or the same in a
//   memfd
//   {"type":"listener","name":N,"worker":I} + socket -> {"ok":true}
//   {"type":"code","digest":D}      + file     -> {"ok":true}
//   {"type":"folder","name":N}      + folder   -> {"ok":true}
//   {"type":"group","name":N,"worker":I}    + socket file -> {"ok":true}
//   {"type":"access_log"}           + file     -> {"ok":true}
//   {"type":"table"}                + memfd    -> {"ok":true} when the new table is in use
//   {"type":"drain","timeout_ms":T}            -> {"ok":true}; then the worker ends
//   any of them, refused                       -> {"ok":false,"error":"why"}
namespace duet::gateway {

inline constexpr std::size_t kPacketBytes = 32 << 10;
inline constexpr std::size_t kTableBytes = 64 << 20;  // of a route table as JSON

struct Packet {
  std::string text;
  sys::Fd fd;  // may be invalid
};

// Sends a packet; `fd` may be -1. kUnavailable: the peer is gone.
Status send_packet(int socket, std::string_view text, int fd);
// Receives a packet; nothing: the peer has closed. kTimeout on a socket with a receive timeout or
// O_NONBLOCK.
Result<std::optional<Packet>> receive_packet(int socket);

// Bounds how long exchange_packets waits on a blocking `socket`: loading much new code takes its
// time.
Status bound_calls(int socket);
// Sends a packet and waits for its reply, which is {"ok":true,...}; a refusal is an error with its
// words. kUnavailable: the peer is gone.
Result<std::string> exchange_packets(int socket, std::string_view text, int fd);

// Obeys control packets.
class PacketHandler {
 public:
  // The reply, as JSON.
  virtual std::string answer(Packet packet) = 0;

 protected:
  ~PacketHandler() = default;
};

// {"ok":true}, or why not.
std::string format_reply(const Status& done);

// {"ok":true} with metrics in Prometheus' text format, and the text of such a reply.
std::string format_metrics_reply(const std::string& text);
Result<std::string> parse_metrics_reply(const std::string& reply);

// An anonymous file with `text`, sealed against changes.
Result<sys::Fd> make_memfd(std::string_view text);
// All of what a memfd holds, from its start.
Result<std::string> read_memfd(int fd, std::size_t limit_bytes);

}  // namespace duet::gateway
