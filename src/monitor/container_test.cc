#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <fstream>

#include "monitor/address.h"
#include "monitor/client_wire.h"
#include "monitor/monitor_fixture.h"
#include "sys/run_command.h"

// With the real runc, on a root file system of busybox.
namespace duet::monitor {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ContainerTest : public MonitorFixture {
 protected:
  void SetUp() override {
    ASSERT_EQ(::geteuid(), 0U) << "containers need root";
    MonitorFixture::SetUp();
    ASSERT_TRUE(sys::make_directories(base_ + "/rootfs/bin").ok());
    for (const char* folder : {"proc", "dev", "tmp"}) {
      ASSERT_TRUE(sys::make_directories(base_ + "/rootfs/" + folder).ok());
    }
    const auto installed = sys::run(
        {.argv =
             {"sh", "-c",
              "cp /bin/busybox bin/busybox && for a in sh cat echo sleep head stty tty dd; do ln "
              "-s busybox bin/$a; done"},
         .working_directory = base_ + "/rootfs"},
        "", kPatienceMs);
    ASSERT_TRUE(installed.ok() && installed->status.ok()) << "busybox-static is needed";
  }

  void TearDown() override {
    const auto containers = sys::list_directory(base_ + "/runc");
    for (const std::string& id : containers.ok() ? *containers : std::vector<std::string>()) {
      [[maybe_unused]] const auto deleted = sys::run(
          {.argv = {"runc", "--root", base_ + "/runc", "delete", "--force", id}}, "", kPatienceMs);
    }
    MonitorFixture::TearDown();
  }

  std::string cgroup(const std::string& id) const {
    return "duet-monitor-test-" + base_.substr(base_.rfind('-') + 1) + "-" + id;
  }

  // Whether runc comes to say that the container is `status`.
  bool await_runtime_state(const std::string& id, const std::string& status) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
    while (std::chrono::steady_clock::now() < deadline) {
      const auto said =
          sys::run({.argv = {"runc", "--root", base_ + "/runc", "state", id}}, "", kPatienceMs);
      if (said.ok() && said->out.find("\"status\": \"" + status) != std::string::npos) {
        return true;
      }
    }
    return false;
  }
  // Whether the monitor forgets the child; asked anew with each of its changes.
  bool await_removal(const std::string& id) const {
    auto subscription = client().subscribe();
    while (client().state(id).ok()) {
      const auto event = subscription->next_event(kPatienceMs);
      if (!event.ok() || !*event) {
        return false;
      }
    }
    return true;
  }
  void must_delete(const std::string& id) const {
    const auto deleted =
        sys::run({.argv = {"runc", "--root", base_ + "/runc", "delete", id}}, "", kPatienceMs);
    EXPECT_TRUE(deleted.ok() && deleted->status.ok()) << deleted->err;
  }

  // A bundle that runs `argv` (JSON) and the request that starts it.
  ContainerStart container(const std::string& id, const std::string& argv, bool terminal = false,
                           const std::string& resources = "{}") const {
    const std::string bundle = base_ + "/" + id;
    const std::string config =
        R"({"ociVersion":"1.0.2","process":{"terminal":)" +
        std::string(terminal ? "true" : "false") + R"(,"user":{"uid":0,"gid":0},"args":)" + argv +
        R"(,"env":["PATH=/bin"],"cwd":"/"},"root":{"path":")" + base_ +
        R"(/rootfs"},"mounts":[{"destination":"/proc","type":"proc","source":"proc"},)"
        R"({"destination":"/dev","type":"tmpfs","source":"tmpfs"},)"
        R"({"destination":"/dev/pts","type":"devpts","source":"devpts","options":["newinstance","ptmxmode=0666"]}],)"
        R"("linux":{"cgroupsPath":"/)" +
        cgroup(id) + R"(","resources":)" + resources +
        R"(,"namespaces":[{"type":"pid"},{"type":"mount"},{"type":"ipc"},{"type":"uts"}]}})";
    EXPECT_TRUE(sys::make_directories(bundle).ok());
    EXPECT_TRUE(sys::write_file(bundle + "/config.json", config).ok());
    ContainerStart start{.id = id,
                         .create_argv = {"runc", "--root", base_ + "/runc", "create", "--bundle",
                                         bundle, "--pid-file", bundle + "/pid"},
                         .start_argv = {"runc", "--root", base_ + "/runc", "start", id},
                         .pid_file = bundle + "/pid",
                         .log = {.path = base_ + "/" + id + ".log"}};
    if (terminal) {
      start.console_socket = base_ + "/" + id + ".tty";
      start.create_argv.insert(start.create_argv.end(), {"--console-socket", start.console_socket});
    }
    start.create_argv.push_back(id);
    return start;
  }

  ExecStart exec(const std::string& id, const std::string& script, bool terminal = false) const {
    ExecStart start{.argv = {"runc", "--root", base_ + "/runc", "exec", "--detach", "--pid-file",
                             base_ + "/exec.pid"},
                    .pid_file = base_ + "/exec.pid"};
    if (terminal) {
      start.console_socket = base_ + "/exec.tty";
      start.argv.insert(start.argv.end(), {"--tty", "--console-socket", start.console_socket});
    }
    start.argv.insert(start.argv.end(), {id, "sh", "-c", script});
    return start;
  }
};

TEST_F(ContainerTest, RunsAndKeepsOutputAndExitCode) {
  const auto started =
      client().start_container(container("c", R"(["sh","-c","echo out; echo err >&2; exit 4"])"));
  ASSERT_TRUE(started.ok()) << started.error().message();
  const auto end = client().wait("c", kPatienceMs);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->exit_code, 4);
  EXPECT_THAT(log_lines("c"), testing::UnorderedElementsAre("stdout F out", "stderr F err"));
}

TEST_F(ContainerTest, GivesTheRuntimesOwnWordsWhenACommandDoesNotExist) {
  const auto started = client().start_container(container("c", R"(["/no/such/command"])"));
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code(), ErrorCode::kInternal);
  EXPECT_THAT(runtime_error_text(started.error().message()), HasSubstr("/no/such/command"));
  EXPECT_THAT(log_lines("c"), ElementsAre()) << "the runtime's words are not the container's";
  EXPECT_TRUE(client().list()->empty());
}

TEST_F(ContainerTest, ARuntimeThatHangsIsKilled) {
  auto start = container("c", R"(["true"])");
  start.create_argv = {"sh", "-c", "echo hanging >&2; exec sleep 1000"};
  start.timeout_ms = 100;
  const auto started = client().start_container(start);
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code(), ErrorCode::kTimeout);
  EXPECT_TRUE(client().list()->empty());
}

TEST_F(ContainerTest, ARuntimeThatLeavesNoChildIsRefused) {
  auto start = container("c", R"(["true"])");
  start.create_argv = {"sh", "-c", "echo 1000000000 > " + start.pid_file};
  EXPECT_THAT(client().start_container(start).error().message(), HasSubstr("not a child"));
  start.create_argv = {"sh", "-c", "echo nonsense > " + start.pid_file};
  EXPECT_THAT(client().start_container(start).error().message(), HasSubstr("no process id"));
  start.create_argv = {"no-such-runtime"};
  EXPECT_EQ(client().start_container(start).error().code(), ErrorCode::kNotFound);
}

TEST_F(ContainerTest, AHeldContainerStartsWithProceed) {
  auto held = client().hold_container(container("c", R"(["cat","/made-meanwhile"])"));
  ASSERT_TRUE(held.ok()) << held.error().message();
  ASSERT_TRUE(await_runtime_state("c", "created"));
  EXPECT_EQ(client().state("c")->phase, ChildPhase::kStarting);
  ASSERT_TRUE(sys::write_file(base_ + "/rootfs/made-meanwhile", "now\n").ok());
  const auto started = held->proceed();
  ASSERT_TRUE(started.ok()) << started.error().message();
  EXPECT_EQ(client().wait("c", kPatienceMs)->exit_code, 0);
  EXPECT_THAT(log_lines("c"), ElementsAre("stdout F now"));
}

TEST_F(ContainerTest, ProceedMayComeBeforeTheContainerIsCreated) {
  auto held = client().hold_container(container("c", R"(["sh","-c","exit 4"])"));
  ASSERT_TRUE(held->proceed().ok());
  EXPECT_EQ(client().wait("c", kPatienceMs)->exit_code, 4);
}

TEST_F(ContainerTest, ProceedTellsWhyTheContainerCouldNotBeCreated) {
  auto held = client().hold_container(container("c", R"(["/no/such/command"])"));
  ASSERT_TRUE(held.ok());
  const auto started = held->proceed();
  EXPECT_EQ(started.error().code(), ErrorCode::kInternal);
  EXPECT_THAT(runtime_error_text(started.error().message()), HasSubstr("/no/such/command"));
  EXPECT_TRUE(client().list()->empty());
}

TEST_F(ContainerTest, AHeldContainerGoesWithItsClient) {
  const auto start = container("c", R"(["sh","-c","echo ran; sleep 1000"])");
  for (const bool created : {true, false}) {
    {
      const auto held = client().hold_container(start);
      ASSERT_TRUE(held.ok());
      ASSERT_TRUE(!created || await_runtime_state("c", "created"));
    }
    EXPECT_TRUE(await_removal("c"));
    EXPECT_TRUE(await_runtime_state("c", "stopped"));
    must_delete("c");
  }
  EXPECT_THAT(log_lines("c"), ElementsAre());
  EXPECT_TRUE(client().start_container(start).ok()) << "its name is free again";
}

TEST_F(ContainerTest, AContainerThatMayProceedOutlivesItsClient) {
  {
    const sys::Fd folder = sys::open_file(directory_, O_PATH | O_DIRECTORY).value();
    const SocketAddress address = socket_address(folder.get());
    const sys::Fd fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(fd.get(), address.pointer(), address.size), 0);
    const auto start = container("c", R"(["sleep","1000"])");
    ASSERT_TRUE(
        send_message(fd.get(), encode(MessageType::kHoldContainer, start), kPatienceMs).ok());
    ASSERT_TRUE(send_message(fd.get(), encode(MessageType::kProceed), kPatienceMs).ok());
  }
  auto subscription = client().subscribe();
  for (ChildPhase phase = ChildPhase::kStarting; phase != ChildPhase::kRunning;) {
    const auto event = subscription->next_event(kPatienceMs);
    ASSERT_TRUE(event.ok() && *event) << "it never ran";
    ASSERT_NE((*event)->kind, Event::Kind::kRemoved);
    phase = (*event)->kind == Event::Kind::kState ? (*event)->state.phase : phase;
  }
}

TEST_F(ContainerTest, ExecutesCommands) {
  ASSERT_TRUE(client().start_container(container("c", R"(["sleep","1000"])")).ok());
  auto request = exec("c", "cat; echo err >&2; exit 6");
  request.stdin_open = true;
  auto stream = client().exec(request);
  ASSERT_TRUE(stream.ok()) << stream.error().message();
  const std::string input(300'000, 'i');
  ASSERT_TRUE(stream->write_stdin(input.substr(0, 1000)).ok());
  std::string out;
  ASSERT_TRUE(await_output(*stream, "i"));
  ASSERT_TRUE(stream->close_stdin().ok());
  const auto said = hold(*stream);
  ASSERT_TRUE(said.ok()) << said.error().message();
  EXPECT_EQ(said->err, "err\n");
  EXPECT_EQ(said->end.exit_code, 6);
  EXPECT_EQ(stream->next(0).error().code(), ErrorCode::kNotFound);
}

TEST_F(ContainerTest, AnExecThatDoesNotReadItsInputEndsWithItsOwnCode) {
  ASSERT_TRUE(client().start_container(container("c", R"(["sleep","1000"])")).ok());
  auto request = exec("c", "exit 3");
  request.stdin_open = true;
  auto stream = client().exec(request);
  ASSERT_TRUE(stream.ok()) << stream.error().message();
  // How much of it is taken is not known; that the monitor has some of it unread, is.
  while (stream->write_stdin(std::string(1 << 20, 'i'), kPatienceMs).ok()) {
  }
  const auto said = hold(*stream);
  ASSERT_TRUE(said.ok()) << said.error().message();
  EXPECT_EQ(said->end.exit_code, 3);
}

TEST_F(ContainerTest, ASlowExecClientGetsEverything) {
  ASSERT_TRUE(client().start_container(container("c", R"(["sleep","1000"])")).ok());
  auto stream = client().exec(exec("c", "head -c 5000000 /dev/zero"));
  ASSERT_TRUE(stream.ok());
  const auto said = hold(*stream);
  ASSERT_TRUE(said.ok());
  EXPECT_EQ(said->out.size(), 5'000'000U);
  EXPECT_EQ(said->end.exit_code, 0);
}

TEST_F(ContainerTest, ExecutesWithATerminal) {
  ASSERT_TRUE(client().start_container(container("c", R"(["sleep","1000"])")).ok());
  auto stream = client().exec(
      exec("c", "trap 'stty size; exit 2' WINCH; echo ready; while :; do read line; done", true));
  ASSERT_TRUE(stream.ok()) << stream.error().message();
  ASSERT_TRUE(await_output(*stream, "ready\r\n"));
  ASSERT_TRUE(stream->resize(100, 30).ok());
  // The shell may have seen the signal and be gone; else its read ends now.
  [[maybe_unused]] const Status written = stream->write_stdin("x\r");
  const auto said = hold(*stream);
  ASSERT_TRUE(said.ok()) << said.error().message();
  EXPECT_THAT(said->out, HasSubstr("30 100"));
  EXPECT_EQ(said->end.exit_code, 2);
}

TEST_F(ContainerTest, AnExecThatCannotStartSaysWhy) {
  ASSERT_TRUE(client().start_container(container("c", R"(["sleep","1000"])")).ok());
  auto request = exec("c", "");
  request.argv.erase(request.argv.end() - 3, request.argv.end());
  request.argv.push_back("/no/such/command");
  const auto stream = client().exec(request);
  ASSERT_FALSE(stream.ok());
  EXPECT_THAT(stream.error().message(), HasSubstr("/no/such/command"));
}

TEST_F(ContainerTest, AnExecEndsWithItsClient) {
  ASSERT_TRUE(client().start_container(container("c", R"(["sleep","1000"])")).ok());
  {
    auto stream = client().exec(exec("c", "echo started; exec sleep 1000"));
    ASSERT_TRUE(stream.ok());
    ASSERT_TRUE(await_output(*stream, "started\n"));
  }
  // The exec's process is gone when the container alone is left; its own cgroup tells.
  const std::string procs = "/sys/fs/cgroup/pids/" + cgroup("c") + "/cgroup.procs";
  const auto count = [&] {
    std::ifstream file(procs);
    return std::distance(std::istream_iterator<int>(file), {});
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (count() != 1 && std::chrono::steady_clock::now() < deadline) {
    ASSERT_TRUE(client().list().ok());
  }
  EXPECT_EQ(count(), 1);
}

TEST_F(ContainerTest, HasATerminal) {
  ASSERT_TRUE(
      client()
          .start_container(container(
              "c", R"(["sh","-c","read line; tty; stty size; echo got $line; exit 1"])", true))
          .ok());
  auto stream = client().attach("c");
  ASSERT_TRUE(stream.ok()) << stream.error().message();
  ASSERT_TRUE(stream->resize(77, 22).ok());
  ASSERT_TRUE(stream->write_stdin("hello\r").ok());
  const auto said = hold(*stream);
  ASSERT_TRUE(said.ok());
  EXPECT_THAT(said->out, HasSubstr("22 77\r\ngot hello\r\n"));
  EXPECT_EQ(said->end.exit_code, 1);
}

TEST_F(ContainerTest, ReadsFromAnAttachedClient) {
  auto start = container("c", R"(["cat"])");
  start.stdin_open = true;
  start.stdin_once = true;
  ASSERT_TRUE(client().start_container(start).ok());
  auto stream = client().attach("c");
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE(stream->write_stdin("to the log\n").ok());
  ASSERT_TRUE(stream->close_stdin().ok());
  const auto said = hold(*stream);
  ASSERT_TRUE(said.ok());
  EXPECT_EQ(said->out, "to the log\n");
  EXPECT_THAT(log_lines("c"), ElementsAre("stdout F to the log"));
}

TEST_F(ContainerTest, TellsThatItRanOutOfMemory) {
  const std::string memory = "/sys/fs/cgroup/memory/" + cgroup("c") + "/memory.oom_control";
  ASSERT_TRUE(sys::file_exists("/sys/fs/cgroup/memory")) << "this test is for cgroup v1";
  auto start = container("c", R"(["dd","if=/dev/zero","of=/dev/null","bs=200M","count=1"])", false,
                         R"({"memory":{"limit":33554432}})");
  start.oom_counter_file = memory;
  const auto started = client().start_container(start);
  ASSERT_TRUE(started.ok()) << started.error().message();
  const auto end = client().wait("c", kPatienceMs);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->exit_code, 137);
  EXPECT_TRUE(end->oom_killed);
}

}  // namespace
}  // namespace duet::monitor
