// The client of API servers against a real one, which cluster_client_test.py starts.

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <thread>

#include "cluster/api_client.h"
#include "cluster/follower.h"
#include "cluster/identity.h"
#include "cluster/kubeconfig.h"
#include "sys/file.h"

namespace duet::cluster {
namespace {

constexpr const char* kConfigMaps = "/api/v1/namespaces/default/configmaps";

// A client with the access that the kubeconfig named by an environment variable gives.
struct Client {
  explicit Client(const char* variable, ApiOptions options = {})
      : access(*read_kubeconfig(std::getenv(variable))),
        api(access, clock, random, stop.get_token(), options) {}
  sys::SystemClock clock;
  sys::SystemRandom random;
  std::stop_source stop;
  CurrentAccess access;
  ApiClient api;
};

Json config_map(const std::string& name, const std::string& value) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", name}, {"labels", {{"test", "cluster-client"}}}}},
          {"data", {{"key", value}}}};
}

void make(ApiClient& api, const std::string& name, const std::string& value) {
  const auto made = api.create(kConfigMaps, config_map(name, value));
  ASSERT_TRUE(made.ok()) << made.error().message();
}

TEST(Objects, AreMadeChangedAndRemoved) {
  Client client("DUET_ADMIN_KUBECONFIG");
  make(client.api, "one", "first");
  EXPECT_EQ(client.api.create(kConfigMaps, config_map("one", "again")).error().code(),
            ErrorCode::kAlreadyExists);
  const std::string path = std::string(kConfigMaps) + "/one";
  const auto read = client.api.get(path);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ((*read)["data"]["key"], "first");

  const Json second = {{"data", {{"key", "second"}}}};
  for (const PatchType type : {PatchType::kMerge, PatchType::kStrategic}) {
    ASSERT_TRUE(client.api.patch(path, type, second).ok());
  }
  ASSERT_TRUE(client.api
                  .patch(path, PatchType::kJson,
                         {{{"op", "replace"}, {"path", "/data/key"}, {"value", "third"}}})
                  .ok());
  EXPECT_EQ((*client.api.get(path))["data"]["key"], "third");
  // What was read first is old by now.
  EXPECT_EQ(client.api.replace(path, *read).error().code(), ErrorCode::kConflict);
  // Nor does a change reach another object of the name.
  const Json another = {{"metadata", {{"uid", "another"}}}, {"data", {{"key", "fourth"}}}};
  EXPECT_FALSE(client.api.patch(path, PatchType::kStrategic, another).ok());
  EXPECT_EQ((*client.api.get(path))["data"]["key"], "third");
  EXPECT_EQ(client.api.create(kConfigMaps, {{"kind", "ConfigMap"}}).error().code(),
            ErrorCode::kInvalid);

  ASSERT_TRUE(client.api.remove(path, nullptr).ok());
  EXPECT_EQ(client.api.get(path).error().code(), ErrorCode::kNotFound);
}

TEST(Objects, AreListedPageByPage) {
  Client client("DUET_ADMIN_KUBECONFIG", {.page_objects = 2});
  for (int i = 0; i < 5; ++i) {
    make(client.api, "page-" + std::to_string(i), "x");
  }
  const auto all = client.api.list(kConfigMaps, {{"labelSelector", "test=cluster-client"}});
  ASSERT_TRUE(all.ok()) << all.error().message();
  EXPECT_EQ(all->items.size(), 5U);
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(
        client.api.remove(std::string(kConfigMaps) + "/page-" + std::to_string(i), nullptr).ok());
  }
}

TEST(Watches, TellWhatOthersDo) {
  Client watching("DUET_ADMIN_KUBECONFIG");
  Client changing("DUET_ADMIN_KUBECONFIG");
  std::vector<std::string> told;
  const std::string path = std::string(kConfigMaps) + "/watched";
  Follower follower(
      watching.api, watching.clock, watching.random,
      {.path = kConfigMaps, .query = {{"fieldSelector", "metadata.name=watched"}}},
      {.replace = [&](const auto& all) { told.push_back("all " + std::to_string(all.size())); },
       .change =
           [&](ApiWatch::Type type, const Json&) {
             told.push_back(std::to_string(static_cast<int>(type)));
             if (type == ApiWatch::Type::kDeleted) {
               watching.stop.request_stop();
             }
           },
       .report =
           [&](const Status& status) {
             told.push_back(status.ok() ? "well" : status.error().message());
           }});
  std::thread thread([&] {
    make(changing.api, "watched", "1");
    EXPECT_TRUE(changing.api.patch(path, PatchType::kMerge, {{"data", {{"key", "2"}}}}).ok());
    EXPECT_TRUE(changing.api.remove(path, nullptr).ok());
  });
  follower.run(watching.stop.get_token());
  thread.join();
  // The list may be before or after what the other one did, the last change is seen in any case.
  EXPECT_EQ(told.front().substr(0, 4), "all ");
  EXPECT_EQ(told.back(), "2");
}

TEST(Watches, EndWhenTheServerSaysSo) {
  Client client("DUET_ADMIN_KUBECONFIG");
  const auto all = client.api.list(kConfigMaps, {});
  ASSERT_TRUE(all.ok());
  auto watch = client.api.watch(kConfigMaps, {{"timeoutSeconds", "1"}}, all->resource_version);
  ASSERT_TRUE(watch.ok()) << watch.error().message();
  for (;;) {
    const auto event = (*watch)->next();
    ASSERT_TRUE(event.ok()) << event.error().message();
    if (!event->has_value()) {
      break;
    }
  }
}

TEST(Rights, OfABootstrapTokenAreFew) {
  Client client("DUET_BOOTSTRAP_KUBECONFIG");
  const auto requests =
      client.api.list("/apis/certificates.k8s.io/v1/certificatesigningrequests", {});
  EXPECT_TRUE(requests.ok()) << requests.error().message();
  const auto secrets = client.api.list("/api/v1/secrets", {});
  ASSERT_FALSE(secrets.ok());
  EXPECT_EQ(secrets.error().code(), ErrorCode::kPermission);
  EXPECT_NE(secrets.error().message().find("403"), std::string::npos);
}

TEST(Rights, OfAStrangerAreNone) {
  Client client("DUET_STRANGER_KUBECONFIG");
  const auto pods = client.api.list("/api/v1/pods", {});
  ASSERT_FALSE(pods.ok());
  EXPECT_EQ(pods.error().code(), ErrorCode::kPermission);
  EXPECT_NE(pods.error().message().find("401"), std::string::npos);
}

// A node's identity as an agent has it, at a time that a test sets.
class Certificates : public testing::Test {
 protected:
  void SetUp() override { folder_ = *sys::make_temporary_directory(testing::TempDir(), "node-"); }
  void TearDown() override { (void)sys::remove_tree(folder_); }

  struct Agent {
    explicit Agent(const std::string& folder, const sys::Clock& clock)
        : access(*read_bootstrap_access(join)),
          identity({.join = join,
                    .node_name = "edge-certificates",
                    .directory = folder,
                    .log = [](const std::string& line) { ADD_FAILURE() << line; }},
                   access, clock, random) {
      identity.load();
    }
    JoinOptions join{.bootstrap_kubeconfig = std::getenv("DUET_BOOTSTRAP_KUBECONFIG")};
    sys::SystemRandom random;
    CurrentAccess access;
    Identity identity;
  };

  std::string folder_;
  sys::ManualClock clock_{std::chrono::system_clock::now()};
  std::stop_source stop_;
};

TEST_F(Certificates, AreAskedForKeptAndRenewed) {
  constexpr std::chrono::hours kDay{24};  // a controller-manager signs for a year
  Agent first(folder_, clock_);
  ASSERT_TRUE(first.identity.missing());
  const Status joined = first.identity.join(stop_.get_token());
  ASSERT_TRUE(joined.ok()) << joined.error().message();
  EXPECT_FALSE(first.identity.missing());
  const std::string chain = first.access.get()->chain_pem;
  EXPECT_TRUE(first.access.get()->token.empty());

  clock_.advance(250 * kDay);
  Agent second(folder_, clock_);  // the next agent
  EXPECT_FALSE(second.identity.missing());
  EXPECT_EQ(second.access.get()->chain_pem, chain);
  EXPECT_FALSE(second.identity.due());
  clock_.advance(80 * kDay);
  ASSERT_TRUE(second.identity.due());
  const Status renewed = second.identity.renew(stop_.get_token());
  ASSERT_TRUE(renewed.ok()) << renewed.error().message();
  EXPECT_NE(second.access.get()->chain_pem, chain);
  EXPECT_NE(second.access.get()->key_pem, first.access.get()->key_pem);

  clock_.advance(400 * kDay);  // it ended while the node was away
  EXPECT_TRUE(second.identity.missing());
  const Status again = second.identity.join(stop_.get_token());
  EXPECT_TRUE(again.ok()) << again.error().message();
}

}  // namespace
}  // namespace duet::cluster
