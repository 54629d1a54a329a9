#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "api/api_fixture.h"
#include "cluster/api_server_for_test.h"
#include "cluster/json_field.h"
#include "kubelet/server.h"
#include "net/tls_client_for_test.h"
#include "sys/file.h"

namespace duet::kubelet {

// An API server for reviews: knows one token, and allows what a test says.
class ReviewsForTest {
 public:
  using Json = cluster::Json;
  using Request = cluster::ApiServerForTest::Request;
  using Connection = cluster::ApiServerForTest::Connection;

  ReviewsForTest()
      : server_([this](const Request& request, Connection& connection) {
          return answer(request, connection);
        }) {}

  cluster::Access access() const { return server_.access(); }
  // What was asked of `kind` so far.
  int asked(const std::string& kind) const {
    int count = 0;
    for (const std::string& line : server_.lines()) {
      count += line.find(kind) != std::string::npos ? 1 : 0;
    }
    return count;
  }
  std::string last_review() const {
    const std::lock_guard lock(mutex_);
    return last_review_;
  }

  std::atomic<bool> allows{true};
  std::atomic<bool> fails{false};

 private:
  bool answer(const Request& request, Connection& connection) {
    if (fails) {
      return connection.write("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    }
    const Json review = Json::parse(request.body, nullptr, false);
    Json status;
    if (request.line.find("tokenreviews") != std::string::npos) {
      status = {{"authenticated", review["spec"]["token"] == "good"},
                {"user", {{"username", "prometheus"}, {"groups", {"monitoring"}}}}};
    } else if (request.line.find("subjectaccessreviews") != std::string::npos) {
      status = {{"allowed", allows.load()}};
      const std::lock_guard lock(mutex_);
      last_review_ = request.body;
    } else {
      return connection.write(cluster::ApiServerForTest::with_body(404, "{}"));
    }
    return connection.write(
        cluster::ApiServerForTest::with_body(201, Json{{"status", status}}.dump()));
  }

  mutable std::mutex mutex_;
  std::string last_review_;
  cluster::ApiServerForTest server_;
};

// The kubelet's API over a real store, before an API server that reviews.
class KubeletTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *sys::make_temporary_directory(testing::TempDir(), "kubelet-");
    store_ = store::Store::open(folder_ + "/objects.db", clock_).value();
    pods_.folder = folder_;
    ASSERT_TRUE(sys::make_directories(folder_ + "/main").ok());
    ASSERT_TRUE(sys::write_file(folder_ + "/clients.crt", clients_.pem()).ok());
    auto listening = listen("127.0.0.1:0");
    ASSERT_TRUE(listening.ok()) << listening.error().message();
    port_ = listening->port;
    access_ = std::make_unique<cluster::CurrentAccess>(reviews_.access());
    auto server = Server::start({.store = *store_, .pods = &pods(), .clock = clock_},
                                std::move(*listening), *access_, clock_, random_,
                                {.node_name = "edge",
                                 .directory = folder_ + "/cluster",
                                 .measured_path = folder_,
                                 .client_ca_file = folder_ + "/clients.crt",
                                 .log = [](const std::string&) {}});
    ASSERT_TRUE(server.ok()) << server.error().message();
    server_ = std::move(*server);
  }
  void TearDown() override {
    server_.reset();
    store_.reset();
    (void)sys::remove_tree(folder_);
  }

  // What runs; a test that needs more than logs says so.
  virtual pod::Pods& pods() { return pods_; }

  // A pod with one container, main, that the cluster bound to `node`, or one of the site's own.
  void make_pod(const std::string& name, bool from_cluster = true,
                const std::string& node = "edge") {
    cluster::Json pod = cluster::Json::parse(api::pod_json(name));
    if (from_cluster) {
      pod["metadata"]["annotations"] = {{"duet.edge/source", "cluster"}};
      pod["spec"]["nodeName"] = node;
    }
    const auto made =
        store_->create({.key = {object::Kind::kPod, "default", name}, .json = pod.dump()});
    ASSERT_TRUE(made.ok()) << made.error().message();
  }

  net::SelfSigned admin() const {
    return clients_.issue({.common_name = "admin", .organization = "kubelet-admins"}, "");
  }

  struct Answer {
    int status = 0;
    std::string body;
  };
  Answer send(const std::string& method, const std::string& target,
              const std::optional<net::SelfSigned>& certificate, const std::string& fields = "") {
    net::TlsClientForTest client(port_, certificate);
    EXPECT_TRUE(client.ready());
    client.write(method + " " + target + " HTTP/1.1\r\nHost: node\r\nConnection: close\r\n" +
                 fields + "\r\n");
    const std::string answer = client.read_all();
    const std::size_t end = answer.find("\r\n\r\n");
    if (!answer.starts_with("HTTP/1.1 ") || end == std::string::npos) {
      ADD_FAILURE() << answer;
      return {};
    }
    return {std::stoi(answer.substr(9)), answer.substr(end + 4)};
  }
  Answer get(const std::string& target) { return send("GET", target, admin()); }

  std::string folder_;
  sys::SystemClock clock_;
  sys::SystemRandom random_;
  net::AuthorityForTest clients_{"clients"};
  ReviewsForTest reviews_;
  std::unique_ptr<store::Store> store_;
  api::LoggedPods pods_;
  std::unique_ptr<cluster::CurrentAccess> access_;
  std::unique_ptr<Server> server_;
  int port_ = 0;
};

}  // namespace duet::kubelet
