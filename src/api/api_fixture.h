#pragma once

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "api/server.h"
#include "net/http_client.h"
#include "object/manifest.h"
#include "pod/pods.h"
#include "store/store.h"
#include "sys/file.h"

namespace duet::api {

// Pods of which only the logs exist; what runs pods is tested with real ones in tests/.
class LoggedPods final : public pod::Pods {
 public:
  Status stop_all(int64_t) override { return {}; }
  Result<pod::Session> exec(const object::ObjectKey&, const std::string&,
                            const pod::ExecOptions&) override {
    return Error(ErrorCode::kUnsupported, "nothing can be executed here");
  }
  Result<pod::Session> attach(const object::ObjectKey&, const std::string&) override {
    return Error(ErrorCode::kUnavailable, "the container does not run");
  }
  Result<sys::Fd> connect(const object::ObjectKey&, int) override {
    return Error(ErrorCode::kUnsupported, "nothing listens here");
  }
  Result<pod::PodUsage> usage(const object::ObjectKey&) override {
    return not_found("nothing runs here");
  }
  Result<std::string> log_path(const object::ObjectKey& pod, const std::string& container,
                               bool previous) override {
    if (!container.empty() && container != "main") {
      return invalid("container " + container + " is not valid for pod " + pod.name);
    }
    return folder + "/main/" + (previous ? "0" : "1") + ".log";
  }
  std::string folder;
};

// A server over a real store in a folder of its own.
class ApiFixture {
 public:
  explicit ApiFixture(ServerOptions options = {})
      : folder_(sys::make_temporary_directory("/tmp", "duet-api-").value()) {
    store_ = store::Store::open(folder_ + "/objects.db", clock_).value();
    pods_.folder = folder_;
    EXPECT_TRUE(sys::make_directories(folder_ + "/main").ok());
    options.socket_path = socket();
    auto server = Server::start({.store = *store_,
                                 .pods = &pods_,
                                 .clock = clock_,
                                 .metrics = [] { return std::string("duet_tests 1\n"); }},
                                options);
    EXPECT_TRUE(server.ok()) << (server.ok() ? "" : server.error().message());
    server_ = std::move(*server);
  }
  ~ApiFixture() {
    server_.reset();
    store_.reset();
    (void)sys::remove_tree(folder_);
  }
  ApiFixture(const ApiFixture&) = delete;
  ApiFixture& operator=(const ApiFixture&) = delete;

  std::string socket() const { return folder_ + "/duet.sock"; }
  const std::string& folder() const { return folder_; }
  store::Store& store() { return *store_; }
  void stop() { server_.reset(); }

  struct Answer {
    int status = 0;
    std::string body;
    nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
  };
  Answer send(const std::string& method, const std::string& target, const std::string& body = "",
              const std::string& type = "application/json") {
    auto client = net::HttpClient::connect_unix(socket(), 10'000);
    EXPECT_TRUE(client.ok());
    const auto head = client->send(
        {.method = method, .target = target, .fields = {{"Content-Type", type}}, .body = body});
    EXPECT_TRUE(head.ok()) << (head.ok() ? "" : head.error().message());
    auto text = client->read_whole_body(16 << 20);
    return {head.ok() ? head->status : 0, text.ok() ? *text : ""};
  }

 private:
  std::string folder_;
  sys::SystemClock clock_;
  std::unique_ptr<store::Store> store_;
  LoggedPods pods_;
  std::unique_ptr<Server> server_;
};

inline std::string pod_json(const std::string& name, const std::string& label = "a") {
  return R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":")" + name +
         R"(","labels":{"app":")" + label +
         R"("}},"spec":{"containers":[{"name":"main","image":"busybox"}]}})";
}

inline constexpr char kPods[] = "/api/v1/namespaces/default/pods";

}  // namespace duet::api
