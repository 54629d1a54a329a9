#include "cluster/cluster_node.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

#include "cluster/api_server_for_test.h"
#include "cluster/heard_for_test.h"
#include "cluster/kubeconfig.h"
#include "sys/file.h"

// The whole of a node's cluster side, against a server that does what real ones do on bad days.
namespace duet::cluster {
namespace {

using Request = ApiServerForTest::Request;
using Connection = ApiServerForTest::Connection;

// The system's clock, set wrong by as much as a test says.
class WrongClock final : public sys::Clock {
 public:
  sys::WallTime now() const override {
    return std::chrono::system_clock::now() + std::chrono::hours(off_by_h_);
  }
  sys::MonotonicTime monotonic() const override { return std::chrono::steady_clock::now(); }
  void set(std::chrono::hours off_by) { off_by_h_ = off_by.count(); }

 private:
  std::atomic<std::int64_t> off_by_h_{0};
};

std::string status(int code, const std::string& reason) {
  return ApiServerForTest::with_body(code, R"({"kind":"Status","reason":")" + reason +
                                               R"(","code":)" + std::to_string(code) + "}");
}

class ClusterNodeTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *sys::make_temporary_directory(testing::TempDir(), "node-");
    ASSERT_TRUE(sys::make_directories(folder_ + "/cluster", 0700).ok());
    store_ = *store::Store::open(folder_ + "/objects.db", clock_);
    const Access access = server_.access();
    write("token", "abcdef.0123456789abcdef\n");
    write("ca.crt", access.endpoint.ca_pem);
    keep_certificate(access);
  }
  void start(const std::optional<std::string>& second = {}) {
    const Access access = server_.access();
    std::optional<SecondNode> other;
    if (second) {
      other = {.facts = wasm_node({.name = *second}), .directory = folder_ + "/cluster/wasm"};
    }
    node_ = *ClusterNode::start(*store_, clock_, random_,
                                {.join = {.server = access.endpoint.url(),
                                          .token_file = folder_ + "/token",
                                          .ca_file = folder_ + "/ca.crt",
                                          .bootstrap_kubeconfig = {}},
                                 .facts = wasm_node({.name = "edge"}),
                                 .second = other,
                                 .directory = folder_ + "/cluster",
                                 .measured_path = folder_,
                                 .images = {},
                                 .beat_ms = 5,
                                 .backoff_first_ms = 5,
                                 .backoff_limit_ms = 10,
                                 .log = [this](const std::string& line) { heard_.note(line); }});
  }
  void TearDown() override {
    node_.reset();
    store_.reset();
    (void)sys::remove_tree(folder_);
  }
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(sys::write_file(folder_ + "/" + name, text).ok());
  }
  // What an agent before this one kept.
  void keep_certificate(Access access, const std::string& directory = "cluster",
                        const std::string& user = "system:node:edge") {
    const auto made = net::AuthorityForTest("clients").issue({user}, "");
    access.token.clear();
    access.chain_pem = made.chain_pem;
    access.key_pem = made.key_pem;
    ASSERT_TRUE(sys::make_directories(folder_ + "/" + directory, 0700).ok());
    write(directory + "/kubeconfig", write_kubeconfig(access, user));
  }

  bool answer(const Request& request, Connection& connection) {
    heard_.note(request.line);
    if (const auto trouble = trouble_now()) {
      (void)connection.write(*trouble);
      return false;
    }
    if (request.line.find("watch=1") != std::string::npos) {
      return connection.write(ApiServerForTest::watch_head());
    }
    if (request.line.starts_with("POST") && request.line.find("signing") != std::string::npos) {
      return connection.write(status(401, "Unauthorized"));  // the token was good once
    }
    return connection.write(ApiServerForTest::with_body(200, body_for(request)));
  }
  static std::string body_for(const Request& request) {
    if (request.line.starts_with("GET /api/v1/nodes/edge ")) {
      return R"({"metadata":{"name":"edge","uid":"n-1"}})";
    }
    if (request.line.starts_with("GET /api/v1/nodes/edge-wasm ")) {
      return R"({"metadata":{"name":"edge-wasm","uid":"n-2"}})";
    }
    if (request.line.find("spec.nodeName%3Dedge-wasm") != std::string::npos) {
      return R"({"metadata":{"resourceVersion":"3"},"items":[{"metadata":
        {"name":"hello","namespace":"default","uid":"u-2"},"spec":{"nodeName":"edge-wasm",
        "containers":[{"name":"main","image":"a:1"}]},"status":{"phase":"Pending"}},{"metadata":
        {"name":"own-edge-wasm","namespace":"default","uid":"m-1","annotations":
        {"kubernetes.io/config.mirror":"u-9-1"}},"spec":{"nodeName":"edge-wasm"}}]})";
    }
    if (request.line.starts_with("GET /api/v1/pods?")) {
      return R"({"metadata":{"resourceVersion":"3"},"items":[{"metadata":
        {"name":"web","namespace":"default","uid":"u-1"},
        "spec":{"containers":[{"name":"main","image":"a:1"}]},"status":{"phase":"Pending"}}]})";
    }
    return "{}";
  }
  // From now on everything is answered with these bytes, and the connection ends; nothing: as it
  // should be.
  void set_trouble(std::optional<std::string> bytes) {
    const std::lock_guard lock(mutex_);
    trouble_ = std::move(bytes);
  }
  std::optional<std::string> trouble_now() {
    const std::lock_guard lock(mutex_);
    return trouble_;
  }

  bool beats(std::size_t more = 1) {
    const std::vector<std::string> renewal{"PATCH", "/leases/edge "};
    return heard_.wait_for(renewal, heard_.count(renewal) + more);
  }
  bool has_pod(const std::string& name = "web", const std::string& uid = "u-1") {
    const auto pod = store_->get({object::Kind::kPod, "default", name});
    return pod.ok() && pod->uid == uid;
  }
  bool pod_comes(const std::string& name = "web", const std::string& uid = "u-1") {
    const auto watch = store_->watch({object::Kind::kPod});
    while (!has_pod(name, uid)) {
      const auto event = (*watch)->next(60'000);
      if (!event.ok() || !event->has_value()) {
        return has_pod(name, uid);
      }
    }
    return true;
  }

  WrongClock clock_;
  sys::SeededRandom random_{1};
  HeardForTest heard_;
  std::mutex mutex_;
  std::optional<std::string> trouble_;
  std::string folder_;
  ApiServerForTest server_{[this](const Request& request, Connection& connection) {
    return answer(request, connection);
  }};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ClusterNode> node_;
};

TEST_F(ClusterNodeTest, WhateverTheServerAnswersNoPodIsTouched) {
  start();
  ASSERT_TRUE(pod_comes());
  const std::string troubles[] = {
      status(401, "Unauthorized"),
      status(403, "Forbidden"),
      status(404, "NotFound"),
      status(409, "Conflict"),
      status(410, "Expired"),
      status(422, "Invalid"),
      status(429, "TooManyRequests"),
      status(500, "InternalError"),
      "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\"",
      "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[\"list\"]]",
      "HTTP/1.1 302 Found\r\nLocation: https://127.0.0.2/\r\nContent-Length: 0\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2\r\n",
      std::string(64, '\0'),
      "",
  };
  for (const std::string& bytes : troubles) {
    set_trouble(bytes);
    ASSERT_TRUE(beats(3)) << bytes;
    EXPECT_TRUE(has_pod()) << bytes;
    set_trouble({});
    ASSERT_TRUE(beats(2)) << "after " << bytes;
  }
  EXPECT_TRUE(has_pod());
}

TEST_F(ClusterNodeTest, TwoNodesOfOneMachineLiveSideBySide) {
  keep_certificate(server_.access(), "cluster/wasm", "system:node:edge-wasm");
  start("edge-wasm");
  ASSERT_TRUE(pod_comes());
  ASSERT_TRUE(pod_comes("hello", "u-2"));
  ASSERT_TRUE(beats(3));
  EXPECT_TRUE(heard_.wait_for({"PATCH", "/leases/edge-wasm"}, 3));
  EXPECT_TRUE(heard_.wait_for({"PATCH", "/nodes/edge-wasm/status"}));
  // What showed the site's own pods when there was one Node of that name goes.
  EXPECT_TRUE(heard_.wait_for({"DELETE /api/v1/namespaces/default/pods/own-edge-wasm"}));
  // Nothing of them is asked for twice.
  EXPECT_EQ(heard_.count({"GET /api/v1/services?", "limit="}), 1U);
  // An agent without the second has no use for its pods.
  node_.reset();
  const auto going = [&] {
    const auto pod = store_->get({object::Kind::kPod, "default", "hello"});
    return !pod.ok() || pod->json.find("deletionTimestamp") != std::string::npos;
  };
  EXPECT_FALSE(going());
  start();
  const auto watch = store_->watch({object::Kind::kPod});
  while (!going()) {
    ASSERT_TRUE((*watch)->next(60'000)->has_value());
  }
  EXPECT_TRUE(has_pod());
}

TEST_F(ClusterNodeTest, ASecondNodeThatMayNotJoinIsNoHarmToTheFirst) {
  start("edge-wasm");
  ASSERT_TRUE(heard_.wait_for({"POST", "certificatesigningrequests"}, 3));
  ASSERT_TRUE(pod_comes());
  ASSERT_TRUE(beats(3));
  EXPECT_EQ(heard_.count({"node edge-wasm: cluster: ", "401"}), 1U);
  EXPECT_FALSE(has_pod("hello", "u-2"));
}

TEST_F(ClusterNodeTest, ASecondNodeNeedsNoTokenOnceItIsThere) {
  keep_certificate(server_.access(), "cluster/wasm", "system:node:edge-wasm");
  ASSERT_TRUE(sys::remove_tree(folder_ + "/token").ok());
  start("edge-wasm");
  EXPECT_TRUE(pod_comes());
  EXPECT_TRUE(pod_comes("hello", "u-2"));
}

TEST_F(ClusterNodeTest, TwoNodesHaveTwoNames) {
  const auto node =
      ClusterNode::start(*store_, clock_, random_,
                         {.facts = {.name = "edge"},
                          .second = SecondNode{.facts = {.name = "edge"}, .directory = ""}});
  ASSERT_FALSE(node.ok());
  EXPECT_EQ(node.error().code(), ErrorCode::kInvalid);
}

TEST_F(ClusterNodeTest, AGatewayHasANamespaceAndAName) {
  const auto node =
      ClusterNode::start(*store_, clock_, random_, {.facts = {.name = "edge"}, .gateway = "edge"});
  ASSERT_FALSE(node.ok());
  EXPECT_EQ(node.error().code(), ErrorCode::kInvalid);
  EXPECT_NE(node.error().message().find("cluster.gateway"), std::string::npos);
}

TEST_F(ClusterNodeTest, WhatFailsIsSaidOnceAndSoIsItsEnd) {
  start();
  ASSERT_TRUE(pod_comes());
  ASSERT_TRUE(beats());
  set_trouble(status(403, "Forbidden"));
  ASSERT_TRUE(beats(10));
  EXPECT_EQ(heard_.count({"cluster: ", "/leases/", "403"}), 1U);
  set_trouble({});
  EXPECT_TRUE(heard_.wait_for({"the API server answers again"}));
}

TEST_F(ClusterNodeTest, ATokenThatIsRefusedIsSaidOnce) {
  ASSERT_TRUE(sys::remove_tree(folder_ + "/cluster/kubeconfig").ok());
  start();
  ASSERT_TRUE(heard_.wait_for({"POST", "certificatesigningrequests"}, 5));
  EXPECT_EQ(heard_.count({"cluster: ", "401"}), 1U);
  EXPECT_EQ(heard_.count({"cluster: joining"}), 1U);
}

TEST_F(ClusterNodeTest, AClockThatIsOffByYearsStopsNothing) {
  constexpr std::chrono::hours kManyYears{10 * 365 * 24};
  start();
  ASSERT_TRUE(pod_comes());
  // By the first clock the node's certificate has ended, by the other nobody's is good yet.
  for (const auto& [off_by, said] : {std::pair(kManyYears, "certificate has expired"),
                                     std::pair(-kManyYears, "certificate is not yet valid")}) {
    clock_.set(off_by);
    set_trouble("");  // ends the connections that were made before
    ASSERT_TRUE(heard_.wait_for({"cluster: ", said, "this machine's clock"})) << said;
    set_trouble({});
    EXPECT_TRUE(has_pod());
    clock_.set(std::chrono::hours(0));
    EXPECT_TRUE(beats(3)) << said;
  }
  EXPECT_TRUE(has_pod());
}

}  // namespace
}  // namespace duet::cluster
