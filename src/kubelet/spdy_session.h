#pragma once

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "api/session.h"
#include "kubelet/spdy_connection.h"
#include "kubelet/streams_wanted.h"

namespace duet::kubelet {

// The client of an exec or attach by v4.channel.k8s.io over SPDY: it opens a stream for each
// channel, whose header streamType says which. As of api::SessionClient for threads.
class SpdySession final : public api::SessionClient {
 public:
  static constexpr int kStreamPatienceMs = 30'000;   // for the client to open a wanted stream
  static constexpr std::size_t kResizeBytes = 1024;  // of one resize

  // `connection` must outlive it; its socket is `fd`.
  SpdySession(SpdyConnection& connection, int fd, StreamsWanted wanted)
      : connection_(connection), fd_(fd), wanted_(wanted) {}

  Result<std::optional<api::Frame>> next() override;
  Status send(api::Channel channel, std::string_view data) override;
  // Waits for the streams that the client is still about to open: it waits for their answers.
  void end() override;
  void cut() override;

 private:
  Result<std::optional<api::Frame>> next_frame();
  Status take_opened(const SpdyConnection::Event& event);
  void take_data(const SpdyConnection::Event& event);
  void take_resize(const std::string& data);
  std::optional<api::Channel> channel_of(std::uint32_t stream) const;
  bool is_wanted(api::Channel channel) const;
  bool all_opened() const;  // with mutex_ held

  SpdyConnection& connection_;
  int fd_;
  StreamsWanted wanted_;
  std::deque<api::Frame> frames_;  // that came and were not asked for yet
  std::string resize_;             // what came of the next one
  mutable std::mutex mutex_;       // of the rest
  std::condition_variable opened_;
  std::array<std::uint32_t, 5> streams_{};  // by channel; 0: not opened
  bool gone_ = false;                       // the client opens no more
};

}  // namespace duet::kubelet
