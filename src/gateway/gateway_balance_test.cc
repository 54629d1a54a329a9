#include <sys/socket.h>

#include <atomic>
#include <future>

#include "gateway/gateway_fixture_test.h"
#include "gateway/server_health.h"

// Which of several servers gets a request, and what happens to it when that one
// fails.
namespace duet::gateway {
namespace {

// Reads a request and closes without an answer.
void serve_nothing(net::ServerConnection& connection) { (void)connection.next(); }

void serve_hello(net::ServerConnection& connection) {
  for (;;) {
    auto request = connection.next();
    if (!request.ok() || !*request || !connection.respond(200, {}, "hello").ok()) {
      return;
    }
  }
}

BackendConfig proxy_to(std::initializer_list<const TestServer*> servers) {
  ProxyBackend proxy;
  for (const TestServer* server : servers) {
    proxy.endpoints.push_back({"127.0.0.1", server->port()});
  }
  return {"pods", proxy};
}

TEST_F(GatewayTest, AsksTheServerThatHasFewest) {
  std::promise<void> arrived;
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::atomic<int> counts[2] = {0, 0};
  const auto serve = [&](std::atomic<int>& count) {
    return [&](net::ServerConnection& connection) {
      for (;;) {
        auto request = connection.next();
        if (!request.ok() || !*request) {
          return;
        }
        if ((*request)->path == "/held") {
          arrived.set_value();
          released.wait();
        } else {
          ++count;
        }
        (void)connection.respond(200, {}, "");
      }
    };
  };
  TestServer first(serve(counts[0]));
  TestServer second(serve(counts[1]));
  serve_all(proxy_to({&first, &second}));
  auto held = std::async(std::launch::async, [this] { return ask({.target = "/held"}); });
  arrived.get_future().wait();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ask({}).status, 200);
  }
  EXPECT_EQ(std::max(counts[0], counts[1]),
            10);  // all went where nothing is in flight
  release.set_value();
  EXPECT_EQ(held.get().status, 200);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ask({}).status, 200);
  }
  EXPECT_GE(std::min(counts[0], counts[1]), 3);  // now they take turns
}

TEST_F(GatewayTest, LeavesOutAServerThatFailsAndAsksTheNext) {
  TestServer broken(serve_nothing);
  TestServer good(serve_hello);
  serve_all(proxy_to({&broken, &good}));
  std::string log;
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(ask({}).body, "hello");
    log += log_lines();
  }
  // 3 until it is out, and one each time that it is tried again.
  EXPECT_GE(broken.connections(), HealthPolicy{}.failure_limit);
  EXPECT_LE(broken.connections(), HealthPolicy{}.failure_limit + 6);
  EXPECT_NE(log.find("\"retries\":1,\"retry_reason\":\"ConnectionLost\""), std::string::npos)
      << log;
}

TEST_F(GatewayTest, ServersThatAllFailAreAllTried) {
  TestServer one(serve_nothing);
  TestServer two(serve_nothing);
  serve_all(proxy_to({&one, &two}));
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(ask({.method = "POST"}).body, "502 Bad Gateway: ConnectionLost\n");
  }
  EXPECT_EQ(one.connections() + two.connections(),
            8);  // no request was sent twice
  EXPECT_GE(std::min(one.connections(), two.connections()), 3);
}

TEST_F(GatewayTest, CountsErrorsOfAServerIfAskedTo) {
  TestServer failing([](net::ServerConnection& connection) {
    while (connection.next().ok() && connection.respond(503, {}, "").ok()) {
    }
  });
  TestServer good(serve_hello);
  BackendConfig backend = proxy_to({&failing, &good});
  std::get<ProxyBackend>(backend.kind).counts_errors = true;
  serve_all(backend);
  int errors = 0;
  for (int i = 0; i < 40; ++i) {
    errors += ask({}).status == 503 ? 1 : 0;
  }
  EXPECT_GE(errors, HealthPolicy{}.failure_limit);  // they are passed on, not sent again
  EXPECT_LE(errors, HealthPolicy{}.failure_limit + 6);
}

}  // namespace
}  // namespace duet::gateway
