#include "kubelet/spdy_connection.h"

#include <array>

namespace duet::kubelet {
namespace {

constexpr std::size_t kSendBytes = 16 << 10;  // of one data frame: a TLS record

}  // namespace

Result<std::optional<SpdyConnection::Event>> SpdyConnection::next() {
  for (;;) {
    const SpdyParsed parsed = parse_spdy_frame(std::string_view(buffer_).substr(consumed_));
    if (parsed.state == SpdyParsed::State::kInvalid) {
      return invalid("the peer sent no SPDY/3: " + std::string(parsed.reason));
    }
    if (parsed.state == SpdyParsed::State::kDone) {
      consumed_ += parsed.consumed;
      DUET_ASSIGN(auto event, take_event(parsed.frame));
      if (event) {
        return event;
      }
      continue;
    }
    buffer_.erase(0, consumed_);
    consumed_ = 0;
    std::array<char, 16 << 10> piece{};
    DUET_ASSIGN(const std::size_t got, stream_.receive(piece.data(), piece.size()));
    if (got == 0) {
      return std::optional<Event>();
    }
    buffer_.append(piece.data(), got);
  }
}

// What the frame means to whoever calls next(); nothing: nothing.
Result<std::optional<SpdyConnection::Event>> SpdyConnection::take_event(const SpdyFrame& frame) {
  switch (frame.type) {
    case SpdyType::kData:
      return take_data(frame);
    case SpdyType::kSynStream:
      return take_opened(frame);
    case SpdyType::kSynReply:
    case SpdyType::kHeaders: {
      DUET_TRY(reader_.read(frame.payload));  // of no use, but part of the compressed stream
      return std::optional<Event>();
    }
    case SpdyType::kRstStream: {
      const std::lock_guard lock(mutex_);
      return streams_.erase(frame.stream) == 0
                 ? std::optional<Event>()
                 : std::optional(Event{.kind = Event::Kind::kReset, .stream = frame.stream});
    }
    case SpdyType::kPing: {
      if (frame.number % 2 == 1) {  // the client's own: an even one answers a server's
        const std::lock_guard lock(mutex_);
        DUET_TRY(stream_.send(spdy_ping(frame.number)));
      }
      return std::optional<Event>();
    }
    default:
      return std::optional<Event>();
  }
}

Result<std::optional<SpdyConnection::Event>> SpdyConnection::take_opened(const SpdyFrame& frame) {
  DUET_ASSIGN(auto fields, reader_.read(frame.payload));
  if (frame.stream % 2 == 0 || frame.stream <= newest_) {
    return invalid("the peer sent no SPDY/3: stream " + std::to_string(frame.stream) +
                   " is not a new one of a client");
  }
  newest_ = frame.stream;
  const std::lock_guard lock(mutex_);
  if (streams_.size() >= kStreamLimit) {
    DUET_TRY(stream_.send(spdy_rst_stream(frame.stream, SpdyReset::kRefused)));
    return std::optional<Event>();
  }
  const bool last = (frame.flags & kSpdyFin) != 0;
  streams_[frame.stream] = {.remote_over = last};
  return std::optional(Event{.kind = Event::Kind::kOpened,
                             .stream = frame.stream,
                             .fields = std::move(fields),
                             .last = last});
}

std::optional<SpdyConnection::Event> SpdyConnection::take_data(const SpdyFrame& frame) {
  const std::lock_guard lock(mutex_);
  const auto found = streams_.find(frame.stream);
  if (found == streams_.end() || found->second.remote_over) {
    return std::nullopt;  // it was on its way when the stream ended
  }
  Event event{.kind = Event::Kind::kData,
              .stream = frame.stream,
              .data = std::string(frame.payload),
              .last = (frame.flags & kSpdyFin) != 0};
  found->second.remote_over = event.last;
  drop_if_over(frame.stream);
  return event;
}

void SpdyConnection::drop_if_over(std::uint32_t stream) {
  const auto found = streams_.find(stream);
  if (found != streams_.end() && found->second.remote_over && found->second.local_over) {
    streams_.erase(found);
  }
}

Status SpdyConnection::accept(std::uint32_t stream) {
  const std::lock_guard lock(mutex_);
  return stream_.send(spdy_syn_reply(stream, writer_.write({})));
}

Status SpdyConnection::send(std::uint32_t stream, std::string_view data) {
  while (!data.empty()) {
    const std::string_view piece = data.substr(0, kSendBytes);
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(stream);
    if (found == streams_.end() || found->second.local_over) {
      return Error(ErrorCode::kUnavailable, "the stream is over");
    }
    DUET_TRY(stream_.send(spdy_data(stream, piece, false)));
    data.remove_prefix(piece.size());
  }
  return {};
}

Status SpdyConnection::finish_locked(std::uint32_t stream) {
  const auto found = streams_.find(stream);
  if (found == streams_.end() || found->second.local_over) {
    return {};
  }
  found->second.local_over = true;
  drop_if_over(stream);
  return stream_.send(spdy_data(stream, "", true));
}

Status SpdyConnection::finish(std::uint32_t stream) {
  const std::lock_guard lock(mutex_);
  return finish_locked(stream);
}

Status SpdyConnection::reset(std::uint32_t stream, SpdyReset reason) {
  const std::lock_guard lock(mutex_);
  streams_.erase(stream);
  return stream_.send(spdy_rst_stream(stream, reason));
}

void SpdyConnection::end() {
  const std::lock_guard lock(mutex_);
  while (!streams_.empty()) {
    const std::uint32_t stream = streams_.begin()->first;
    if (!finish_locked(stream).ok()) {
      return;
    }
    streams_.erase(stream);
  }
  (void)stream_.send(spdy_go_away(newest_));
  stream_.end();
}

}  // namespace duet::kubelet
