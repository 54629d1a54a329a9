#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fstream>
#include <thread>

#include "base/sanitized.h"
#include "monitor/address.h"
#include "monitor/client_wire.h"
#include "monitor/monitor_fixture.h"
#include "sys/run_command.h"

namespace duet::monitor {
namespace {

using ProcessTest = MonitorFixture;

TEST_F(ProcessTest, KeepsExitCodeTimesAndLog) {
  const auto started = client().start_process(shell("p", "echo out; echo err >&2; exit 7"));
  ASSERT_TRUE(started.ok()) << started.error().message();
  EXPECT_GT(started->pid, 1);
  const auto end = client().wait("p", kPatienceMs);
  ASSERT_TRUE(end.ok()) << end.error().message();
  EXPECT_EQ(end->exit_code, 7);
  EXPECT_EQ(end->signal, 0);
  EXPECT_FALSE(end->oom_killed);
  EXPECT_GT(end->started_ns, 0);
  EXPECT_GE(end->finished_ns, end->started_ns);
  auto lines = log_lines("p");
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(lines, (std::vector<std::string>{"stderr F err", "stdout F out"}));
}

TEST_F(ProcessTest, TellsASignalFromAnExit) {
  ASSERT_TRUE(client().start_process(shell("p", "exec sleep 1000")).ok());
  ASSERT_TRUE(client().send_signal("p", SIGTERM).ok());
  const auto end = client().wait("p", kPatienceMs);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->exit_code, 143);
  EXPECT_EQ(end->signal, SIGTERM);
  EXPECT_TRUE(client().send_signal("p", SIGTERM).ok())
      << "a child that has exited is left in peace";
}

TEST_F(ProcessTest, GivesEnvironmentAndDescriptorsAndNothingElse) {
  auto pipe = sys::make_pipe();
  ASSERT_TRUE(pipe.ok());
  ASSERT_TRUE(sys::write_all(pipe->write.get(), "passed").ok());
  pipe->write.reset();
  auto start = shell("p", "echo $KEY; cat <&3; echo; cd /proc/self/fd; echo *");
  start.env.push_back("KEY=value");
  ASSERT_TRUE(client().start_process(start, {pipe->read.get()}).ok());
  ASSERT_TRUE(client().wait("p", kPatienceMs).ok());
  EXPECT_EQ(log_lines("p"),
            (std::vector<std::string>{"stdout F value", "stdout F passed", "stdout F 0 1 2 3 4"}));
}

TEST_F(ProcessTest, JoinsANetworkNamespace) {
  const std::string name = "duet-mon-" + std::to_string(::getpid());
  ASSERT_TRUE(sys::run({.argv = {"ip", "netns", "add", name}}, "", kPatienceMs)->status.ok());
  auto start = shell("p", "readlink /proc/self/ns/net; cat /proc/net/dev | grep -c :");
  start.network_namespace = "/run/netns/" + name;
  const auto started = client().start_process(start);
  EXPECT_TRUE(started.ok()) << started.error().message();
  EXPECT_TRUE(client().wait("p", kPatienceMs).ok());
  struct stat status{};
  ASSERT_EQ(::stat(start.network_namespace.c_str(), &status), 0);
  EXPECT_EQ(log_lines("p").at(0), "stdout F net:[" + std::to_string(status.st_ino) + "]");
  EXPECT_TRUE(sys::run({.argv = {"ip", "netns", "del", name}}, "", kPatienceMs)->status.ok());
}

TEST_F(ProcessTest, SaysWhyAProcessCannotStart) {
  ProcessStart start{.id = "p", .argv = {"/no/such/program"}};
  const auto missing = client().start_process(start);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_NE(missing.error().message().find("/no/such/program"), std::string::npos);
  start = shell("p", "true");
  start.network_namespace = "/no/such/namespace";
  EXPECT_NE(client().start_process(start).error().message().find("network namespace"),
            std::string::npos);
  start = shell("p", "true");
  start.cgroup_procs_files = {"/no/such/cgroup.procs"};
  EXPECT_NE(client().start_process(start).error().message().find("cgroup"), std::string::npos);
  start = shell("../p", "true");
  EXPECT_EQ(client().start_process(start).error().code(), ErrorCode::kInvalid);
  EXPECT_TRUE(client().list()->empty());
}

TEST_F(ProcessTest, NamesAreUniqueUntilRemoved) {
  ASSERT_TRUE(client().start_process(shell("p", "exec sleep 1000")).ok());
  EXPECT_EQ(client().start_process(shell("p", "true")).error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(client().remove("p").error().code(), ErrorCode::kConflict);
  EXPECT_EQ(client().quit().error().code(), ErrorCode::kConflict);
  ASSERT_TRUE(client().send_signal("p", SIGKILL).ok());
  ASSERT_TRUE(client().wait("p", kPatienceMs).ok());
  EXPECT_EQ(read_exits(directory_)->size(), 1U);
  EXPECT_TRUE(client().remove("p").ok());
  EXPECT_TRUE(read_exits(directory_)->empty());
  EXPECT_EQ(client().remove("p").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(client().wait("p", kPatienceMs).error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(client().start_process(shell("p", "true")).ok());
}

TEST_F(ProcessTest, TellsEveryChangeToSubscribers) {
  auto subscription = client().subscribe();
  ASSERT_TRUE(subscription.ok());
  const auto next = [&] {
    const auto event = subscription->next_event(kPatienceMs);
    return event.ok() && *event ? **event : Event{Event::Kind::kRemoved, {.id = "nothing"}};
  };
  EXPECT_EQ(next().kind, Event::Kind::kSynced);
  ASSERT_TRUE(client().start_process(shell("p", "read line")).ok());
  Event event = next();
  while (event.kind == Event::Kind::kState && event.state.phase != ChildPhase::kExited) {
    event = next();
  }
  EXPECT_EQ(event.state.id, "p");
  EXPECT_EQ(event.state.exit_code, 1);
  ASSERT_TRUE(client().remove("p").ok());
  event = next();
  EXPECT_EQ(event.kind, Event::Kind::kRemoved);
  EXPECT_EQ(event.state.id, "p");
}

TEST_F(ProcessTest, OutlivesTheProcessThatStartedIt) {
  const std::string fifo = base_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const std::string pod = base_ + "/other";
  const pid_t agent = ::fork();
  if (agent == 0) {
    const auto other =
        MonitorClient::launch({.executable = monitor_executable(), .directory = pod});
    const bool ok = other.ok() &&
                    other->start_process(shell("p", "read x <" + fifo + "; echo $x; exit 5")).ok();
    ::kill(::getpid(), ok ? SIGKILL : SIGABRT);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(agent, &status, 0), agent);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  const auto found = MonitorClient::connect(pod);
  ASSERT_TRUE(found.ok()) << found.error().message();
  EXPECT_EQ(found->list()->at(0).phase, ChildPhase::kRunning);
  ASSERT_TRUE(sys::write_file(fifo, "still here\n").ok());
  EXPECT_EQ(found->wait("p", kPatienceMs)->exit_code, 5);
  EXPECT_EQ(log_lines("p"), (std::vector<std::string>{"stdout F still here"}));
  EXPECT_TRUE(found->quit().ok());
}

TEST_F(ProcessTest, ExitCodesSurviveTheMonitor) {
  ASSERT_TRUE(client().start_process(shell("p", "exit 9")).ok());
  ASSERT_TRUE(client().wait("p", kPatienceMs).ok());
  auto subscription = client().subscribe();
  ASSERT_TRUE(subscription.ok());
  ASSERT_TRUE(subscription->next_event(kPatienceMs).ok());
  ASSERT_TRUE(subscription->next_event(kPatienceMs).ok());
  const sys::Fd monitor(static_cast<int>(::syscall(SYS_pidfd_open, client().pid(), 0)));
  ASSERT_EQ(::kill(client().pid(), SIGKILL), 0);
  const auto event = subscription->next_event(kPatienceMs);
  ASSERT_FALSE(event.ok());
  EXPECT_EQ(event.error().code(), ErrorCode::kUnavailable);
  // Its connections close before its lock does: between the two it looks busy.
  pollfd gone{.fd = monitor.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&gone, 1, static_cast<int>(kPatienceMs)), 1);
  EXPECT_EQ(client().list().error().code(), ErrorCode::kUnavailable);
  const auto exits = read_exits(directory_);
  ASSERT_TRUE(exits.ok());
  ASSERT_EQ(exits->size(), 1U);
  EXPECT_EQ(exits->at(0).exit_code, 9);
  start_monitor();
  EXPECT_TRUE(client().list()->empty());
}

TEST_F(ProcessTest, ThereIsOneMonitorForAFolder) {
  const auto again =
      MonitorClient::launch({.executable = monitor_executable(), .directory = directory_});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->pid(), client().pid());
  const auto second = sys::run({.argv = {monitor_executable(), directory_}}, "", kPatienceMs);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->status.code, 1);
  EXPECT_NE(second->err.find("has a monitor already"), std::string::npos);
}

TEST_F(ProcessTest, ReapsOrphans) {
  // The grandchildren lose their parent and end when the fifo is closed.
  const std::string fifo = base_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  ASSERT_TRUE(client()
                  .start_process(shell(
                      "p", "for i in 1 2 3 4 5; do (cat " + fifo + " & ) ; done; exec sleep 1000"))
                  .ok());
  const std::string children = "/proc/" + std::to_string(client().pid()) + "/task/" +
                               std::to_string(client().pid()) + "/children";
  const auto count = [&] {
    std::ifstream file(children);
    return std::distance(std::istream_iterator<std::string>(file), {});
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (count() != 6 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
  ASSERT_EQ(count(), 6) << "the orphans became the monitor's children";
  while (count() != 1 && std::chrono::steady_clock::now() < deadline) {
    sys::Fd(::open(fifo.c_str(), O_WRONLY | O_NONBLOCK)).reset();
  }
  EXPECT_EQ(count(), 1) << "no zombie is left";
}

TEST_F(ProcessTest, HighOutputKeepsMemoryBounded) {
  auto start = shell("p", "head -c 100000000 /dev/zero | tr '\\0' x | fold -w 99");
  start.log.size_limit_bytes = 20 << 20;
  start.log.file_limit = 2;
  ASSERT_TRUE(client().start_process(start).ok());
  ASSERT_EQ(client().wait("p", kPatienceMs)->exit_code, 0);
  std::ifstream status("/proc/" + std::to_string(client().pid()) + "/status");
  long peak_kb = 0;
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") {
      status >> peak_kb;
    }
  }
  EXPECT_GT(peak_kb, 0);
  if (!kSanitized) {
    EXPECT_LT(peak_kb, 4096);
  }
  EXPECT_FALSE(sys::file_exists(start.log.path + ".2"));
  const auto lines = log_lines("p");
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines[0], "stdout F " + std::string(99, 'x'));
}

TEST_F(ProcessTest, AnAttachedClientThatSleepsDoesNotStopTheProcess) {
  auto start = shell("p", "read go; head -c 10000000 /dev/zero; echo; echo done >&2; read end");
  start.stdin_open = true;
  ASSERT_TRUE(client().start_process(start).ok());
  auto sleeper = client().attach("p");
  ASSERT_TRUE(sleeper.ok()) << sleeper.error().message();
  ASSERT_TRUE(sleeper->write_stdin("go\n").ok());
  // Nobody reads from `sleeper`, and yet the process comes to its second read.
  auto writer = client().attach("p");
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(writer->write_stdin("end\n").ok());
  ASSERT_EQ(client().wait("p", kPatienceMs)->exit_code, 0);
  uint64_t dropped_bytes = 0;
  uint64_t received_bytes = 0;
  for (bool ended = false; !ended;) {
    const auto event = sleeper->next(kPatienceMs);
    ASSERT_TRUE(event.ok() && *event);
    dropped_bytes += (*event)->dropped_bytes;
    received_bytes += (*event)->data.size();
    ended = (*event)->kind == StreamEvent::Kind::kExited;
  }
  EXPECT_GT(dropped_bytes, 0U);
  EXPECT_EQ(dropped_bytes + received_bytes, 10'000'000U + 1 + 5);
}

TEST_F(ProcessTest, StdinOnceEndsWithItsClient) {
  auto start = shell("p", "cat");
  start.stdin_open = true;
  start.stdin_once = true;
  ASSERT_TRUE(client().start_process(start).ok());
  {
    auto stream = client().attach("p");
    ASSERT_TRUE(stream.ok());
    ASSERT_TRUE(stream->write_stdin("text\n").ok());
    ASSERT_TRUE(await_output(*stream, "text\n"));
  }
  EXPECT_EQ(client().wait("p", kPatienceMs)->exit_code, 0);
  EXPECT_EQ(log_lines("p"), (std::vector<std::string>{"stdout F text"}));
}

TEST_F(ProcessTest, GivesATerminalAndItsSize) {
  // "ready" is said when the trap is set and somebody is there to hear it.
  auto start = shell(
      "p", "trap 'stty size; exit 3' WINCH; read x; tty; echo ready; while :; do read x; done");
  start.terminal = true;
  ASSERT_TRUE(client().start_process(start).ok());
  auto stream = client().attach("p");
  ASSERT_TRUE(stream.ok()) << stream.error().message();
  ASSERT_TRUE(stream->write_stdin("\n").ok());
  ASSERT_TRUE(await_output(*stream, "ready\r\n"));
  ASSERT_TRUE(stream->resize(123, 45).ok());
  // The shell may have seen the signal and be gone; else its read ends now.
  [[maybe_unused]] const Status written = stream->write_stdin("x\n");
  const auto rest = hold(*stream);
  ASSERT_TRUE(rest.ok()) << rest.error().message();
  EXPECT_EQ(rest->end.exit_code, 3);
  EXPECT_NE(rest->out.find("45 123"), std::string::npos) << rest->out;
  EXPECT_THAT(log_lines("p"), testing::Contains(testing::StartsWith("stdout F /dev/pts/")));
}

TEST_F(ProcessTest, BadMessagesEndTheConnectionOnly) {
  const sys::Fd folder(::open(directory_.c_str(), O_PATH | O_DIRECTORY));
  for (const std::string& bad :
       {std::string(1, '\x02'), std::string(1, '\0'), std::string(64 << 10, '\xff'),
        std::string("\x05") + std::string(100, '\x7f'), encode(MessageType::kDone)}) {
    const sys::Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const SocketAddress address = socket_address(folder.get());
    ASSERT_EQ(::connect(fd.get(), address.pointer(), address.size), 0);
    ASSERT_TRUE(send_message(fd.get(), bad, kPatienceMs).ok());
    ASSERT_TRUE(send_message(fd.get(), bad, kPatienceMs).ok() || true);
    for (auto answer = receive_message(fd.get(), kPatienceMs); answer.ok();
         answer = receive_message(fd.get(), kPatienceMs)) {
      ASSERT_TRUE(*answer) << "neither answered nor closed";
    }
  }
  EXPECT_TRUE(client().list().ok());
}

TEST_F(ProcessTest, BoundsItsChildrenAndConnections) {
  ProcessStart start{.argv = {"/bin/true"}};
  for (size_t i = 0; i < kChildLimit; ++i) {
    start.id = "p" + std::to_string(i);
    ASSERT_TRUE(client().start_process(start).ok());
  }
  start.id = "more";
  EXPECT_EQ(client().start_process(start).error().code(), ErrorCode::kExhausted);
  std::vector<Subscription> subscriptions;
  for (size_t i = 0; i < kConnectionLimit; ++i) {
    auto one = client().subscribe();
    ASSERT_TRUE(one.ok());
    ASSERT_TRUE(one->next_event(kPatienceMs).ok()) << i;
    subscriptions.push_back(std::move(*one));
  }
  // Busy is not dead: who takes it for dead would end what runs.
  EXPECT_EQ(client().list().error().code(), ErrorCode::kExhausted);
  EXPECT_EQ(MonitorClient::connect(directory_).error().code(), ErrorCode::kExhausted);
  subscriptions.clear();
  while (!client().list().ok()) {
    std::this_thread::yield();
  }
}

TEST_F(ProcessTest, AClientWithoutDescriptorsDoesNotTakeItForDead) {
  ASSERT_TRUE(client().list().ok());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{3, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto refused = MonitorClient::connect(directory_);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().code(), ErrorCode::kUnavailable) << refused.error().message();
}

TEST_F(ProcessTest, RefusesRequestsThatAreTooBig) {
  auto start = shell("p", "true");
  start.env.assign(1, "K=" + std::string(kMessageLimitBytes, 'x'));
  EXPECT_EQ(client().start_process(start).error().code(), ErrorCode::kInvalid);
  start = shell("p", "true");
  EXPECT_EQ(client().start_process(start, std::vector<int>(kPassedFdLimit + 1, 0)).error().code(),
            ErrorCode::kInvalid);
}

TEST(MonitorClient, SaysThatThereIsNoMonitor) {
  EXPECT_EQ(MonitorClient::connect("/no/such/folder").error().code(), ErrorCode::kUnavailable);
  const auto launched =
      MonitorClient::launch({.executable = "/no/such/program",
                             .directory = "/tmp/no-monitor-" + std::to_string(::getpid())});
  EXPECT_EQ(launched.error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(sys::remove_tree("/tmp/no-monitor-" + std::to_string(::getpid())).ok());
}

TEST(RuntimeErrorText, FindsTheSentenceThatMatters) {
  EXPECT_EQ(runtime_error_text("time=\"x\" level=error msg=\"exec: \\\"nope\\\": not found\"\n"),
            "exec: \"nope\": not found");
  EXPECT_EQ(runtime_error_text("{\"level\":\"error\",\"msg\":\"bad config\"}\n"), "bad config");
  EXPECT_EQ(runtime_error_text("first\nlast\n\n"), "last");
  EXPECT_EQ(runtime_error_text(""), "");
}

}  // namespace
}  // namespace duet::monitor
