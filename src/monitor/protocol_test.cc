#include "monitor/protocol.h"

#include <gtest/gtest.h>

namespace duet::monitor {
namespace {

std::string_view fields(const std::string& message) { return std::string_view(message).substr(1); }

TEST(Protocol, KeepsAContainerStart) {
  const ContainerStart start{.id = "web-0",
                             .create_argv = {"runc", "create", "web"},
                             .start_argv = {"runc", "start", "web"},
                             .pid_file = "/run/pid",
                             .console_socket = "/run/console",
                             .log = {"/var/log/0.log", 1234567890123, 7},
                             .stdin_open = true,
                             .stdin_once = true,
                             .oom_counter_file = "/sys/fs/cgroup/memory.events",
                             .timeout_ms = 4321};
  const auto read = decode_container_start(fields(encode(MessageType::kStartContainer, start)));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->create_argv, start.create_argv);
  EXPECT_EQ(read->log.size_limit_bytes, start.log.size_limit_bytes);
  EXPECT_EQ(read->timeout_ms, start.timeout_ms);
  EXPECT_EQ(encode(MessageType::kHoldContainer, *read), encode(MessageType::kHoldContainer, start));
}

TEST(Protocol, KeepsTheOtherMessages) {
  const ProcessStart process{.id = "p", .argv = {"a"}, .env = {"K=V"}, .terminal = true};
  EXPECT_EQ(encode(*decode_process_start(fields(encode(process)))), encode(process));
  const ExecStart exec{.argv = {"runc", "exec"}, .pid_file = "p", .stdin_open = true};
  EXPECT_EQ(encode(*decode_exec_start(fields(encode(exec)))), encode(exec));
  const ChildState state{"x", ChildPhase::kExited, 12, 137, 9, true, 1, -2};
  EXPECT_EQ(*decode_child_state(fields(encode(MessageType::kState, state))), state);
  const Error error(ErrorCode::kTimeout, "late");
  EXPECT_EQ(decode_failure(fields(encode(error))), error);
  EXPECT_EQ(decode_signal(fields(encode(MessageType::kSignal, "x", -3)))->signal, -3);
}

TEST(Protocol, RefusesEveryShortenedMessage) {
  const std::string whole =
      encode(MessageType::kStartContainer, ContainerStart{.id = "a", .create_argv = {"b", "c"}});
  for (size_t size = 1; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_container_start(fields(whole.substr(0, size))).ok()) << size;
  }
  EXPECT_FALSE(decode_container_start(fields(whole + "x")).ok());
}

TEST(Protocol, AListThatSaysItIsHugeCostsNothing) {
  const std::string message(
      "\x01\x00\x00\x00"
      "a"
      "\xff\xff\xff\xff",
      9);
  EXPECT_FALSE(decode_container_start(message).ok());
}

TEST(Protocol, KnowsNamesThatAreSafeAsFileNames) {
  EXPECT_TRUE(valid_id("web-1_a.b"));
  for (const char* bad : {"", ".", "..", ".x", "a/b", "a b", "\xc3\xa4"}) {
    EXPECT_FALSE(valid_id(bad)) << bad;
  }
  EXPECT_TRUE(valid_id(std::string(kIdLimitBytes, 'a')));
  EXPECT_FALSE(valid_id(std::string(kIdLimitBytes + 1, 'a')));
}

}  // namespace
}  // namespace duet::monitor
