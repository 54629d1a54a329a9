#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "monitor/protocol.h"

// Whole messages on a blocking socket; the client's side. Thread-safe as far as the socket is.
namespace duet::monitor {

struct WireMessage {
  MessageType type;
  std::string fields;
};

// kInvalid when the message or the descriptors are more than the monitor takes, kUnavailable when
// the monitor is gone, kTimeout.
Status send_message(int fd, std::string_view message, int64_t timeout_ms,
                    const std::vector<int>& fds = {});

// None when `timeout_ms` (-1: no limit) passed first; kUnavailable when the monitor is gone.
Result<std::optional<WireMessage>> receive_message(int fd, int64_t timeout_ms);

}  // namespace duet::monitor
