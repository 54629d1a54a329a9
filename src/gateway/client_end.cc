#include "gateway/client_connection.h"

// How a client's connection ends.
namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
// How long a worker that drains waits for a client that has connected and sent nothing yet.
constexpr std::int64_t kFirstRequestNs = 500 * kNsPerMs;

}  // namespace

void ClientConnection::drain() {
  draining_ = true;
  keep_alive_ = false;
  if (state_ != State::kHead || running_) {
    return;
  }
  stream_.note_events(EPOLLIN);  // a request may have come that no event has told of yet
  stream_.fill(read_limit());
  if (!stream_.in().empty()) {
    run();
  } else if (!stream_.out().empty() && !stream_.failed()) {
    state_ = State::kFlush;
    run();
  } else if (!first_request_ || stream_.ended() || stream_.failed()) {
    close();
  } else {
    front_.loop.set_timer(timer_, kFirstRequestNs);
  }
}

void ClientConnection::linger() {
  state_ = State::kLinger;
  progress_ns_ = front_.loop.now_ns();
  linger_until_ns_ = progress_ns_ + front_.limits.linger_limit_ms * kNsPerMs;
}

void ClientConnection::close() {
  if (state_ == State::kClosed) {
    return;
  }
  note_incomplete_head();
  end_request();
  state_ = State::kClosed;
  front_.loop.defer(*this);
}

// A client whose TLS was refused has sent no request, and gets its line in the log all the same.
void ClientConnection::note_broken_handshake() {
  if (stream_.cipher() != nullptr && !stream_.cipher()->ready()) {
    const std::string& problem = stream_.cipher()->problem();
    request_ = net::RequestHead{};
    begin_exchange();
    transaction_.set_reason("HandshakeFailed");
    transaction_.set_detail(problem.empty() ? "no handshake in time" : problem);
  }
}

// A client that goes in the middle of a head gets its line too. An empty line is no head.
void ClientConnection::note_incomplete_head() {
  const std::string_view head = stream_.in().view();
  if (state_ == State::kHead && !head.empty() && head != "\r" && head != "\r\n") {
    request_ = net::RequestHead{};
    begin_exchange();
    transaction_.set_detail("the request's head is not complete");
  }
}

void ClientConnection::end_request() {
  if (transaction_.active()) {
    if (!transaction_.has_reason() && !answer_ended_) {
      transaction_.set_reason("ClientGone");
    }
    transaction_.end();
  }
}

// Ends the present request without its whole answer, which the client can tell, and reads no other
// one. The answers before it may still wait to be sent.
void ClientConnection::break_off() {
  const bool told = !head_written_ || chunked_ || counted_ || bodyless_;
  end_request();
  answer_ended_ = true;
  stream_.flush();
  if (told && state_ != State::kTunnel) {
    linger();
  } else {
    close();  // without a word: the end of the connection is the end of this answer
  }
}

}  // namespace duet::gateway
