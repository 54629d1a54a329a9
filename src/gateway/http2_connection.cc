#include "gateway/http2_connection.h"

#include <algorithm>

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kGoodbyeMs = 1'000;  // for a client to have seen the first GOAWAY
constexpr std::size_t kReadBytes = 16 << 10;
constexpr int kReadsARun = 32;  // before others get a turn

}  // namespace

Http2Connection::Http2Connection(Front& front, net::Stream stream, Client client)
    : front_(front), stream_(std::move(stream)), client_(std::move(client)) {}

Http2Connection::~Http2Connection() { front_.loop.remove(stream_.fd(), *this); }

void Http2Connection::open(std::list<std::unique_ptr<FrontConnection>>::iterator self) {
  self_ = self;
  progress_ns_ = front_.loop.now_ns();
  if (!front_.loop.add(stream_.fd(), *this).ok() || !make_session().ok()) {
    close();
    return;
  }
  front_.loop.defer(*this);  // what has come already, and our settings
}

void Http2Connection::on_io(std::uint32_t events) {
  stream_.note_events(events);
  run();
}

void Http2Connection::run_deferred() {
  dead_.clear();
  if (state_ == State::kClosed) {
    front_.connections.erase(self_);  // destroys this
    return;
  }
  run();
}

void Http2Connection::run() {
  if (running_ || state_ == State::kClosed) {
    return;
  }
  running_ = true;
  int reads = 0;
  while (receive()) {
    gather();
    if (++reads >= kReadsARun) {
      front_.loop.defer(*this);
      break;
    }
  }
  note_client_end();
  gather();
  running_ = false;
  settle();
}

void Http2Connection::pump() {
  if (running_ || state_ == State::kClosed) {
    return;  // or it is done at the end of run()
  }
  running_ = true;
  gather();
  running_ = false;
  settle();
}

// Gives nghttp2 what has come. False: there is no more now.
// While the client does not take what it asked for, nothing more is read from it: what it makes us
// say has no other bound.
bool Http2Connection::receive() {
  if (stream_.out().size() >= kOutBytes) {
    stream_.flush();
    if (stream_.out().size() >= kOutBytes) {
      return false;
    }
  }
  const bool received = stream_.fill(kReadBytes, kReadBytes);
  net::Buffer& in = stream_.in();
  if (in.empty() || stream_.failed()) {
    return false;
  }
  if (state_ == State::kOpen) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(in.view().data());
    const ssize_t taken = nghttp2_session_mem_recv(session_.get(), bytes, in.size());
    if (taken < 0) {
      nghttp2_session_terminate_session(session_.get(), taken == NGHTTP2_ERR_FLOODED
                                                            ? NGHTTP2_ENHANCE_YOUR_CALM
                                                            : NGHTTP2_PROTOCOL_ERROR);
      broken_ = true;
    }
  }
  in.clear();
  return (received || stream_.readable()) && !broken_;
}

// Takes frames from nghttp2 as far as the socket takes them from here. Less than kOutBytes stay, to
// be sent with what else comes in this round.
void Http2Connection::gather() {
  if (state_ != State::kOpen) {
    return;
  }
  for (bool more = true; more && !stream_.failed();) {
    more = false;
    while (stream_.out().size() < kOutBytes) {
      const std::uint8_t* frames = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_.get(), &frames);
      if (size <= 0) {
        broken_ |= size < 0;
        break;
      }
      stream_.out().append({reinterpret_cast<const char*>(frames), static_cast<std::size_t>(size)});
    }
    if (stream_.out().size() >= kOutBytes) {
      stream_.flush();
      more = stream_.out().size() < kOutBytes;
    }
    more |= resume_streams();
  }
}

bool Http2Connection::resume_streams() {
  bool resumed = false;
  std::vector<std::int32_t> drained;
  drained.swap(drained_);
  for (const std::int32_t id : drained) {
    Http2Stream* stream = find(id);
    resumed |= stream != nullptr && stream->resume_if_drained();
  }
  return resumed;
}

// A client that has ended sending gets the answers to what it has asked. One that is gone looks the
// same at first: its system answers the ping by a reset.
void Http2Connection::note_client_end() {
  if (!stream_.ended() || client_ended_ || state_ != State::kOpen) {
    return;
  }
  client_ended_ = true;
  for (const auto& [id, stream] : streams_) {
    stream->client_ended();
  }
  if (!streams_.empty()) {
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr);
  }
}

// Nothing more is said on either side.
bool Http2Connection::over() const {
  if (nghttp2_session_want_write(session_.get()) != 0) {
    return false;
  }
  if (client_ended_ && !broken_) {
    return streams_.empty();
  }
  if (draining_ && !goodbye_said_ && !broken_) {
    return false;
  }
  return broken_ || nghttp2_session_want_read(session_.get()) == 0;
}

// Sends what was gathered: with what other connections have, and where nothing follows at once.
void Http2Connection::send() {
  const bool goes_on = state_ == State::kOpen && !client_ended_ && !over();
  if (goes_on && !stream_.out().empty() && stream_.writable()) {
    front_.sends.add(stream_);  // a failure, and room after a lack of it, come back as events
    sent_before_ = stream_.sent_bytes() + stream_.out().size();
    progress_ns_ = front_.loop.now_ns();
  } else {
    stream_.flush();
  }
}

void Http2Connection::settle() {
  send();
  const bool done = state_ == State::kOpen ? over() && stream_.out().empty() : stream_.ended();
  if (stream_.failed() || (done && stream_.ended())) {
    stream_.say_end();
    close();
    return;
  }
  if (state_ == State::kOpen && done) {
    // What the client still sends is read over, so that our last words are not lost to a reset.
    state_ = State::kLinger;
    progress_ns_ = front_.loop.now_ns();
    end_streams();
    stream_.shutdown_send();
  }
  set_timer();
}

void Http2Connection::end_streams() {
  for (auto& [id, stream] : streams_) {
    stream->closed(NGHTTP2_CANCEL);
    dead_.push_back(std::move(stream));
  }
  streams_.clear();
  front_.loop.defer(*this);
}

void Http2Connection::close() {
  if (state_ == State::kClosed) {
    return;
  }
  end_streams();
  state_ = State::kClosed;
  front_.loop.cancel_timer(timer_);
}

void Http2Connection::drain() {
  if (state_ != State::kOpen || draining_) {
    return;
  }
  draining_ = true;
  progress_ns_ = front_.loop.now_ns();  // from which kGoodbyeMs are counted
  // First that no more should come; when the answer to the ping shows that the client has read
  // that, up to where requests were taken (RFC 9113 section 6.8).
  nghttp2_submit_shutdown_notice(session_.get());
  pump();
}

void Http2Connection::say_goodbye() {
  if (draining_ && !goodbye_said_) {
    goodbye_said_ = true;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR,
                          nullptr, 0);
  }
}

void Http2Connection::consume(std::int32_t stream_id, std::size_t size) {
  if (size > 0) {
    nghttp2_session_consume(session_.get(), stream_id, size);
  }
}

Http2Connection::Awaited Http2Connection::awaited() {
  if (state_ == State::kLinger) {
    return Awaited::kEnd;
  }
  if (draining_ && !goodbye_said_) {
    return Awaited::kGoodbye;
  }
  if (head_began_ns_ != 0) {
    return Awaited::kHead;
  }
  if (!stream_.out().empty()) {
    return Awaited::kRoom;
  }
  return streams_.empty() ? Awaited::kRequest : Awaited::kNothing;
}

void Http2Connection::set_timer() {
  if (state_ == State::kClosed) {
    return;
  }
  const ClientLimits& limits = front_.limits;
  std::int64_t timeout_ms = 0;
  std::int64_t since_ns = progress_ns_;
  if (stream_.sent_bytes() != sent_before_) {
    sent_before_ = stream_.sent_bytes();
    progress_ns_ = since_ns = front_.loop.now_ns();
  }
  timed_ = awaited();
  switch (timed_) {
    case Awaited::kNothing:
      front_.loop.cancel_timer(timer_);
      return;
    case Awaited::kEnd:
      timeout_ms = limits.linger_timeout_ms;
      break;
    case Awaited::kGoodbye:
      timeout_ms = kGoodbyeMs;
      break;
    case Awaited::kHead:
      timeout_ms = limits.head_timeout_ms;
      since_ns = head_began_ns_;
      break;
    case Awaited::kRoom:
      timeout_ms = limits.stall_timeout_ms;
      break;
    case Awaited::kRequest:
      stream_.release_memory();
      timeout_ms = had_request_ ? limits.idle_timeout_ms : limits.head_timeout_ms;
  }
  front_.loop.set_timer(timer_, timeout_ms * kNsPerMs - (front_.loop.now_ns() - since_ns));
}

void Http2Connection::on_timer() {
  if (timed_ != awaited()) {
    set_timer();  // what waited has been sent since, at the end of a round
    return;
  }
  switch (timed_) {
    case Awaited::kNothing:
      return;
    case Awaited::kEnd:
    case Awaited::kRoom:
      close();  // it reads nothing, also no last words
      return;
    case Awaited::kGoodbye:
      say_goodbye();
      break;
    case Awaited::kHead:
      nghttp2_session_terminate_session(session_.get(), NGHTTP2_ENHANCE_YOUR_CALM);
      break;
    case Awaited::kRequest:
      nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
  }
  pump();
}

Http2Stream* Http2Connection::find(std::int32_t id) {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

}  // namespace duet::gateway
