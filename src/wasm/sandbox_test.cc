#include <gmock/gmock.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "monitor/client.h"
#include "sys/landlock.h"
#include "wasm/confinement.h"
#include "wasm/launch_spec.h"
#include "wasm/wasm_fixture.h"

namespace duet::wasm {
namespace {

using testing::HasSubstr;

using SandboxTest = WasmFixture;

TEST_F(SandboxTest, PassesArgumentsEnvironmentAndFoldersOn) {
  const auto output = run("args", {.args = {"args", "one", "two words"},
                                   .env = {"A=1", "B=x=y"},
                                   .mounts = {{base_, "/data", false}}});
  ASSERT_TRUE(output.ok()) << output.error().message();
  EXPECT_EQ(output->status.code, 0) << output->err;
  EXPECT_EQ(output->out, "arg 0 args\narg 1 one\narg 2 two words\nenv A=1\nenv B=x=y\ndir /data\n");
}

TEST_F(SandboxTest, BecomesTheProgramsExitCode) {
  EXPECT_EQ(run("exit", {.args = {"exit", "42"}})->status.code, 42);
  EXPECT_EQ(run("exit", {.args = {"exit", "0"}})->status.code, 0);
  EXPECT_EQ(run("cat", {.args = {"cat"}}, "some text")->out, "some text");
}

TEST_F(SandboxTest, RunsComponents) {
  const auto code = ensure(from_text(R"((component
      (core module $m (func (export "run") (result i32) (i32.const 1)))
      (core instance $i (instantiate $m))
      (func $run (result (result)) (canon lift (core func $i "run")))
      (instance $run_interface (export "run" (func $run)))
      (export "wasi:cli/run@0.2.0" (instance $run_interface))))"));
  ASSERT_TRUE(code.ok()) << code.error().message();
  EXPECT_EQ(code->kind, engine::Kind::kComponentProgram);
  const auto output = run(*code, {.args = {"component"}});
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->status.code, 1) << output->err;
}

TEST_F(SandboxTest, RefusesARequestHandler) {
  const auto code = guest("hello_handler");
  ASSERT_TRUE(code.ok()) << code.error().message();
  EXPECT_EQ(code->kind, engine::Kind::kHandler);
  const auto output = run(*code, {.args = {"x"}});
  EXPECT_EQ(output->status.code, kExitSandboxFailed);
  EXPECT_THAT(output->err, HasSubstr("handler"));
}

TEST_F(SandboxTest, TellsATrap) {
  const auto output = run("trap", {.args = {"trap"}});
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->status.code, kExitTrap);
  EXPECT_EQ(output->status.signal, 0);
  EXPECT_EQ(output->out, "about to trap\n");
  EXPECT_THAT(output->err, HasSubstr("unreachable"));
}

TEST_F(SandboxTest, BoundsMemory) {
  const auto output = run("grow", {.args = {"grow"}, .memory_limit_bytes = uint64_t{16} << 20});
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->status.code, 0) << output->err;
  const int mebibytes = std::atoi(output->out.c_str());
  EXPECT_GT(mebibytes, 8);
  EXPECT_LT(mebibytes, 16);
}

TEST_F(SandboxTest, KeepsReadOnlyFoldersAndForeignFiles) {
  const std::string folder = base_ + "/folder";
  ASSERT_TRUE(sys::make_directories(folder).ok());
  ASSERT_EQ(::chown(folder.c_str(), 65534, 65534), 0);
  ASSERT_TRUE(sys::write_file(folder + "/given", "given\n").ok());
  ASSERT_TRUE(sys::write_file(base_ + "/secret", "secret\n").ok());
  ASSERT_EQ(::symlink("../secret", (folder + "/link").c_str()), 0);
  const auto file = [&](std::vector<std::string> args, bool read_only) {
    args.insert(args.begin(), "file");
    return *run("file", {.args = args, .mounts = {{folder, "/data", read_only}}});
  };
  EXPECT_EQ(file({"read", "/data/given"}, true).out, "given\n");
  EXPECT_EQ(file({"write", "/data/new", "text"}, true).status.code, 1);
  EXPECT_FALSE(sys::file_exists(folder + "/new"));
  const auto written = file({"write", "/data/new", "text"}, false);
  EXPECT_EQ(written.status.code, 0) << written.err;
  EXPECT_EQ(*sys::read_file(folder + "/new", 100), "text");
  EXPECT_EQ(file({"remove", "/data/new"}, true).status.code, 1);
  EXPECT_EQ(file({"remove", "/data/new"}, false).status.code, 0);
  for (const char* path : {"/data/link", "/data/../secret", "/etc/passwd"}) {
    const auto output = file({"read", path}, false);
    EXPECT_EQ(output.status.code, 1) << path;
    EXPECT_EQ(output.out, "") << path;
  }
}

TEST_F(SandboxTest, SaysWhatIsMissing) {
  const auto output =
      run("exit", {.args = {"exit"}, .mounts = {{base_ + "/nowhere", "/data", false}}});
  EXPECT_EQ(output->status.code, kExitSandboxFailed);
  EXPECT_THAT(output->err, HasSubstr("/nowhere"));
  const auto nothing = sys::run({.argv = {build_directory() + "/duet-sandbox"}}, "", kPatienceMs);
  EXPECT_EQ(nothing->status.code, kExitSandboxFailed);
}

TEST_F(SandboxTest, RefusesSpecificationsThatCannotBe) {
  const auto code = ensure(from_text(kEmptyProgram));
  ASSERT_TRUE(code.ok());
  for (const ProgramSpec& bad : {ProgramSpec{}, ProgramSpec{.args = {"x"}, .env = {"NOVALUE"}},
                                 ProgramSpec{.args = {std::string("a\0b", 3)}},
                                 ProgramSpec{.args = {"x"}, .mounts = {{"relative", "/x", false}}},
                                 ProgramSpec{.args = {std::string(kLaunchSpecLimitBytes, 'x')}}}) {
    EXPECT_EQ(command(*code, bad).error().code(), ErrorCode::kInvalid);
  }
}

// What /proc shows of a process.
std::string proc_file(pid_t pid, const std::string& name) {
  return sys::read_file("/proc/" + std::to_string(pid) + "/" + name, 1 << 20).value_or("");
}

class RunningSandbox : public WasmFixture {
 protected:
  void SetUp() override {
    WasmFixture::SetUp();
    const auto code = guest("ticker");
    ASSERT_TRUE(code.ok()) << code.error().message();
    const auto sandbox = command(
        *code,
        {.args = {"ticker", "10", "0"}, .env = {"PASSWORD=hunter2"}, .uid = 1234, .gid = 1235});
    ASSERT_TRUE(sandbox.ok());
    auto pipe = sys::make_pipe();
    ASSERT_TRUE(pipe.ok());
    const auto pid = sys::spawn({.argv = sandbox->argv,
                                 .env = std::vector<std::string>(),
                                 .stdout_fd = pipe->write.get(),
                                 .extra_fds = sandbox->fd_numbers()});
    ASSERT_TRUE(pid.ok());
    pid_ = *pid;
    pipe->write.reset();
    char text[7] = {};
    ASSERT_EQ(::read(pipe->read.get(), text, 6), 6);  // the guest runs
    output_ = std::move(pipe->read);
  }
  void TearDown() override {
    if (pid_ != 0) {
      ::kill(pid_, SIGKILL);
      ASSERT_TRUE(sys::wait(pid_).ok());
    }
    WasmFixture::TearDown();
  }
  pid_t pid_ = 0;
  sys::Fd output_;
};

TEST_F(RunningSandbox, ShowsNoSecrets) {
  EXPECT_THAT(proc_file(pid_, "cmdline"), HasSubstr("duet-sandbox"));
  EXPECT_THAT(proc_file(pid_, "cmdline"), testing::Not(HasSubstr("hunter2")));
  EXPECT_EQ(proc_file(pid_, "environ"), "");
}

TEST_F(RunningSandbox, HasNoPrivileges) {
  const std::string status = proc_file(pid_, "status");
  EXPECT_THAT(status, HasSubstr("Uid:\t1234\t1234\t1234\t1234"));
  EXPECT_THAT(status, HasSubstr("Gid:\t1235\t1235\t1235\t1235"));
  EXPECT_THAT(status, HasSubstr("Groups:\t \n"));
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
    EXPECT_THAT(status, HasSubstr(std::string(set) + ":\t0000000000000000"));
  }
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(status, HasSubstr("Seccomp:\t2"));
}

TEST_F(RunningSandbox, EndsBySigterm) {
  ASSERT_EQ(::kill(pid_, SIGTERM), 0);
  const auto status = sys::wait(std::exchange(pid_, 0));
  EXPECT_EQ(status->code, 143);
  EXPECT_EQ(status->signal, SIGTERM);
}

TEST_F(SandboxTest, SurvivesTheDeathOfWhoStartedIt) {
  const auto code = guest("ticker");
  ASSERT_TRUE(code.ok());
  const std::string pod = base_ + "/pod";
  const pid_t agent = ::fork();
  if (agent == 0) {
    const auto client = monitor::MonitorClient::launch(
        {.executable = build_directory() + "/duet-monitor", .directory = pod});
    const auto sandbox = command(*code, {.args = {"ticker", "1", "20"}});
    const bool ok =
        client.ok() && sandbox.ok() &&
        client
            ->start_process(
                {.id = "ticker", .argv = sandbox->argv, .log = {.path = base_ + "/0.log"}},
                sandbox->fd_numbers())
            .ok();
    ::kill(::getpid(), ok ? SIGKILL : SIGABRT);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(agent, &status, 0), agent);
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
  const auto client = monitor::MonitorClient::connect(pod);
  ASSERT_TRUE(client.ok()) << client.error().message();
  const auto end = client->wait("ticker", kPatienceMs);
  ASSERT_TRUE(end.ok());
  EXPECT_EQ(end->exit_code, 0);
  EXPECT_THAT(*sys::read_file(base_ + "/0.log", 1 << 20), HasSubstr(" stdout F tick 20\n"));
  EXPECT_TRUE(client->quit().ok());
}

// Runs `attempt` in a child that has confined itself; the child's exit code.
int confined(bool network, int (*attempt)()) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::_exit(confine_system_calls(network).ok() ? attempt() : 99);
  }
  return sys::wait(pid)->code;
}

int errno_of(long result) { return result < 0 ? errno : 0; }

TEST(SystemCalls, OnlyWhatAProgramNeeds) {
  // no_new_privs is what lets an unprivileged process install a filter; root may without.
  EXPECT_EQ(confined(false, [] { return errno_of(::ptrace(PTRACE_TRACEME, 0, 0, 0)); }), EPERM);
  EXPECT_EQ(confined(false, [] { return errno_of(::execl("/bin/true", "true", nullptr)); }), EPERM);
  EXPECT_EQ(confined(false, [] { return errno_of(::fork()); }), EPERM);
  EXPECT_EQ(confined(false, [] { return errno_of(::kill(::getppid(), 0)); }), EPERM);
  EXPECT_EQ(confined(false, [] { return errno_of(::socket(AF_INET, SOCK_STREAM, 0)); }), EPERM);
  EXPECT_EQ(confined(true, [] { return errno_of(::socket(AF_INET, SOCK_STREAM, 0)); }), 0);
  EXPECT_EQ(confined(true, [] { return errno_of(::socket(AF_UNIX, SOCK_STREAM, 0)); }), EPERM);
  EXPECT_EQ(confined(true, [] { return errno_of(::socket(AF_PACKET, SOCK_RAW, 0)); }), EPERM);
  EXPECT_EQ(confined(false, [] { return errno_of(::open("/dev/null", O_RDONLY)); }), 0);
}

TEST(Files, OnlyWhatIsReachable) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const int tmp = ::open("/tmp", O_RDONLY | O_DIRECTORY);
    const int null = ::open("/dev/null", O_RDONLY);
    const bool ok =
        drop_privileges(65534, 65534).ok() && sys::confine_files({{null, false, false}}).ok();
    const int refused = errno_of(::openat(tmp, ".", O_RDONLY | O_DIRECTORY));
    const int given = errno_of(::open("/dev/null", O_RDONLY));
    ::_exit(ok && refused == EACCES && given == 0 ? 0 : 1);
  }
  EXPECT_EQ(sys::wait(pid)->code, 0);
}

TEST(LaunchSpec, KeepsEverything) {
  const ProgramSpec spec{.args = {"a", ""},
                         .env = {"K=V", "E="},
                         .mounts = {{"/h", "g", true}, {"/i", "/j", false}},
                         .memory_limit_bytes = 123,
                         .uid = 1,
                         .gid = 2,
                         .network = true};
  const std::string bytes = *encode_launch_spec(spec);
  const auto read = decode_launch_spec(bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*encode_launch_spec(*read), bytes);
  EXPECT_EQ(read->mounts[0].guest_path, "g");
  EXPECT_TRUE(read->mounts[0].read_only);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_launch_spec(bytes.substr(0, size)).ok()) << size;
  }
}

}  // namespace
}  // namespace duet::wasm
