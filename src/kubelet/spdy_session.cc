#include "kubelet/spdy_session.h"

#include <sys/socket.h>

#include <algorithm>
#include <iterator>

namespace duet::kubelet {
namespace {

using api::Channel;

struct StreamType {
  std::string_view name;
  Channel channel;
};
constexpr StreamType kStreamTypes[] = {{"stdin", Channel::kStdin},
                                       {"stdout", Channel::kStdout},
                                       {"stderr", Channel::kStderr},
                                       {"error", Channel::kError},
                                       {"resize", Channel::kResize}};

std::size_t place_of(Channel channel) { return static_cast<std::size_t>(channel); }

}  // namespace

bool SpdySession::is_wanted(Channel channel) const {
  switch (channel) {
    case Channel::kStdin:
      return wanted_.in;
    case Channel::kStdout:
      return wanted_.out;
    case Channel::kStderr:
      return wanted_.err;
    case Channel::kResize:
      return wanted_.tty;
    default:
      return true;
  }
}

Result<std::optional<api::Frame>> SpdySession::next() {
  auto frame = next_frame();
  if (!frame.ok() || !frame->has_value()) {
    const std::lock_guard lock(mutex_);
    gone_ = true;
    opened_.notify_all();
  }
  return frame;
}

Result<std::optional<api::Frame>> SpdySession::next_frame() {
  while (frames_.empty()) {
    DUET_ASSIGN(const auto event, connection_.next());
    if (!event) {
      return std::optional<api::Frame>();
    }
    switch (event->kind) {
      case SpdyConnection::Event::Kind::kOpened:
        DUET_TRY(take_opened(*event));
        break;
      case SpdyConnection::Event::Kind::kData:
        take_data(*event);
        break;
      case SpdyConnection::Event::Kind::kReset:
        if (channel_of(event->stream) == Channel::kError) {
          return std::optional<api::Frame>();  // nobody is told any more how it ends
        }
    }
  }
  auto frame = std::optional(std::move(frames_.front()));
  frames_.pop_front();
  return frame;
}

Status SpdySession::take_opened(const SpdyConnection::Event& event) {
  const std::string_view type = net::find_value(event.fields, "streamtype");
  for (const StreamType& one : kStreamTypes) {
    if (one.name != type || !is_wanted(one.channel)) {
      continue;
    }
    const std::lock_guard lock(mutex_);
    if (streams_.at(place_of(one.channel)) != 0) {
      break;
    }
    DUET_TRY(connection_.accept(event.stream));
    streams_.at(place_of(one.channel)) = event.stream;
    opened_.notify_all();
    return {};
  }
  return connection_.reset(event.stream, SpdyReset::kProtocolError);
}

std::optional<Channel> SpdySession::channel_of(std::uint32_t stream) const {
  const std::lock_guard lock(mutex_);
  for (const StreamType& one : kStreamTypes) {
    if (streams_.at(place_of(one.channel)) == stream) {
      return one.channel;
    }
  }
  return std::nullopt;
}

void SpdySession::take_data(const SpdyConnection::Event& event) {
  const auto channel = channel_of(event.stream);
  if (channel == Channel::kResize) {
    take_resize(event.data);
  } else if (channel == Channel::kStdin) {
    if (!event.data.empty()) {
      frames_.push_back({Channel::kStdin, event.data});
    }
    if (event.last) {
      frames_.push_back({Channel::kClose, std::string(1, '\0')});
    }
  }
  // On other channels clients only end what they do not send.
}

// Each is a JSON object; they follow one another in the stream.
void SpdySession::take_resize(const std::string& data) {
  for (const char c : data) {
    resize_ += c;
    if (c == '}') {
      frames_.push_back({Channel::kResize, std::move(resize_)});
      resize_.clear();
    } else if (resize_.size() > kResizeBytes) {
      resize_.clear();
    }
  }
}

Status SpdySession::send(Channel channel, std::string_view data) {
  if (!is_wanted(channel)) {
    return {};
  }
  std::uint32_t stream = 0;
  {
    std::unique_lock lock(mutex_);
    opened_.wait_for(lock, std::chrono::milliseconds(kStreamPatienceMs),
                     [&] { return gone_ || streams_.at(place_of(channel)) != 0; });
    stream = streams_.at(place_of(channel));
  }
  return stream != 0 ? connection_.send(stream, data)
                     : Status(Error(ErrorCode::kTimeout, "the client opened no stream for it"));
}

bool SpdySession::all_opened() const {
  return std::all_of(std::begin(kStreamTypes), std::end(kStreamTypes), [this](const auto& one) {
    return !is_wanted(one.channel) || streams_.at(place_of(one.channel)) != 0;
  });
}

void SpdySession::end() {
  {
    std::unique_lock lock(mutex_);
    opened_.wait_for(lock, std::chrono::milliseconds(kStreamPatienceMs),
                     [this] { return gone_ || all_opened(); });
  }
  connection_.end();
}

void SpdySession::cut() { shutdown(fd_, SHUT_RDWR); }

}  // namespace duet::kubelet
