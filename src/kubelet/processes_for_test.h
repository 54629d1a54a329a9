#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <condition_variable>
#include <list>
#include <mutex>
#include <string>

#include "api/api_fixture.h"
#include "monitor/client_wire.h"

namespace duet::kubelet {

// Pods with one process and one port, of which a test plays the other side.
class ProcessesForTest final : public pod::Pods {
 public:
  Status stop_all(int64_t) override { return {}; }
  Result<pod::Session> exec(const object::ObjectKey&, const std::string& container,
                            const pod::ExecOptions& options) override {
    if (container == "handler") {
      return Error(ErrorCode::kUnsupported, "it owns no process to enter");
    }
    executed = options;
    return session();
  }
  Result<pod::Session> attach(const object::ObjectKey&, const std::string&) override {
    return session();
  }
  Result<sys::Fd> connect(const object::ObjectKey&, int port) override {
    if (port != 80) {
      return Error(ErrorCode::kUnavailable, "nobody listens");
    }
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const std::lock_guard lock(mutex_);
    port_ends_.emplace_back(ends[1]);
    connected_.notify_all();
    return sys::Fd(ends[0]);
  }
  Result<pod::PodUsage> usage(const object::ObjectKey&) override {
    return not_found("nothing runs here");
  }
  Result<std::string> log_path(const object::ObjectKey&, const std::string&, bool) override {
    return not_found("no logs here");
  }

  // What the process's side does; the session's messages are those of the monitor.
  void print(const std::string& text) {
    const char type = static_cast<char>(monitor::MessageType::kStdout);
    EXPECT_TRUE(monitor::send_message(process.get(), type + text, kWaitMs).ok());
  }
  void exit(int code) {
    const auto message = monitor::encode(
        monitor::MessageType::kExited,
        monitor::ChildState{.phase = monitor::ChildPhase::kExited, .exit_code = code});
    EXPECT_TRUE(monitor::send_message(process.get(), message, kWaitMs).ok());
  }
  // The next message to the process; type 0: the session is over.
  monitor::WireMessage next() {
    auto got = monitor::receive_message(process.get(), kWaitMs);
    return got.ok() && *got ? std::move(**got) : monitor::WireMessage{};
  }

  // The other end of the connection that was made to the port last; waits for the first one, and
  // after next_port() for the next.
  sys::Fd& port() {
    std::unique_lock lock(mutex_);
    connected_.wait_for(lock, std::chrono::milliseconds(kWaitMs),
                        [&] { return port_ends_.size() > ports_done_; });
    return port_ends_.back();
  }
  void next_port() { ++ports_done_; }

  pod::ExecOptions executed;
  sys::Fd process;

 private:
  static constexpr int64_t kWaitMs = 30'000;

  std::mutex mutex_;
  std::condition_variable connected_;
  std::list<sys::Fd> port_ends_;
  std::size_t ports_done_ = 0;

  Result<pod::Session> session() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    process = sys::Fd(ends[1]);
    return pod::Session{monitor::Stream(sys::Fd(ends[0])), nullptr};
  }
};

}  // namespace duet::kubelet
