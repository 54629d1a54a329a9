#include "gateway/client_connection.h"

#include <algorithm>

#include "gateway/http2_connection.h"

namespace duet::gateway {
namespace {

constexpr int kRequestsARun = 32;  // pipelined requests that are answered before others get a turn

}  // namespace

ClientConnection::ClientConnection(Front& front, net::Stream stream, Client client)
    : front_(front),
      stream_(std::move(stream)),
      client_(std::move(client)),
      parser_(front.limits.http) {}

ClientConnection::~ClientConnection() { front_.loop.remove(stream_.fd(), *this); }

void ClientConnection::open(std::list<std::unique_ptr<FrontConnection>>::iterator self) {
  self_ = self;
  progress_ns_ = front_.loop.now_ns();
  if (!front_.loop.add(stream_.fd(), *this).ok()) {
    close();
    return;
  }
  set_timers();
}

void ClientConnection::on_io(std::uint32_t events) {
  stream_.note_events(events);
  run();
}

void ClientConnection::run_deferred() {
  if (state_ == State::kClosed) {
    front_.connections.erase(self_);  // destroys this
    return;
  }
  run();
}

void ClientConnection::on_want_body() {
  body_blocked_ = false;
  progress_ns_ = front_.loop.now_ns();  // it was not the client that made nothing happen
}

std::size_t ClientConnection::read_limit() const {
  switch (state_) {
    case State::kHead:
      return front_.limits.http.head_bytes + 3;  // an empty line may stand before it
    case State::kExchange:
      return body_ended_ ? 0 : front_.limits.body_buffer_bytes;
    case State::kClosed:
    case State::kFlush:
      return 0;
    default:
      return front_.limits.body_buffer_bytes;
  }
}

void ClientConnection::run() {
  if (running_ || state_ == State::kClosed) {
    return;
  }
  running_ = true;
  int requests = 0;
  for (;;) {
    const std::size_t had_bytes = stream_.in().size();
    const bool received = stream_.fill(read_limit());
    if (received) {
      note_received(stream_.in().size() - had_bytes);
    }
    if (stream_.failed()) {
      note_broken_handshake();
      close();
      break;
    }
    if (first_request_ && speaks_http2()) {
      hand_over();
      break;
    }
    const bool progress = step();
    if (state_ == State::kClosed || (!progress && !received && !stream_.readable())) {
      break;
    }
    if (!progress && !received && stream_.in().size() >= read_limit()) {
      break;
    }
    if (progress && state_ == State::kHead && ++requests >= kRequestsARun) {
      front_.loop.defer(*this);
      break;
    }
  }
  running_ = false;
  if (state_ == State::kClosed) {
    return;
  }
  const bool goes_on = state_ == State::kHead || state_ == State::kExchange;
  if (goes_on && !stream_.out().empty() && stream_.writable()) {
    front_.sends.add(stream_);  // a failure comes back as an event
  } else {
    stream_.flush();
  }
  if (state_ == State::kFlush && stream_.out().empty()) {
    stream_.say_end();
    close();
    return;
  }
  if (stream_.failed()) {
    close();
    return;
  }
  if (state_ == State::kLinger && stream_.out().empty() && !end_sent_) {
    end_sent_ = true;
    stream_.shutdown_send();
  }
  set_timers();
}

// By what TLS agreed on, or without TLS by how HTTP/2 begins (RFC 9113 section 3.3 and 3.4).
bool ClientConnection::speaks_http2() {
  constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n";
  if (state_ != State::kHead) {
    return false;
  }
  return stream_.cipher() != nullptr ? stream_.cipher()->protocol() == "h2"
                                     : stream_.in().view().starts_with(kPreface);
}

void ClientConnection::hand_over() {
  front_.loop.remove(stream_.fd(), *this);
  front_.loop.cancel_timer(timer_);
  auto& connections = front_.connections;
  connections.push_back(
      std::make_unique<Http2Connection>(front_, std::move(stream_), std::move(client_)));
  connections.back()->open(std::prev(connections.end()));
  state_ = State::kClosed;
  front_.loop.defer(*this);
}

// Does one thing that can be done now; false: there is none.
bool ClientConnection::step() {
  if (answer_paused_ && transaction_.call() != nullptr) {
    stream_.flush();
    if (stream_.out().size() < front_.limits.answer_buffer_bytes / 2) {
      answer_paused_ = false;
      transaction_.call()->resume_answer();
      return true;
    }
  }
  switch (state_) {
    case State::kHead:
      return read_head();
    case State::kExchange:
      return answer_ended_ ? finish_exchange() : pump_body();
    case State::kTunnel:
      return answer_ended_ && body_ended_ ? finish_exchange() : pump_tunnel();
    case State::kDiscard:
      return discard_body();
    case State::kLinger:
      stream_.in().clear();
      if (stream_.ended()) {
        state_ = State::kFlush;  // there is nothing to wait for, and the answer may not be sent yet
      }
      return false;
    default:
      return false;
  }
}

bool ClientConnection::read_head() {
  if (stream_.in().empty()) {
    if (stream_.ended() || (!keep_alive_ && !first_request_)) {
      state_ = State::kFlush;
    }
    return false;
  }
  const net::ParseResult result = parser_.parse(stream_.in().view(), request_);
  switch (result.state) {
    case net::ParseResult::State::kIncomplete:
      if (stream_.ended()) {
        note_incomplete_head();
        break_off();
        return true;
      }
      return false;
    case net::ParseResult::State::kInvalid:
      request_ = net::RequestHead{};
      request_.keep_alive = false;
      stream_.in().clear();
      begin_exchange();
      transaction_.set_detail(result.reason);
      answer_own({.status = result.status, .reason = "BadRequest", .location = {}});
      return true;
    case net::ParseResult::State::kDone:
      begin_exchange();
      start_exchange();
      stream_.in().consume(result.consumed);
      if (transaction_.call() != nullptr) {
        transaction_.call()->begin();
      }
      return true;
  }
  return false;
}

// Without those that Connection named (RFC 9110 section 7.6.1).
std::span<const net::Field> ClientConnection::passed_trailers() {
  if (own_fields_.empty()) {
    return body_.trailers();
  }
  fields_ = body_.trailers();
  std::erase_if(fields_, [this](const net::Field& field) {
    return net::list_has_token(own_fields_, field.name);
  });
  return fields_;
}

// Gives the call what there is of the request's body.
bool ClientConnection::pump_body() {
  if (transaction_.call() == nullptr || body_ended_ || body_blocked_) {
    return false;
  }
  if (pending_data_ == 0) {
    const net::BodyDecoder::Step step = body_.next(stream_.in().view());
    stream_.in().consume(step.consumed - step.data.size());
    pending_data_ = step.data.size();
    if (step.state == net::BodyDecoder::State::kInvalid) {
      keep_alive_ = false;
      on_failure({.status = 400, .reason = "BadRequest", .detail = std::string(step.reason)});
      return true;
    }
    if (step.state == net::BodyDecoder::State::kEnd) {
      body_ended_ = true;
      transaction_.call()->finish_body(passed_trailers());
      return true;
    }
  }
  if (pending_data_ == 0) {
    if (stream_.ended()) {
      break_off();
      return true;
    }
    return false;
  }
  if (!transaction_.takes_body(pending_data_)) {
    on_failure(transaction_.refuse_body());
    return true;
  }
  const std::size_t taken =
      transaction_.call()->write_body(stream_.in().view().substr(0, pending_data_));
  body_blocked_ = taken < pending_data_;
  pending_data_ -= taken;
  transaction_.count_in(taken);
  stream_.in().consume(taken);
  return taken > 0;
}

bool ClientConnection::pump_tunnel() {
  if (transaction_.call() == nullptr || body_ended_ || body_blocked_) {
    return false;
  }
  if (!stream_.in().empty()) {
    const std::size_t size = stream_.in().size();
    const std::size_t taken = transaction_.call()->write_body(stream_.in().view());
    body_blocked_ = taken < size;
    transaction_.count_in(taken);
    stream_.in().consume(taken);
    return taken > 0;
  }
  if (stream_.ended()) {
    body_ended_ = true;
    transaction_.call()->finish_body({});
    return true;
  }
  return false;
}

// Reads over the rest of a body that nobody wants any more.
bool ClientConnection::discard_body() {
  for (;;) {
    const net::BodyDecoder::Step step = body_.next(stream_.in().view());
    stream_.in().consume(step.consumed);
    discarded_bytes_ += step.consumed;
    if (step.state == net::BodyDecoder::State::kEnd) {
      state_ = State::kHead;
      return true;
    }
    const bool more = step.state == net::BodyDecoder::State::kNeedMore;
    if (step.state == net::BodyDecoder::State::kInvalid || (more && stream_.ended()) ||
        discarded_bytes_ > front_.limits.discard_bytes) {
      keep_alive_ = false;
      linger();
      return true;
    }
    if (more) {
      return false;
    }
  }
}

// The answer is complete: decides what comes next on this connection.
bool ClientConnection::finish_exchange() {
  const bool was_tunnel = state_ == State::kTunnel;
  transaction_.end();
  stream_.in().consume(std::min(pending_data_, stream_.in().size()));
  pending_data_ = 0;
  if (was_tunnel) {
    state_ = State::kFlush;
  } else if (keep_alive_) {
    state_ = body_ended_ ? State::kHead : State::kDiscard;
    discarded_bytes_ = 0;
    if (state_ == State::kHead) {
      progress_ns_ = front_.loop.now_ns();
    }
  } else {
    const bool all_read = body_ended_ && stream_.in().empty() && transaction_.status() < 400;
    if (all_read) {
      state_ = State::kFlush;
    } else {
      linger();
    }
  }
  return true;
}

bool serve_client(Front& front, sys::Fd fd, Client client) {
  const bool tls = client.scheme == "https";
  auto cipher = tls ? front.tls->accept(fd.get()) : nullptr;
  if (tls && !cipher) {
    return false;
  }
  client.trusted = front.forwarding.trusts(client.address);
  front.connections.push_back(std::make_unique<ClientConnection>(
      front, net::Stream(std::move(fd), front.buffers, std::move(cipher)), std::move(client)));
  front.connections.back()->open(std::prev(front.connections.end()));
  return true;
}

}  // namespace duet::gateway
