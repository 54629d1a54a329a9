#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "gateway/gateway_fixture_test.h"
#include "gateway/group_frame.h"
#include "sys/file.h"

// Handlers in another worker group: what two gateways owe each other. That everything else is as
// for handlers of one's own is shown by the other tests of handlers, with DUET_TEST_WORKER_GROUPS.
namespace duet::gateway {
namespace {

class GroupTest : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    start_group();
  }
  void TearDown() override {
    group_.reset();
    GatewayTest::TearDown();
  }

  void start_group() {
    group_ = std::make_unique<RunningGroup>("x", directory_);
    group_->join(*control_);
  }

  // A handler of the group, which gets its code.
  BackendConfig handler_of_group(const std::string& guest, const HandlerLimits& limits = {}) {
    BackendConfig config = handler(guest, limits);
    const sys::Fd file = std::move(*sys::open_file(directory_ + "/" + guest, O_RDONLY));
    EXPECT_TRUE(group_->control().add_code(guest, file.get()).ok());
    return config;
  }

  void set_group_table(std::vector<BackendConfig> backends, std::vector<Service> services = {}) {
    RouteTable table;
    table.backends = std::move(backends);
    table.services = std::move(services);
    const Status set = group_->set_table(std::move(table));
    ASSERT_TRUE(set.ok()) << set.error().message();
  }

  // All requests go to the group's backend of that name.
  RouteTable shared_table(const std::string& backend, std::int64_t wall_ms = 0) const {
    RouteTable table;
    table.routes = {{.name = "all", .rules = {{.backends = {{.backend = backend}}}}}};
    table.backends = {{backend, GroupBackend{.group = "x", .wall_ms = wall_ms}}};
    table.groups = {{.name = "x", .may_ask = {}}};
    return table;
  }

  // Until the group answers so many requests.
  void wait_in_flight(int count) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(kTestTimeoutMs);
    while (group_->control().status()->requests_in_flight != count) {
      ASSERT_LT(std::chrono::steady_clock::now(), until);
    }
  }

  std::unique_ptr<RunningGroup> group_;
};

int lines_in(const std::string& text) {
  return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
}

TEST_F(GroupTest, OneRequestIsOneLineWithWhatTheGuestUsed) {
  set_group_table({handler_of_group("hello_handler")});
  set_table(shared_table("hello_handler"));
  EXPECT_EQ(ask({}).status, 200);
  const std::string line = log_lines();
  EXPECT_EQ(lines_in(line), 1) << line;
  const auto record = nlohmann::json::parse(line);
  EXPECT_EQ(record["backend"], "hello_handler");
  EXPECT_EQ(record["cold"], true);
  EXPECT_GT(record["cpu_us"].get<int>(), 0);
  EXPECT_GT(record["memory_bytes"].get<int>(), 0);
  EXPECT_EQ(ask({}).status, 200);
  EXPECT_EQ(log_lines().find("cold"), std::string::npos);
  const std::string metrics = *control_->metrics();
  EXPECT_NE(metrics.find("backend=\"hello_handler\",code=\"200\",reason=\"\"} 2\n"),
            std::string::npos)
      << metrics;
  EXPECT_EQ(group_->control().metrics()->find("duet_requests_total{"), std::string::npos);
}

TEST_F(GroupTest, AGroupThatDoesNotAnswerCostsItsRequestsAlone) {
  set_group_table({handler_of_group("hello_handler")});
  RouteTable table = shared_table("hello_handler");
  table.backends.push_back({"own", StaticBackend{.status = 200, .body = "own"}});
  table.routes.insert(table.routes.begin(),
                      {.name = "own",
                       .rules = {{.matches = {{.path = {PathMatch::Type::kPrefix, "/own"}}},
                                  .backends = {{.backend = "own"}}}}});
  set_table(table);
  EXPECT_EQ(ask({}).status, 200);
  log_lines();
  group_.reset();
  EXPECT_EQ(ask({}).body, "503 Service Unavailable: NoWorker\n");
  EXPECT_EQ(ask({.target = "/own"}).body, "own");
  start_group();
  set_group_table({handler_of_group("hello_handler")});
  EXPECT_EQ(ask({}).status, 200);
}

TEST_F(GroupTest, RequestsThatItsWorkerWasAnsweringEndWithIt) {
  set_group_table({handler_of_group("sleeper_handler")});
  set_table(shared_table("sleeper_handler"));
  Answer answer;
  std::thread waiter([&] { answer = ask({.target = "/?ms=20000"}); });
  wait_in_flight(1);
  group_.reset();  // drains, and waits for nobody
  waiter.join();
  EXPECT_EQ(answer.body, "502 Bad Gateway: WorkerLost\n");
  const std::string line = log_lines();
  EXPECT_NE(line.find("\"reason\":\"WorkerLost\""), std::string::npos) << line;
}

TEST_F(GroupTest, AClientThatGoesFreesTheSandbox) {
  // Its own time is over long after this test's.
  set_group_table({handler_of_group(
      "sleeper_handler",
      {.first_byte_ms = 2 * kTestTimeoutMs, .wall_ms = 2 * kTestTimeoutMs, .in_flight = 1})});
  set_table(shared_table("sleeper_handler"));
  {
    auto socket = net::connect_tcp(*net::make_address("127.0.0.1", port_), kTestTimeoutMs);
    ASSERT_TRUE(socket.ok());
    ASSERT_TRUE(net::send_all(socket->get(), "GET /?ms=50000 HTTP/1.1\r\nHost: a\r\n\r\n").ok());
    wait_in_flight(1);
    const linger reset{.l_onoff = 1, .l_linger = 0};
    ASSERT_EQ(setsockopt(socket->get(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
  }
  wait_in_flight(0);
  EXPECT_EQ(ask({.target = "/?ms=1"}).status, 200);
}

TEST_F(GroupTest, ADrainedGroupEndsWhenNobodyAsksItAnyMore) {
  set_group_table({handler_of_group("sleeper_handler")});
  set_table(shared_table("sleeper_handler"));
  Answer answer;
  std::thread waiter([&] { answer = ask({.target = "/?ms=500"}); });
  wait_in_flight(1);
  RouteTable without;
  without.routes = {{.name = "all", .rules = {{.backends = {{.backend = "own"}}}}}};
  without.backends = {{"own", StaticBackend{.status = 200, .body = "own"}}};
  set_table(without);
  ASSERT_TRUE(group_->control().drain(kTestTimeoutMs).ok());
  waiter.join();
  EXPECT_EQ(answer.status, 200) << answer.body;
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(kTestTimeoutMs / 2);
  while (group_->control().status().ok()) {
    ASSERT_LT(std::chrono::steady_clock::now(), until) << "it waits for its time to be over";
  }
  EXPECT_EQ(ask({}).body, "own");
}

TEST_F(GroupTest, WhatATableDoesNotNameAnyMoreIsAnsweredForAWhile) {
  set_group_table({handler_of_group("hello_handler")});
  set_table(shared_table("hello_handler"));
  set_group_table({handler_of_group("echo_handler")});
  EXPECT_EQ(ask({}).status, 200) << "the shared group has its old table for another moment";
  set_table(shared_table("echo_handler"));
  EXPECT_EQ(ask({}).status, 200);
  set_table(shared_table("never_there"));
  EXPECT_EQ(ask({}).body, "503 Service Unavailable: HandlerGone\n");
}

TEST_F(GroupTest, HandlersAskOnlyWhatTheirGroupMayAsk) {
  BackendConfig asking = handler_of_group("outgoing_handler", {.cpu_ms = 1'000});
  std::get<HandlerBackend>(asking.kind).allow_outbound = {{"http", "hello", 80}};
  set_group_table({asking, {"hello_handler", GroupBackend{}}},
                  {{"default", "hello", 80, "hello_handler"}});
  RouteTable table = shared_table("outgoing_handler");
  table.backends.push_back(handler("hello_handler"));
  const auto get = [this] { return ask({.fields = {{"x-url", "http://hello/"}}}); };
  // Whatever its own table says.
  set_table(table);
  EXPECT_EQ(get().status, 502);
  log_lines();
  table.groups[0].may_ask = {"hello_handler"};
  set_table(table);
  const Answer answer = get();
  EXPECT_EQ(answer.status, 200) << answer.body;
  const std::string line = log_lines();
  EXPECT_EQ(lines_in(line), 1) << line;
  EXPECT_NE(line.find("\"outgoing\":1"), std::string::npos) << line;
}

// A gateway of a group as a guest that broke out would make it.
class RogueTest : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    const std::string path = directory_ + "/rogue.group";
    listener_ = std::move(*listen_group(path));
    const sys::Fd way = std::move(*sys::open_file(path, O_PATH));
    ASSERT_TRUE(control_->add_group("x", way.get()).ok());
    RouteTable table;
    table.routes = {{.name = "all", .rules = {{.backends = {{.backend = "h"}}}}}};
    table.backends = {{"h", GroupBackend{.group = "x"}}, {"secret", StaticBackend{.status = 200}}};
    table.groups = {{.name = "x", .may_ask = {}}};
    set_table(table);
  }

  // Takes a connection and reads the request's head.
  std::uint64_t take_request() {
    pollfd wait{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&wait, 1, static_cast<int>(kTestTimeoutMs)), 1);
    link_.reset(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const auto [type, id] = receive();
    EXPECT_EQ(type, FrameType::kStart);
    return id;
  }

  std::string receive_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    const ssize_t got = recv(link_.get(), bytes.data(), size, MSG_WAITALL);
    return got == static_cast<ssize_t>(size) ? bytes : std::string(kFrameHeaderBytes, '\0');
  }

  std::pair<FrameType, std::uint64_t> receive() {
    const std::string header = receive_bytes(kFrameHeaderBytes);
    const auto start = read_frame(header);
    content_ = receive_bytes(start->size - kFrameHeaderBytes);
    return {start->frame.type, start->frame.id};
  }

  void say(FrameType type, std::uint64_t id, const std::string& content) {
    char header[kFrameHeaderBytes];
    write_frame_header(header, type, id, content.size());
    EXPECT_TRUE(net::send_all(link_.get(), std::string(header, sizeof(header)) + content).ok());
  }

  // What the client gets when the group's gateway says `lie`.
  Answer answer_to(const std::function<void(std::uint64_t id)>& lie) {
    Answer answer;
    std::thread asker([&] { answer = ask({}); });
    lie(take_request());
    asker.join();
    return answer;
  }

  sys::Fd listener_;
  sys::Fd link_;
  std::string content_;
};

TEST_F(RogueTest, IsBelievedAsLongAsItKeepsTheRules) {
  const Answer answer = answer_to([this](std::uint64_t id) {
    say(FrameType::kHead, id, write_head({.status = 201, .framing = net::Framing::kChunked}));
    say(FrameType::kData, id, "hello");
    say(FrameType::kUsage, id + 9, "of no call");
    say(FrameType::kEnd, id, write_end({.cpu_ns = 5'000, .retry_reason = "a b"}, {}));
  });
  EXPECT_EQ(answer.status, 201);
  EXPECT_EQ(answer.body, "hello");
}

TEST_F(RogueTest, LiesAreCutOffAndTheWorkerGoesOn) {
  const net::Field split{"x", "a\r\nset-cookie: b"};
  const std::vector<std::function<void(std::uint64_t)>> lies = {
      [&](std::uint64_t id) {
        say(FrameType::kHead, id, write_head({.status = 200, .fields = {&split, 1}}));
      },
      [&](std::uint64_t id) { say(FrameType::kHead, id, write_head({.status = 42})); },
      [&](std::uint64_t id) { say(FrameType::kData, id, "before the head"); },
      [&](std::uint64_t id) { say(FrameType::kEnd, id, write_end({}, {})); },
      [&](std::uint64_t id) { say(FrameType::kEnd, id, "?"); },
      [&](std::uint64_t id) { say(FrameType::kBodyCredit, id, write_credit(1)); },
      [&](std::uint64_t) { say(FrameType::kStart, 0, write_start({.backend = "secret"}, {})); },
      [&](std::uint64_t) { say(static_cast<FrameType>(77), 1, ""); },
      [&](std::uint64_t) {
        char header[kFrameHeaderBytes];
        write_frame_header(header, FrameType::kData, 1, 0xffffffffU);
        EXPECT_TRUE(net::send_all(link_.get(), {header, sizeof(header)}).ok());
      },
  };
  for (std::size_t i = 0; i < lies.size(); ++i) {
    SCOPED_TRACE(i);
    const Answer answer = answer_to(lies[i]);
    EXPECT_EQ(answer.body, "502 Bad Gateway: WorkerLost\n");
  }
}

TEST_F(RogueTest, MayAskForNothingThatItWasNotGiven) {
  const CallHead head{.method = "GET", .scheme = "http", .authority = "a", .target = "/"};
  const auto refused = [this](std::uint64_t asked) {
    const auto [type, id] = receive();
    EXPECT_EQ(type, FrameType::kFailure);
    EXPECT_EQ(id, asked);
    Usage usage;
    Failure failure;
    EXPECT_TRUE(read_failure(content_, usage, failure));
    return std::string(failure.reason);
  };
  answer_to([&](std::uint64_t id) {
    say(FrameType::kStart, 1, write_start({.backend = "secret"}, head));
    EXPECT_EQ(refused(1), "HandlerGone");
    say(FrameType::kStart, 2, write_start({.parent = id}, head));
    EXPECT_EQ(refused(2), "NoNextStep");
    say(FrameType::kStart, 3, write_start({.parent = 99}, head));
    EXPECT_EQ(refused(3), "NoNextStep");
    say(FrameType::kFailure, id, write_failure({}, {.status = 502, .reason = "no word"}));
  });
  EXPECT_NE(log_lines().find("\"reason\":\"Other\""), std::string::npos);
}

TEST_F(RogueTest, MoreThanItsCreditIsNotTaken) {
  const Answer answer = answer_to([this](std::uint64_t id) {
    say(FrameType::kHead, id, write_head({.status = 200, .framing = net::Framing::kChunked}));
    say(FrameType::kData, id, std::string(kWindowBytes + 1, 'x'));
  });
  EXPECT_TRUE(answer.body.starts_with("broken: ")) << answer.body.size();
}

}  // namespace
}  // namespace duet::gateway
