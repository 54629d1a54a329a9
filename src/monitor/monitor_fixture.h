#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "monitor/client.h"
#include "sys/file.h"
#include "sys/process.h"

namespace duet::monitor {

inline constexpr int64_t kPatienceMs = 60'000;

inline std::string monitor_executable() {
  const char* build = ::getenv("DUET_BUILD_DIR");
  return (build != nullptr ? std::string(build)
                           : sys::executable_directory().value_or("") + "/..") +
         "/duet-monitor";
}

// A folder and a real duet-monitor in it, which is ended with everything in it after the test.
class MonitorFixture : public testing::Test {
 protected:
  void SetUp() override {
    auto made = sys::make_temporary_directory("/tmp", "monitor-test-");
    ASSERT_TRUE(made.ok());
    base_ = *made;
    directory_ = base_ + "/pod";
    start_monitor();
  }

  void TearDown() override {
    const auto left = client().list();
    for (const ChildState& state : left.ok() ? *left : std::vector<ChildState>()) {
      EXPECT_TRUE(client().send_signal(state.id, SIGKILL).ok());
      EXPECT_TRUE(client().wait(state.id, kPatienceMs).ok());
    }
    if (left.ok()) {
      EXPECT_TRUE(client().quit().ok());
    }
    EXPECT_TRUE(sys::remove_tree(base_).ok());
  }

  void start_monitor() {
    auto client =
        MonitorClient::launch({.executable = monitor_executable(), .directory = directory_});
    ASSERT_TRUE(client.ok()) << client.error().message();
    client_ = std::make_unique<MonitorClient>(std::move(*client));
  }

  const MonitorClient& client() const { return *client_; }

  ProcessStart shell(const std::string& id, const std::string& script) const {
    return {.id = id,
            .argv = {"/bin/sh", "-c", script},
            .env = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
            .log = {.path = base_ + "/" + id + ".log"}};
  }

  // The texts of a log's lines as "<stream> <tag> <text>".
  std::vector<std::string> log_lines(const std::string& id) const {
    std::vector<std::string> lines;
    std::string text = sys::read_file(base_ + "/" + id + ".log", 256 << 20).value_or("");
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      const std::string line = text.substr(at, end - at);
      lines.push_back(line.substr(std::min(line.size(), line.find(' ') + 1)));
      at = end == std::string::npos ? text.size() : end + 1;
    }
    return lines;
  }

  // Reads a stream to its end: everything printed, and the exit.
  struct Conversation {
    std::string out;
    std::string err;
    ChildState end;
  };
  static Result<Conversation> hold(Stream& stream) {
    Conversation conversation;
    for (;;) {
      DUET_ASSIGN(const std::optional<StreamEvent> event, stream.next(kPatienceMs));
      if (!event) {
        return Error(ErrorCode::kTimeout, "the stream is silent");
      }
      if (event->kind == StreamEvent::Kind::kStdout) {
        conversation.out += event->data;
      } else if (event->kind == StreamEvent::Kind::kStderr) {
        conversation.err += event->data;
      } else if (event->kind == StreamEvent::Kind::kExited) {
        conversation.end = event->state;
        return conversation;
      }
    }
  }
  // Reads stdout until `text` was printed.
  static bool await_output(Stream& stream, const std::string& text) {
    std::string seen;
    while (seen.find(text) == std::string::npos) {
      const auto event = stream.next(kPatienceMs);
      if (!event.ok() || !*event || (*event)->kind != StreamEvent::Kind::kStdout) {
        ADD_FAILURE() << "got only: " << seen;
        return false;
      }
      seen += (*event)->data;
    }
    return true;
  }

  std::string base_;
  std::string directory_;
  std::unique_ptr<MonitorClient> client_;
};

}  // namespace duet::monitor
