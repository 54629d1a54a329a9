#include "monitor/sessions.h"

#include <unistd.h>

#include <utility>

#include "monitor/wire.h"

namespace duet::monitor {

SubscriptionSession::SubscriptionSession(Channel& channel, std::set<std::string> ids, Lookup lookup,
                                         std::function<void()> close)
    : channel_(channel),
      changed_(std::move(ids)),
      lookup_(std::move(lookup)),
      close_(std::move(close)) {}

void SubscriptionSession::changed(const std::string& id) {
  constexpr size_t kChangedLimit = 4 * kChildLimit;
  changed_.insert(id);
  if (changed_.size() > kChangedLimit) {
    close_();  // it sleeps while children come and go; it may subscribe again
    return;
  }
  flush();
}

void SubscriptionSession::on_message(MessageType, std::string_view, std::vector<sys::Fd>) {
  close_();
}

void SubscriptionSession::flush() {
  while (!changed_.empty()) {
    const std::string id = *changed_.begin();
    const std::optional<ChildState> state = lookup_(id);
    const std::string message =
        state ? encode(MessageType::kState, *state) : encode(MessageType::kRemoved, id);
    if (channel_.send(message) != Channel::Sent::kSent) {
      return;
    }
    changed_.erase(id);
  }
  if (!synced_) {
    synced_ = channel_.send(encode(MessageType::kSynced)) == Channel::Sent::kSent;
  }
}

void HoldSession::on_message(MessageType type, std::string_view /*fields*/,
                             std::vector<sys::Fd> /*fds*/) {
  if (type == MessageType::kProceed && proceed_) {
    std::exchange(proceed_, nullptr)();
  } else {
    on_closed();
  }
}

void HoldSession::on_closed() {
  if (proceed_) {
    abandon_();
  }
  close_();
}

AttachSession::AttachSession(Channel& channel, Child& child, std::function<void()> close)
    : channel_(channel), child_(&child), close_(std::move(close)) {
  child.add_viewer(this);
}

AttachSession::~AttachSession() {
  if (child_ != nullptr) {
    child_->remove_viewer(this);
  }
}

void AttachSession::on_message(MessageType type, std::string_view fields, std::vector<sys::Fd>) {
  if (child_ == nullptr) {
    return;
  }
  if (type == MessageType::kStdin) {
    unwritten_.assign(fields);
    on_stdin_writable();
  } else if (type == MessageType::kCloseStdin) {
    child_->close_stdin();
  } else if (type == MessageType::kResize) {
    WireReader reader(fields);
    const auto columns = reader.number<uint16_t>();
    child_->resize(columns, reader.number<uint16_t>());
  } else {
    close_();
  }
}

void AttachSession::on_stdin_writable() {
  if (child_ == nullptr || unwritten_.empty()) {
    return;
  }
  unwritten_.erase(0, child_->write_stdin(unwritten_));
  channel_.set_reading(unwritten_.empty());
}

void AttachSession::on_output(OutputStream stream, std::string_view data) {
  WireWriter writer;
  writer.number(static_cast<uint8_t>(stream == OutputStream::kStdout ? MessageType::kStdout
                                                                     : MessageType::kStderr));
  writer.raw(data);
  if (!tell_dropped() || channel_.send(writer.take()) == Channel::Sent::kFull) {
    dropped_bytes_ += data.size();
  }
}

bool AttachSession::tell_dropped() {
  if (dropped_bytes_ == 0) {
    return true;
  }
  WireWriter writer;
  writer.number(static_cast<uint8_t>(MessageType::kDropped));
  writer.number(dropped_bytes_);
  if (channel_.send(writer.take()) != Channel::Sent::kSent) {
    return false;
  }
  dropped_bytes_ = 0;
  return true;
}

void AttachSession::on_exit(const ChildState& state) {
  child_ = nullptr;
  farewell_ = encode(MessageType::kExited, state);
  on_writable();
}

void AttachSession::on_writable() {
  if (!tell_dropped() || farewell_.empty()) {
    return;
  }
  if (channel_.send(farewell_) != Channel::Sent::kFull) {
    farewell_.clear();
    close_();
  }
}

void AttachSession::on_closed() {
  if (child_ != nullptr) {
    child_->close_stdin();
  }
  close_();
}

}  // namespace duet::monitor
