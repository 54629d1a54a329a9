#include <malloc.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "gateway/gateway_frames_test.h"
#include "gateway/http2_connection.h"

// Clients of HTTP/2 that want to hurt: each is cut off, keeps the worker from no memory but a
// bounded share, and a good client beside it gets its answers.
namespace duet::gateway {
namespace {

// What one connection may make the worker keep, whatever its client does: the bodies and answers
// that its windows let through, the heads of its streams, frames that wait.
constexpr std::size_t kConnectionMemoryBytes = 8 << 20;
constexpr std::size_t kAttackers = 4;
constexpr std::uint32_t kTurns = 20'000;

std::size_t allocated() { return mallinfo2().uordblks; }

class Http2AbuseTest : public GatewayTest {
 protected:
  void SetUp() override {
    clients_.head_timeout_ms = 1'000;
    clients_.stall_timeout_ms = 1'000;
    GatewayTest::SetUp();
    RouteTable table;
    const auto to = [](const char* path, const char* backend) {
      return Rule{.matches = {{.path = {PathMatch::Type::kPrefix, path}}},
                  .backends = {{.backend = backend}}};
    };
    table.routes = {
        {.name = "all", .rules = {to("/", "small"), to("/large", "large"), to("/deaf", "deaf")}}};
    table.backends = {{"small", StaticBackend{.status = 200, .body = "hello"}},
                      {"large", StaticBackend{.status = 200, .body = std::string(256 << 10, 'x')}},
                      {"deaf", ProxyBackend{.endpoints = {{"127.0.0.1", deaf_.port()}}}}};
    set_table(std::move(table));
  }

  struct Outcome {
    std::vector<std::uint32_t> errors;  // of the GOAWAY that each attacker got; 0: cut off without
    std::size_t memory = 0;             // the most that an attacker took, in bytes
  };
  // Attackers write `turn(0)`, `turn(1)` and so on until they are cut off; one that does not
  // `read` looks at nothing before. Beside them a good client asks.
  Outcome attack(const std::function<std::string(std::uint32_t)>& turn, bool reads,
                 const std::string& settings = "") {
    std::vector<std::unique_ptr<FramePeer>> clients;
    for (std::size_t i = 0; i < kAttackers; ++i) {
      clients.push_back(std::make_unique<FramePeer>(FramePeer::client(port_, settings)));
    }
    net::HttpClient good = client();
    EXPECT_EQ(ask(good, {}).body, "hello");
    const std::size_t before = allocated();
    Outcome outcome;
    outcome.errors.resize(kAttackers);
    std::atomic<std::size_t> running = kAttackers;
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < kAttackers; ++i) {
      threads.emplace_back([&, i] {
        std::thread sender([&] {
          for (std::uint32_t n = 0; n < kTurns && clients[i]->send(turn(n)); ++n) {
          }
        });
        if (!reads) {
          sender.join();
        }
        outcome.errors[i] = clients[i]->read_until(kGoaway).error();
        if (reads) {
          sender.join();
        }
        --running;
      });
    }
    std::size_t most = before;
    while (running > 0) {
      EXPECT_EQ(ask(good, {}).body, "hello");
      most = std::max(most, allocated());
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    outcome.memory = (most - before) / kAttackers;
    return outcome;
  }
  void expect_cut_off(const Outcome& outcome, std::uint32_t error) {
    for (const std::uint32_t got : outcome.errors) {
      EXPECT_EQ(got, error);
    }
    EXPECT_LT(outcome.memory, kConnectionMemoryBytes);
  }

  // Takes connections and requests, and never a body.
  std::promise<void> over_;
  TestServer deaf_{[over = over_.get_future().share()](net::ServerConnection& connection) {
    if (connection.next().ok()) {
      over.wait();
    }
  }};
  ~Http2AbuseTest() override { over_.set_value(); }
};

std::string get(std::uint32_t stream, const std::string& path = "/") {
  return frame(kHeaders, kEndHeaders | kEndStream, stream,
               field(":method", "GET") + field(":scheme", "http") + field(":authority", "a") +
                   field(":path", path));
}

TEST_F(Http2AbuseTest, Floods) {
  const std::string ping = frame(kPing, 0, 0, "12345678");
  expect_cut_off(attack([&](auto) { return ping; }, true), kCalm);
  expect_cut_off(attack([](auto) { return frame(kSettings, 0, 0, ""); }, true), kCalm);
  expect_cut_off(attack([](auto) { return frame(kPriority, 0, 1, number(3) + "\x10"); }, true),
                 kCalm);
  // Of streams that there are not, with other weights and parents each time.
  expect_cut_off(attack(
                     [](std::uint32_t turn) {
                       const std::uint32_t stream = turn * 2 + 1;
                       return frame(
                           kPriority, 0, stream,
                           number(stream > 1 ? stream - 2 : 3) + static_cast<char>(turn % 256));
                     },
                     true),
                 kCalm);
  expect_cut_off(attack([](auto) { return frame(kWindowUpdate, 0, 0, number(1)); }, true), kCalm);
}

// An answer to each frame, and nobody who reads them: the worker stops reading too.
TEST_F(Http2AbuseTest, FloodsThatAreNotRead) {
  const auto unread = [this](const std::function<std::string(std::uint32_t)>& turn) {
    const Outcome outcome = attack(turn, false);
    EXPECT_LT(outcome.memory, kConnectionMemoryBytes);
  };
  unread([](auto) { return frame(kPing, 0, 0, "12345678"); });
  unread([](std::uint32_t turn) { return get(turn * 2 + 1, "/large"); });
  unread([](std::uint32_t turn) { return get(turn * 2 + 1, "relative"); });
}

const std::string kNoWindow = std::string("\0\4", 2) + number(0);  // SETTINGS_INITIAL_WINDOW_SIZE

// Requests that the client takes back itself, and that it makes us take back. Their answers wait.
TEST_F(Http2AbuseTest, RapidResets) {
  const Outcome outcome = attack(
      [](std::uint32_t turn) {
        const std::uint32_t stream = turn * 2 + 1;
        return get(stream) + frame(kReset, 0, stream, number(8));
      },
      true, kNoWindow);
  for (const std::uint32_t error : outcome.errors) {
    EXPECT_NE(error, 0U);
  }
  EXPECT_LT(outcome.memory, kConnectionMemoryBytes);
  expect_cut_off(attack(
                     [](std::uint32_t turn) {
                       const std::uint32_t stream = turn * 2 + 1;
                       const std::string most = frame(kWindowUpdate, 0, stream, number(0x7fffffff));
                       return get(stream, "/large") + most + most;  // too much for a window
                     },
                     true, kNoWindow),
                 kCalm);
  expect_cut_off(attack(
                     [](std::uint32_t turn) {
                       return frame(kHeaders, kEndHeaders | kEndStream, turn * 2 + 1,
                                    kGet + field("x", "y\n"));
                     },
                     true),
                 kCalm);
  // Far more than may be asked at a time.
  expect_cut_off(attack([](std::uint32_t turn) { return get(turn * 2 + 1); }, true, kNoWindow),
                 kCalm);
}

// A field of 4000 bytes, once, then an index of one byte for it again and again.
TEST_F(Http2AbuseTest, HeadsThatGrow) {
  const std::string large =
      std::string("\x40\x01x", 3) + field("", std::string(4000, 'y')).substr(2);
  expect_cut_off(attack(
                     [&large](std::uint32_t turn) {
                       return frame(kHeaders, kEndHeaders | kEndStream, turn * 2 + 1,
                                    kGet + large + std::string(12'000, '\xbe'));
                     },
                     true),
                 kCalm);
  const Outcome endless = attack(
      [&large](std::uint32_t turn) {
        return turn == 0 ? frame(kHeaders, 0, 1, kGet) : frame(kContinuation, 0, 1, large);
      },
      true);
  EXPECT_LT(endless.memory, kConnectionMemoryBytes);
}

// Windows that stay shut: 100 answers of 256 KiB wait for each client until it is given up.
TEST_F(Http2AbuseTest, WindowsThatStayShut) {
  std::vector<std::unique_ptr<FramePeer>> clients;
  const std::size_t before = allocated();
  for (std::size_t i = 0; i < kAttackers; ++i) {
    clients.push_back(std::make_unique<FramePeer>(FramePeer::client(port_, kNoWindow)));
    for (std::uint32_t n = 0; n < Http2Connection::kStreams; ++n) {
      ASSERT_TRUE(clients.back()->send(get(n * 2 + 1, "/large")));
    }
  }
  net::HttpClient good = client();
  EXPECT_EQ(ask(good, {}).body, "hello");
  std::size_t most = before;
  for (const auto& one : clients) {
    for (std::uint32_t n = 0; n < Http2Connection::kStreams; ++n) {
      EXPECT_EQ(one->read_until(kReset).error(), static_cast<std::uint32_t>(NGHTTP2_CANCEL));
      EXPECT_EQ(ask(good, {}).body, "hello");
      most = std::max(most, allocated());
    }
  }
  EXPECT_LT((most - before) / kAttackers, kConnectionMemoryBytes);
}

// Bodies that nobody takes, as much as the windows let through.
TEST_F(Http2AbuseTest, BodiesThatNobodyTakes) {
  const std::size_t before = allocated();
  std::vector<std::unique_ptr<FramePeer>> clients;
  for (std::size_t i = 0; i < kAttackers; ++i) {
    clients.push_back(std::make_unique<FramePeer>(FramePeer::client(port_)));
    std::string sent;
    for (std::uint32_t n = 0; n < 64; ++n) {
      sent += frame(kHeaders, kEndHeaders, n * 2 + 1,
                    field(":method", "POST") + field(":scheme", "http") + field(":authority", "a") +
                        field(":path", "/deaf"));
      sent += frame(kData, 0, n * 2 + 1, std::string(16'000, 'x'));
    }
    ASSERT_TRUE(clients.back()->send(sent));
  }
  net::HttpClient good = client();
  EXPECT_EQ(ask(good, {}).body, "hello");
  std::size_t most = before;
  for (const auto& one : clients) {
    for (int n = 0; n < 64; ++n) {
      EXPECT_EQ(one->status(one->read_until(kHeaders)), 408);
      EXPECT_EQ(ask(good, {}).body, "hello");
      most = std::max(most, allocated());
    }
  }
  EXPECT_LT((most - before) / kAttackers, kConnectionMemoryBytes);
}

// A head, and a frame, that never end.
TEST_F(Http2AbuseTest, SlowHeads) {
  FramePeer head = FramePeer::client(port_);
  head.send(frame(kHeaders, 0, 1, kGet));
  EXPECT_EQ(head.read_until(kGoaway).error(), kCalm);
  FramePeer half = FramePeer::client(port_);
  half.send(get(1).substr(0, 15));
  EXPECT_EQ(half.read_until(kGoaway).error(), kCalm);
  FramePeer start = FramePeer::client(port_);
  start.send(get(1).substr(0, 5));
  EXPECT_EQ(start.read_until(kGoaway).error(), 0U);
  EXPECT_EQ(start.read_until(-1).type, -1);
}

}  // namespace
}  // namespace duet::gateway
