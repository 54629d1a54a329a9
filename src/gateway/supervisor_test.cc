#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "gateway/confine.h"
#include "gateway/gateway_fixture_test.h"
#include "sys/file.h"
#include "sys/process.h"

namespace duet::gateway {
namespace {

constexpr int kWorkers = 2;

// A whole duet-gateway: supervisor and workers as processes.
class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = *sys::make_temporary_directory("/tmp", "duet-supervisor-test-");
    const char* build = std::getenv("DUET_BUILD_DIR");
    const std::string folder = build != nullptr ? build : *sys::executable_directory() + "/..";
    auto pid = sys::spawn({.argv = {folder + "/duet-gateway", "--control", directory_ + "/control",
                                    "--workers", std::to_string(kWorkers), "--sandboxes", "16"},
                           .stderr_fd = STDERR_FILENO});
    ASSERT_TRUE(pid.ok()) << pid.error().message();
    pid_ = *pid;
    auto control = ControlClient::connect(directory_ + "/control", kTestTimeoutMs);
    ASSERT_TRUE(control.ok()) << control.error().message();
    control_ = std::make_unique<ControlClient>(std::move(*control));
    auto sockets = listen_tcp_many("127.0.0.1:0", kWorkers);
    ASSERT_TRUE(sockets.ok()) << sockets.error().message();
    const std::string address = net::format_address(*net::local_address(sockets->front().get()));
    port_ = std::stoi(address.substr(address.rfind(':') + 1));
    for (int i = 0; i < kWorkers; ++i) {
      ASSERT_TRUE(
          control_->add_listener("web", (*sockets)[static_cast<std::size_t>(i)].get(), i).ok());
    }
  }

  void TearDown() override {
    if (pid_ != 0) {
      kill(pid_, SIGTERM);
      EXPECT_EQ(sys::wait_for(pid_, kTestTimeoutMs)->code, 0);
    }
    EXPECT_TRUE(sys::remove_tree(directory_).ok());
  }

  Status answer_with(const std::string& body) {
    RouteTable table{.generation = ++generation_, .listeners = {{"web", "127.0.0.1"}}};
    table.routes = {{.name = "all", .rules = {{.backends = {{.backend = body}}}}}};
    table.backends = {{body, StaticBackend{.status = 200, .body = body}}};
    return control_->set_table(table);
  }

  // One request on a connection of its own: its body, or what went wrong.
  std::string ask() const {
    auto http = net::HttpClient::connect_tcp("127.0.0.1:" + std::to_string(port_), kTestTimeoutMs);
    if (!http.ok()) {
      return "connect: " + http.error().message();
    }
    auto response = http->send({});
    if (!response.ok()) {
      return "send: " + response.error().message();
    }
    auto body = http->read_whole_body(1 << 20);
    return body.ok() ? *body : "body: " + body.error().message();
  }

  std::vector<pid_t> workers() const {
    const std::string pid = std::to_string(pid_);
    std::istringstream text(*sys::read_file("/proc/" + pid + "/task/" + pid + "/children", 4096));
    std::vector<pid_t> pids;
    for (pid_t one = 0; text >> one;) {
      pids.push_back(one);
    }
    return pids;
  }

  // Waits until `count` workers were replaced; each question goes once through the supervisor's
  // loop.
  void wait_for_restarts(std::uint64_t count) {
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(kTestTimeoutMs);
    while (std::chrono::steady_clock::now() < deadline) {
      const auto status = control_->status();
      ASSERT_TRUE(status.ok()) << status.error().message();
      if (status->restarts >= count && workers().size() == kWorkers) {
        return;
      }
    }
    FAIL() << "no worker was replaced";
  }

  std::string directory_;
  std::unique_ptr<ControlClient> control_;
  pid_t pid_ = 0;
  int port_ = 0;
  std::uint64_t generation_ = 0;
};

TEST_F(SupervisorTest, SpreadsConnectionsOverItsWorkers) {
  ASSERT_TRUE(answer_with("a").ok());
  ASSERT_EQ(workers().size(), kWorkers);
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(ask(), "a");
  }
  const auto status = control_->status();
  EXPECT_EQ(status->workers, kWorkers);
  EXPECT_EQ(status->requests, 32U);
  EXPECT_EQ(status->generation, 1U);
  EXPECT_EQ(status->listeners, std::vector<std::string>{"web"});
}

TEST_F(SupervisorTest, AWorkerThatDiesIsReplacedAndCostsNobodyElseARequest) {
  ASSERT_TRUE(answer_with("a").ok());
  std::uint64_t restarts = 0;
  for (int round = 0; round < 2; ++round) {
    for (const pid_t worker : workers()) {
      kill(worker, SIGKILL);
      // Connections made while nobody takes them wait for the next worker.
      for (int i = 0; i < 16; ++i) {
        EXPECT_EQ(ask(), "a");
      }
      wait_for_restarts(++restarts);
    }
  }
}

TEST_F(SupervisorTest, AReplacedWorkerHasTheTableOfTheOthers) {
  ASSERT_TRUE(answer_with("old").ok());
  ASSERT_TRUE(answer_with("new").ok());
  for (const pid_t worker : workers()) {
    kill(worker, SIGKILL);
  }
  wait_for_restarts(kWorkers);
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(ask(), "new");
  }
}

TEST_F(SupervisorTest, ANewTableLosesAndMixesNoRequest) {
  ASSERT_TRUE(answer_with("a").ok());
  std::atomic<bool> stop = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back([&] {
      while (!stop) {
        const std::string body = ask();
        wrong += body != "a" && body != "b" ? 1 : 0;
      }
    });
  }
  for (int i = 0; i < 40; ++i) {
    const std::string body = i % 2 == 0 ? "b" : "a";
    ASSERT_TRUE(answer_with(body).ok());
    EXPECT_EQ(ask(), body);
  }
  stop = true;
  for (std::thread& client : clients) {
    client.join();
  }
  EXPECT_EQ(wrong, 0);
}

TEST_F(SupervisorTest, ARefusedTableChangesNothing) {
  ASSERT_TRUE(answer_with("a").ok());
  RouteTable broken{.generation = 9, .listeners = {{"other", "127.0.0.1"}}};
  const Status set = control_->set_table(broken);
  ASSERT_FALSE(set.ok());
  EXPECT_NE(set.error().message().find("other"), std::string::npos) << set.error().message();
  EXPECT_EQ(ask(), "a");
  EXPECT_EQ(control_->status()->generation, 1U);
  EXPECT_EQ(control_->status()->restarts, 0U);
}

TEST_F(SupervisorTest, DrainingAnswersWhatIsUnderWayAndEnds) {
  ASSERT_TRUE(answer_with("a").ok());
  // Connected, and the request still to be sent; and one whose head is half there.
  auto late = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  auto half = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
  ASSERT_TRUE(net::send_all(half->get(), "GET / HTTP/1.1\r\nHost: h").ok());
  ASSERT_TRUE(control_->drain(kTestTimeoutMs).ok());
  ASSERT_TRUE(net::send_all(late->get(), "GET / HTTP/1.1\r\nHost: h\r\n\r\n").ok());
  ASSERT_TRUE(net::send_all(half->get(), "\r\n\r\n").ok());
  for (const int fd : {late->get(), half->get()}) {
    const auto text = sys::read_all(fd, 1 << 20);
    ASSERT_TRUE(text.ok()) << text.error().message();
    EXPECT_EQ(text->substr(0, 15), "HTTP/1.1 200 OK") << *text;
  }
  EXPECT_EQ(sys::wait_for(pid_, kTestTimeoutMs)->code, 0);
  pid_ = 0;
}

TEST_F(SupervisorTest, WorkersEndWithTheirSupervisor) {
  ASSERT_TRUE(answer_with("a").ok());
  std::vector<sys::Fd> ends;
  for (const pid_t worker : workers()) {
    ends.emplace_back(static_cast<int>(syscall(SYS_pidfd_open, worker, 0)));
  }
  kill(pid_, SIGKILL);
  static_cast<void>(sys::wait(pid_));
  pid_ = 0;
  for (const sys::Fd& end : ends) {
    pollfd wait{.fd = end.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&wait, 1, static_cast<int>(kTestTimeoutMs)), 1);
  }
}

TEST_F(SupervisorTest, WorkersAreConfined) {
  for (const pid_t worker : workers()) {
    const auto status = sys::read_file("/proc/" + std::to_string(worker) + "/status", 1 << 16);
    ASSERT_TRUE(status.ok());
    EXPECT_NE(status->find("\nSeccomp:\t2\n"), std::string::npos) << *status;
    EXPECT_NE(status->find("\nNoNewPrivs:\t1\n"), std::string::npos) << *status;
  }
}

// What `body` says, 0 for success, in a child that took from itself what a worker does.
int confined(const std::string& readable, int (*body)(const char* path)) {
  const pid_t pid = fork();
  if (pid == 0) {
    const auto folder = sys::open_file(readable, O_PATH | O_DIRECTORY);
    const bool ok =
        folder.ok() && give_up_privileges({}).ok() && confine_worker({{.fd = folder->get()}}).ok();
    _exit(ok ? body((readable + "/file").c_str()) : 99);
  }
  return sys::wait(pid)->code;
}

TEST_F(SupervisorTest, AWorkerReachesItsFoldersAndNothingElse) {
  ASSERT_TRUE(sys::write_file(directory_ + "/file", "x").ok());
  const auto opens = [](const char* path) { return open(path, O_RDONLY) >= 0 ? 0 : errno; };
  EXPECT_EQ(confined(directory_, opens), 0);
  EXPECT_EQ(confined("/usr", [](const char*) { return open("/bin/sh", O_RDONLY) < 0 ? errno : 0; }),
            0);
  EXPECT_EQ(
      confined(directory_, [](const char*) { return open("/bin/sh", O_RDONLY) < 0 ? errno : 0; }),
      EACCES);
  EXPECT_EQ(
      confined(directory_, [](const char* path) { return open(path, O_RDWR) < 0 ? errno : 0; }),
      EACCES);
  EXPECT_EQ(confined(directory_, [](const char*) { return kill(getppid(), 0) < 0 ? errno : 0; }),
            EPERM);
  EXPECT_EQ(confined(directory_,
                     [](const char*) {
                       return syscall(SYS_tgkill, getppid(), getppid(), 0) < 0 ? errno : 0;
                     }),
            EPERM);
  EXPECT_EQ(confined(directory_,
                     [](const char*) {
                       execl("/bin/true", "true", nullptr);
                       return 0;
                     }),
            128 + SIGSYS);
}

}  // namespace
}  // namespace duet::gateway
