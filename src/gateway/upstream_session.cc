#include "gateway/upstream_session.h"

#include <algorithm>
#include <cstring>

#include "gateway/upstream_pool.h"

namespace duet::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kReadBytes = 16 << 10;
constexpr int kReadsARun = 32;  // before others get a turn

}  // namespace

UpstreamSession::UpstreamSession(UpstreamPool& pool, Origin& origin, sys::Fd fd)
    : pool_(pool), origin_(origin), stream_(std::move(fd), pool.buffers()) {}

UpstreamSession::~UpstreamSession() { pool_.loop().remove(stream_.fd(), *this); }

Status UpstreamSession::open() {
  received_ns_ = pool_.loop().now_ns();
  DUET_TRY(make_session());
  return pool_.loop().add(stream_.fd(), *this);
}

bool UpstreamSession::takes_calls() const {
  return !closed_ && !retired_ && nghttp2_session_check_request_allowed(session_.get()) != 0;
}

bool UpstreamSession::has_room() const {
  if (!settings_came_) {
    return users_.size() < kStreamLimit;
  }
  const std::uint32_t allowed =
      nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return users_.size() < std::min(kStreamLimit, std::size_t{allowed});
}

Result<std::int32_t> UpstreamSession::submit(const Http2Fields& head, bool has_body, User& user) {
  nghttp2_data_provider provider{};
  provider.read_callback = read_body_of;
  const std::int32_t id = nghttp2_submit_request(session_.get(), nullptr, head.data(), head.size(),
                                                 has_body ? &provider : nullptr, nullptr);
  if (id < 0) {
    return internal(nghttp2_strerror(id));
  }
  users_[id] = &user;
  pool_.loop().cancel_timer(timer_);
  pool_.loop().defer(*this);
  return id;
}

void UpstreamSession::resume_body(std::int32_t id) {
  nghttp2_session_resume_data(session_.get(), id);
  pool_.loop().defer(*this);
}

void UpstreamSession::consume(std::int32_t id, std::size_t size) {
  nghttp2_session_consume(session_.get(), id, size);
  pool_.loop().defer(*this);
}

void UpstreamSession::leave(std::int32_t id, User& user) {
  std::replace(unsettled_.begin(), unsettled_.end(), &user, static_cast<User*>(nullptr));
  const auto found = users_.find(id);
  if (found == users_.end() || found->second != &user) {
    return;
  }
  found->second = nullptr;
  if (std::any_of(ended_.begin(), ended_.end(), [id](const Ended& one) { return one.id == id; })) {
    return;
  }
  if (!connected_) {
    // Nothing was sent, and there is nobody to be told. A connection that takes too long for
    // everybody who waits for it is not made at all.
    users_.erase(found);
    retired_ |= users_.empty();
  }
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  pool_.loop().defer(*this);
}

void UpstreamSession::note_silence(std::int64_t idle_ms) {
  retired_ |= !connected_ || pool_.loop().now_ns() - received_ns_ >= idle_ms * kNsPerMs;
}

void UpstreamSession::on_io(std::uint32_t events) {
  stream_.note_events(events);
  if (!connected_ && (events & EPOLLOUT) != 0 && !stream_.failed()) {
    connected_ = true;
    for (const auto& [id, user] : users_) {
      if (user != nullptr) {
        user->on_connected();
      }
    }
  }
  work();
  close_if_over();
  if (!stream_.out().empty() && stream_.writable()) {
    pool_.loop().defer(*this);
  }
}

// At the end of the loop's round: sends what all requests of the round have to say in one go.
void UpstreamSession::run_deferred() {
  if (closed_) {
    pool_.drop(*this);  // destroys this
    return;
  }
  work();
  stream_.flush();
  close_if_over();
}

void UpstreamSession::work() {
  if (running_ || closed_) {
    return;
  }
  running_ = true;
  if (connected_) {
    int reads = 0;
    while (receive()) {
      settle_users();
      gather();
      if (++reads >= kReadsARun) {
        pool_.loop().defer(*this);
        break;
      }
    }
    gather();
  }
  settle_users();
  running_ = false;
}

void UpstreamSession::close_if_over() {
  const bool says_nothing = nghttp2_session_want_read(session_.get()) == 0 &&
                            nghttp2_session_want_write(session_.get()) == 0;
  if (stream_.failed() || stream_.ended()) {
    close(connected_ ? Close::kLost : Close::kNotConnected,
          stream_.failed() ? std::strerror(stream_.error()) : "the server closed the connection");
  } else if (says_nothing && stream_.out().empty()) {
    close(Close::kBroken, "what the server sends is not HTTP/2");
  } else if (users_.empty() && !takes_calls() && stream_.out().empty()) {
    close(Close::kComplete, "");
  } else if (users_.empty() && !closed_) {
    stream_.release_memory();
    pool_.loop().set_timer(timer_, UpstreamPool::kIdleTimeoutMs * kNsPerMs);
  }
}

// Gives nghttp2 what has come. False: there is no more now.
bool UpstreamSession::receive() {
  const bool received = stream_.fill(kReadBytes, kReadBytes);
  net::Buffer& in = stream_.in();
  if (in.empty() || stream_.failed()) {
    return false;
  }
  received_ns_ = pool_.loop().now_ns();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(in.view().data());
  const ssize_t taken = nghttp2_session_mem_recv(session_.get(), bytes, in.size());
  in.clear();
  if (taken < 0) {
    close(Close::kBroken, nghttp2_strerror(static_cast<int>(taken)));
    return false;
  }
  return received || stream_.readable();
}

// Takes frames from nghttp2 as far as the socket takes them from here. Less than kOutBytes stay for
// the end of the round.
void UpstreamSession::gather() {
  bool more = !closed_;
  while (more && !stream_.failed()) {
    while (stream_.out().size() < kOutBytes) {
      const std::uint8_t* frames = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_.get(), &frames);
      if (size < 0) {
        close(Close::kBroken, nghttp2_strerror(static_cast<int>(size)));
        return;
      }
      if (size == 0) {
        return;
      }
      stream_.out().append({reinterpret_cast<const char*>(frames), static_cast<std::size_t>(size)});
    }
    stream_.flush();
    more = stream_.out().size() < kOutBytes;
  }
}

void UpstreamSession::settle_users() {
  for (std::size_t i = 0; i < unsettled_.size(); ++i) {
    if (User* user = std::exchange(unsettled_[i], nullptr)) {
      user->on_settled();
    }
  }
  unsettled_.clear();
  end_users();
}

void UpstreamSession::end_users() {
  std::vector<Ended> ended;
  ended.swap(ended_);
  for (const auto& [id, error] : ended) {
    User* user = find(id);
    users_.erase(id);
    if (user != nullptr) {
      user->on_closed(error == NGHTTP2_NO_ERROR         ? Close::kComplete
                      : error == NGHTTP2_REFUSED_STREAM ? goes_ ? Close::kUnseen : Close::kRefused
                      : error == NGHTTP2_PROTOCOL_ERROR ? Close::kBroken
                                                        : Close::kReset,
                      nghttp2_http2_strerror(error));
    }
  }
}

// Nobody has asked for long.
void UpstreamSession::on_idle() {
  if (users_.empty() && !closed_) {
    retired_ = true;
    nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
    pool_.loop().defer(*this);
  }
}

void UpstreamSession::close(Close how, const std::string& detail) {
  if (closed_) {
    return;
  }
  closed_ = true;
  pool_.loop().cancel_timer(timer_);
  pool_.loop().defer(*this);
  std::unordered_map<std::int32_t, User*> users;
  users.swap(users_);
  for (const auto& [id, user] : users) {
    if (user != nullptr) {
      std::replace(unsettled_.begin(), unsettled_.end(), user, static_cast<User*>(nullptr));
      user->on_closed(how, detail);
    }
  }
}

UpstreamSession::User* UpstreamSession::find(std::int32_t id) {
  const auto found = users_.find(id);
  return found == users_.end() ? nullptr : found->second;
}

}  // namespace duet::gateway
