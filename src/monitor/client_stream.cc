#include <algorithm>

#include "monitor/client.h"
#include "monitor/client_wire.h"
#include "monitor/wire.h"

namespace duet::monitor {

Result<std::optional<Event>> Subscription::next_event(int64_t timeout_ms) {
  DUET_ASSIGN(const std::optional<WireMessage> message, receive_message(fd_.get(), timeout_ms));
  if (!message) {
    return std::optional<Event>();
  }
  Event event;
  switch (message->type) {
    case MessageType::kState: {
      DUET_ASSIGN(event.state, decode_child_state(message->fields));
      return std::optional(std::move(event));
    }
    case MessageType::kRemoved: {
      event.kind = Event::Kind::kRemoved;
      DUET_ASSIGN(event.state.id, decode_id(message->fields));
      return std::optional(std::move(event));
    }
    case MessageType::kSynced:
      event.kind = Event::Kind::kSynced;
      return std::optional(std::move(event));
    case MessageType::kFailed:
      return decode_failure(message->fields);
    default:
      return internal("the monitor sent an event of an unknown kind");
  }
}

Result<std::optional<StreamEvent>> Stream::next(int64_t timeout_ms) {
  if (ended_) {
    return not_found("the stream has ended");
  }
  DUET_ASSIGN(std::optional<WireMessage> message, receive_message(fd_.get(), timeout_ms));
  if (!message) {
    return std::optional<StreamEvent>();
  }
  StreamEvent event;
  switch (message->type) {
    case MessageType::kStdout:
    case MessageType::kStderr:
      event.kind = message->type == MessageType::kStdout ? StreamEvent::Kind::kStdout
                                                         : StreamEvent::Kind::kStderr;
      event.data = std::move(message->fields);
      return std::optional(std::move(event));
    case MessageType::kDropped:
      event.kind = StreamEvent::Kind::kDropped;
      event.dropped_bytes = WireReader(message->fields).number<uint64_t>();
      return std::optional(std::move(event));
    case MessageType::kExited: {
      ended_ = true;
      event.kind = StreamEvent::Kind::kExited;
      DUET_ASSIGN(event.state, decode_child_state(message->fields));
      return std::optional(std::move(event));
    }
    case MessageType::kFailed:
      return decode_failure(message->fields);
    default:
      return internal("the monitor sent a stream message of an unknown kind");
  }
}

Status Stream::write_stdin(std::string_view data, int64_t timeout_ms) {
  while (!data.empty()) {
    const std::string_view chunk = data.substr(0, kStreamChunkBytes);
    WireWriter writer;
    writer.number(static_cast<uint8_t>(MessageType::kStdin));
    writer.raw(chunk);
    DUET_TRY(send_message(fd_.get(), writer.take(), timeout_ms));
    data.remove_prefix(chunk.size());
  }
  return {};
}

Status Stream::close_stdin() {
  return send_message(fd_.get(), encode(MessageType::kCloseStdin), -1);
}

Status Stream::resize(uint16_t columns, uint16_t rows) {
  WireWriter writer;
  writer.number(static_cast<uint8_t>(MessageType::kResize));
  writer.number(columns);
  writer.number(rows);
  return send_message(fd_.get(), writer.take(), -1);
}

Status Stream::send_signal(int signal) {
  WireWriter writer;
  writer.number(static_cast<uint8_t>(MessageType::kStreamSignal));
  writer.number(int32_t{signal});
  return send_message(fd_.get(), writer.take(), -1);
}

namespace {

// The quoted text that follows `key`, with \" and \\ undone; nothing if there is none.
std::string quoted_after(std::string_view line, std::string_view key) {
  const size_t found = line.find(key);
  std::string text;
  if (found == std::string_view::npos) {
    return text;
  }
  for (size_t i = found + key.size(); i < line.size() && line[i] != '"'; ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) {
      ++i;
      text.push_back(line[i] == 'n' ? '\n' : line[i]);
    } else {
      text.push_back(line[i]);
    }
  }
  return text;
}

}  // namespace

std::string runtime_error_text(std::string_view printed) {
  std::string message;
  std::string last_line;
  while (!printed.empty()) {
    const std::string_view line = printed.substr(0, printed.find('\n'));
    printed.remove_prefix(std::min(printed.size(), line.size() + 1));
    for (const std::string_view key : {"msg=\"", "\"msg\":\"", "\"msg\": \""}) {
      std::string text = quoted_after(line, key);
      if (!text.empty()) {
        message = std::move(text);
      }
    }
    if (!line.empty()) {
      last_line = line;
    }
  }
  return message.empty() ? last_line : message;
}

}  // namespace duet::monitor
