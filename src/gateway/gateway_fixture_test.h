#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gateway/config.h"
#include "gateway/control_client.h"
#include "gateway/front.h"
#include "net/http_client.h"
#include "net/http_server.h"
#include "net/resolver.h"
#include "net/socket.h"
#include "sys/clock.h"

// What the end-to-end tests of the gateway start: a worker on a thread of its own with real
// sockets, and servers behind it.
namespace duet::gateway {

// The code of a guest of guests/ as duet-compile makes it, once for all tests of the process.
Result<std::string> compiled_guest(const std::string& name, engine::Use use = engine::Use::kOwn);

constexpr std::int64_t kTestTimeoutMs = 30'000;

// A blocking HTTP server on a loopback port; `serve` gets each connection on a thread.
class TestServer {
 public:
  using Serve = std::function<void(net::ServerConnection&)>;
  explicit TestServer(Serve serve);
  ~TestServer();
  int port() const { return port_; }
  int connections() const { return connections_; }

 private:
  void accept_all();
  Serve serve_;
  sys::Fd listener_;
  int port_ = 0;
  std::atomic<int> connections_ = 0;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> threads_;
  std::vector<std::shared_ptr<sys::Fd>> open_;  // the connections once more, to end them
  std::thread acceptor_;
};

// Answers every request with its method, path and body as text, and its fields as x-got-*.
void serve_echo(net::ServerConnection& connection);

struct Answer {
  int status = 0;
  net::FieldList fields;
  std::string body;
};

// A worker on a thread of its own.
class RunningWorker {
 public:
  // It takes control packets at `socket`.
  RunningWorker(const std::string& socket, const ClientLimits& clients,
                const net::ResolverOptions& dns);
  // Waits until it has ended, by drain.
  ~RunningWorker() { thread_.join(); }

 private:
  sys::SystemClock clock_;
  std::thread thread_;
};

// The worker of another worker group, and how the one that has the clients reaches it.
class RunningGroup {
 public:
  RunningGroup(std::string name, const std::string& directory,
               const net::ResolverOptions& dns = {});
  ~RunningGroup();
  // Tells `shared` of this group's socket.
  void join(ControlClient& shared) const;
  ControlClient& control() { return *control_; }
  const std::string& name() const { return name_; }
  Status set_table(RouteTable table);

 private:
  std::string name_;
  std::string path_;
  std::unique_ptr<RunningWorker> worker_;
  std::unique_ptr<ControlClient> control_;
};

// With DUET_TEST_WORKER_GROUPS in the environment, all handlers are in two other worker groups by
// turns: what is true of handlers is true there.
class GatewayTest : public testing::Test {
 public:
  GatewayTest();
  ~GatewayTest() override;

 protected:
  void SetUp() override;
  void TearDown() override;

  // Sets a table whose only listener is "web".
  void set_table(RouteTable table);
  // A route for every request to `backend`, of which there is no other.
  void serve_all(BackendConfig backend);
  net::HttpClient client() const;
  Answer ask(const net::ClientRequest& request) const;
  Answer ask(net::HttpClient& http, const net::ClientRequest& request) const;
  // Sends `text` and reads until the gateway closes.
  std::string raw(const std::string& text) const;
  // Sends `begin`, then one byte after the other and a moment between them, until the gateway says
  // something or has closed; gives all that it says until it closes.
  std::string raw_dribble(const std::string& begin) const;
  // Sends the code of a guest; returns its digest.
  std::string add_guest(const std::string& name, engine::Use use = engine::Use::kOwn);
  BackendConfig handler(const std::string& guest, HandlerLimits limits = {},
                        engine::Use use = engine::Use::kOwn);
  // Lines of the access log that were written since the last call; waits until there is one at
  // least.
  std::string log_lines();

  // Of the worker; to be set before SetUp.
  net::ResolverOptions dns_;
  ClientLimits clients_;
  std::string directory_;
  std::unique_ptr<ControlClient> control_;
  int port_ = 0;

 private:
  RouteTable divide(RouteTable table);
  std::unique_ptr<RunningWorker> running_;
  std::vector<std::unique_ptr<RunningGroup>> groups_;
  sys::Fd log_;
};

}  // namespace duet::gateway
