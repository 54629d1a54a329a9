#include <future>

#include "gateway/gateway_fixture_test.h"
#include "net/socket.h"

// Listeners at a pod's own address, which have routes of their own.
namespace duet::gateway {
namespace {

class PodListenerTest : public GatewayTest {
 protected:
  void SetUp() override {
    GatewayTest::SetUp();
    const sys::Fd socket = std::move(*listen_tcp("127.0.0.1:0"));
    address_ = net::format_address(*net::local_address(socket.get()));
    ASSERT_TRUE(control_->add_listener("pod", socket.get()).ok());
  }
  // A site whose front door answers "front", and a pod that answers "pod".
  static RouteTable site() {
    RouteTable table;
    table.listeners = {{"web", "127.0.0.1"},
                       {.name = "pod", .address = "127.0.0.1", .own_routes = true}};
    table.routes = {{.name = "all", .rules = {{.backends = {{.backend = "front"}}}}},
                    {.name = "Pod default/p",
                     .listeners = {"pod"},
                     .rules = {{.backends = {{.backend = "pod"}}}}}};
    table.backends = {{"front", StaticBackend{.status = 200, .body = "front"}},
                      {"pod", StaticBackend{.status = 200, .body = "pod"}}};
    return table;
  }
  // The same when the pod is gone.
  static RouteTable site_without_pod() {
    RouteTable table = site();
    table.listeners.pop_back();
    table.routes.pop_back();
    table.backends.pop_back();
    return table;
  }
  net::HttpClient pod_client() const {
    return std::move(*net::HttpClient::connect_tcp(address_, kTestTimeoutMs));
  }

  std::string address_;
};

TEST_F(PodListenerTest, LeadsToThePodWhateverTheHost) {
  ASSERT_TRUE(control_->set_table(site()).ok());
  net::HttpClient http = pod_client();
  EXPECT_EQ(ask(http, {}).body, "pod");
  EXPECT_EQ(ask(http, {.target = "/x", .fields = {{"Host", "front.test"}}}).body, "pod");
  const std::string lines = log_lines();
  EXPECT_NE(lines.find("\"route\":\"Pod default/p\""), std::string::npos) << lines;
  EXPECT_EQ(ask({}).body, "front");
}

TEST_F(PodListenerTest, ClosesWithItsConnections) {
  ASSERT_TRUE(control_->set_table(site()).ok());
  net::HttpClient idle = pod_client();
  EXPECT_EQ(ask(idle, {}).body, "pod");
  net::HttpClient fresh = pod_client();  // has asked nothing yet
  net::HttpClient front = client();
  EXPECT_EQ(ask(front, {}).body, "front");
  ASSERT_TRUE(control_->set_table(site_without_pod()).ok());
  EXPECT_FALSE(idle.send({}).ok());
  // What was on its way when the pod went is told so, and nothing more is taken.
  if (const auto late = fresh.send({}); late.ok()) {
    EXPECT_EQ(late->status, 503);
    EXPECT_FALSE(late->keep_alive);
  }
  EXPECT_FALSE(net::HttpClient::connect_tcp(address_, kTestTimeoutMs).ok());
  EXPECT_EQ(ask(front, {}).body, "front");
  EXPECT_EQ(control_->status()->listeners, std::vector<std::string>{"web"});
}

TEST_F(PodListenerTest, AnswersWhatIsInFlightWhenItCloses) {
  std::promise<void> asked;
  std::promise<void> go;
  TestServer server([&](net::ServerConnection& connection) {
    EXPECT_TRUE(connection.next().ok());
    asked.set_value();
    go.get_future().wait();
    EXPECT_TRUE(connection.respond(200, {}, "late").ok());
  });
  RouteTable table = site();
  table.backends[1].kind = ProxyBackend{.endpoints = {{"127.0.0.1", server.port()}}};
  ASSERT_TRUE(control_->set_table(table).ok());
  net::HttpClient http = pod_client();
  auto answer = std::async(std::launch::async, [&] { return ask(http, {}); });
  asked.get_future().wait();
  ASSERT_TRUE(control_->set_table(site_without_pod()).ok());
  go.set_value();
  EXPECT_EQ(answer.get().body, "late");
  EXPECT_FALSE(http.send({}).ok());
}

}  // namespace
}  // namespace duet::gateway
