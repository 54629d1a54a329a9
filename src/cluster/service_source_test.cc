#include "cluster/service_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>

#include "cluster/api_server_for_test.h"
#include "cluster/heard_for_test.h"
#include "cluster/local_objects.h"
#include "cluster/pod_mirror.h"
#include "object/source_mark.h"
#include "sys/file.h"

namespace duet::cluster {
namespace {

using object::Kind;
using Request = ApiServerForTest::Request;
using Connection = ApiServerForTest::Connection;

constexpr const char* kServices = "/api/v1/services";
constexpr const char* kSlices = "/apis/discovery.k8s.io/v1/endpointslices";
constexpr const char* kIngresses = "/apis/networking.k8s.io/v1/ingresses";

// The lists of an API server, which can be changed while they are watched. Thread-safe.
class ListsForTest {
 public:
  // Answers a list or a watch; a watch ends with close().
  bool answer(const Request& request, Connection& connection) {
    const std::size_t query = request.line.find('?');
    const std::string path = request.line.substr(4, query - 4);  // behind "GET "
    std::unique_lock lock(mutex_);
    if (forbidden_[path]) {
      lock.unlock();
      return connection.write(ApiServerForTest::with_body(
          403, R"({"kind":"Status","code":403,"reason":"Forbidden","message":"not yours"})"));
    }
    if (request.line.find("watch=1") == std::string::npos) {
      const std::string body = listed(path).dump();
      lock.unlock();
      return connection.write(ApiServerForTest::with_body(200, body));
    }
    const std::string field = "resourceVersion=";
    std::size_t next = std::stoul(request.line.substr(request.line.find(field) + field.size()));
    connection.write(ApiServerForTest::watch_head());
    while (!closed_) {
      const std::vector<std::string>& events = events_[path];
      for (; next < events.size(); ++next) {
        connection.write(ApiServerForTest::chunk(events[next]));
      }
      changed_.wait(lock);
    }
    return false;
  }

  void put(const std::string& path, const Json& object) { change(path, object, "MODIFIED"); }
  void remove(const std::string& path, const Json& object) { change(path, object, "DELETED"); }
  void forbid(const std::string& path, bool forbidden) {
    const std::lock_guard lock(mutex_);
    forbidden_[path] = forbidden;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  void change(const std::string& path, Json object, const std::string& type) {
    const std::lock_guard lock(mutex_);
    const std::string name = object["metadata"]["name"];
    // A version says how many events there were.
    object["metadata"]["resourceVersion"] = std::to_string(events_[path].size() + 1);
    if (type == "DELETED") {
      objects_[path].erase(name);
    } else {
      objects_[path][name] = object;
    }
    events_[path].push_back(Json{{"type", type}, {"object", object}}.dump() + "\n");
    changed_.notify_all();
  }
  Json listed(const std::string& path) {
    Json items = Json::array();
    for (const auto& [name, object] : objects_[path]) {
      items.push_back(object);
    }
    return {{"metadata", {{"resourceVersion", std::to_string(events_[path].size())}}},
            {"items", items}};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  std::map<std::string, bool> forbidden_;
  std::map<std::string, std::map<std::string, Json>> objects_;
  std::map<std::string, std::vector<std::string>> events_;
};

Json named(const std::string& name, const std::string& uid, const Json& more = Json::object()) {
  Json out = {{"metadata", {{"name", name}, {"namespace", "shop"}, {"uid", uid}}}};
  out.update(more);
  return out;
}
Json service(const std::string& name, const std::string& uid, int port = 80) {
  return named(name, uid, {{"spec", {{"ports", {{{"port", port}}}}}}});
}
Json ingress(const std::string& name, const std::string& class_name) {
  return named(name, "u-" + name, {{"spec", {{"ingressClassName", class_name}}}});
}

class ServiceSourceTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *sys::make_temporary_directory(testing::TempDir(), "services-");
    store_ = *store::Store::open(folder_ + "/objects.db", clock_);
    options_.log = [this](const std::string& line) { log_.note(line); };
    options_.refused_pause_ms = 2;
  }
  void TearDown() override {
    lists_.close();
    source_.reset();
    store_.reset();
    (void)sys::remove_tree(folder_);
  }

  void start() { source_ = ServiceSource::start(*store_, access_, clock_, random_, options_); }
  void follow() {
    start();
    source_->follow();
  }
  // What is there before a cluster says anything.
  bool has_before(const object::Object& object) {
    return make_namespace(*store_, "shop").ok() && store_->create(object).ok();
  }
  static object::ObjectKey key(const std::string& name, Kind kind = Kind::kService) {
    return {kind, "shop", name};
  }
  // Waits until `holds`, looking with every change of an object.
  bool comes(const std::function<bool()>& holds) {
    const auto watch = store_->watch({Kind::kService, Kind::kEndpointSlice, Kind::kIngress});
    for (int i = 0; i < 100 && !holds(); ++i) {
      const auto event = (*watch)->next(60'000);
      if (!event.ok() || !event->has_value()) {
        return holds();
      }
    }
    return holds();
  }
  bool has(const object::ObjectKey& wanted, const std::string& part = "") {
    const auto stored = store_->get(wanted);
    return stored.ok() && stored->json.find(part) != std::string::npos;
  }
  bool has(const std::string& name, const std::string& part = "") { return has(key(name), part); }
  bool asked_for(const std::string& path) const {
    const auto lines = server_.lines();
    return std::any_of(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.starts_with("GET " + path + "?");
    });
  }

  HeardForTest log_;
  ListsForTest lists_;
  std::string folder_;
  sys::SystemClock clock_;
  sys::SeededRandom random_{1};
  ApiServerForTest server_{[this](const Request& request, Connection& connection) {
    return lists_.answer(request, connection);
  }};
  CurrentAccess access_{server_.access()};
  ServiceSource::Options options_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ServiceSource> source_;
};

TEST_F(ServiceSourceTest, ServicesAndSlicesComeChangeAndGo) {
  lists_.put(kServices, service("web", "u-1"));
  lists_.put(kSlices, named("web-x", "u-2", {{"addressType", "IPv4"}}));
  follow();
  ASSERT_TRUE(comes([&] { return has("web") && has(key("web-x", Kind::kEndpointSlice)); }));
  EXPECT_TRUE(has("web", object::kSourceAnnotation));
  EXPECT_EQ(store_->get(key("web"))->uid, "u-1");
  EXPECT_TRUE(store_->get({Kind::kNamespace, "", "shop"}).ok());
  lists_.put(kServices, service("web", "u-1", 8080));
  lists_.put(kServices, service("other", "u-3"));
  EXPECT_TRUE(comes([&] { return has("web", "8080") && has("other"); }));
  lists_.remove(kServices, service("web", "u-1"));
  EXPECT_TRUE(comes([&] { return !has("web"); }));
  EXPECT_TRUE(has("other"));
  EXPECT_FALSE(asked_for(kIngresses));
}

TEST_F(ServiceSourceTest, AnotherServiceOfTheNameTakesItsPlace) {
  lists_.put(kServices, service("web", "u-1"));
  follow();
  ASSERT_TRUE(comes([&] { return has("web", "u-1"); }));
  lists_.put(kServices, service("web", "u-2"));
  EXPECT_TRUE(comes([&] { return has("web", "u-2"); }));
  EXPECT_EQ(store_->get(key("web"))->uid, "u-2");
}

TEST_F(ServiceSourceTest, WhatIsThereStaysUntilTheClusterHasSpoken) {
  for (const Kind kind : {Kind::kService, Kind::kIngress}) {
    Json left = service("left", "u-0");
    left["metadata"]["annotations"][object::kSourceAnnotation] = object::kClusterSource;
    ASSERT_TRUE(has_before({key("left", kind), "u-0", 0, left.dump()}));
  }
  ASSERT_TRUE(has_before({key("own"), "", 0, service("own", "").dump()}));
  lists_.put(kServices, service("web", "u-1"));
  start();
  // Ingresses are not asked for and go at once; Services were looked at before them.
  ASSERT_TRUE(comes([&] { return !has(key("left", Kind::kIngress)); }));
  EXPECT_TRUE(has("left"));
  source_->follow();
  EXPECT_TRUE(comes([&] { return has("web") && !has("left"); }));
  EXPECT_TRUE(has("own"));
}

TEST_F(ServiceSourceTest, WhatIsOfTheSiteStaysAndTheClustersComesWhenItIsGone) {
  ASSERT_TRUE(has_before({key("web"), "", 0, service("web", "", 1234).dump()}));
  lists_.put(kServices, service("web", "u-1"));
  lists_.put(kServices, service("zulu", "u-2"));
  follow();
  EXPECT_TRUE(log_.wait_for({"service shop/web of the cluster is not taken"}));
  ASSERT_TRUE(comes([&] { return has("zulu"); }));
  EXPECT_TRUE(has("web", "1234"));
  lists_.put(kServices, service("web", "u-1", 81));
  lists_.put(kServices, service("zulu", "u-2", 82));
  ASSERT_TRUE(comes([&] { return has("zulu", "82"); }));
  EXPECT_EQ(log_.count({"is not taken"}), 1U);
  ASSERT_TRUE(store_->remove(key("web")).ok());
  EXPECT_TRUE(comes([&] { return has("web", "81"); }));
}

TEST_F(ServiceSourceTest, SaysWhenTheServicesAreThere) {
  lists_.put(kServices, service("web", "u-1"));
  options_.heard = [&] { log_.note(has("web") ? "heard with web" : "heard without web"); };
  follow();
  EXPECT_TRUE(log_.wait_for({"heard with web"}));
  EXPECT_EQ(log_.count({"heard without"}), 0U);
}

TEST_F(ServiceSourceTest, NobodyWaitsForServicesThatMayNotBeSeen) {
  lists_.forbid(kServices, true);
  options_.heard = [&] { log_.note("heard"); };
  follow();
  EXPECT_TRUE(log_.wait_for({"heard"}));
}

// Or else pods would wait for them after each restart while the line is cut.
TEST_F(ServiceSourceTest, WhatAnEarlierAgentLeftIsNotWaitedFor) {
  EXPECT_FALSE(*knew_services(*store_));
  ASSERT_TRUE(has_before({.key = key("own", Kind::kPod), .json = named("own", "u-1").dump()}));
  EXPECT_FALSE(*knew_services(*store_));
  const Json theirs = named("theirs", "u-2");
  ASSERT_TRUE(store_->create(stored_object(key("theirs", Kind::kPod), theirs)).ok());
  EXPECT_TRUE(*knew_services(*store_));
}

TEST_F(ServiceSourceTest, AKindThatMayNotBeSeenIsAskedForAgainAndTheOthersCome) {
  lists_.forbid(kSlices, true);
  lists_.put(kServices, service("web", "u-1"));
  lists_.put(kSlices, named("web-x", "u-2", {{"addressType", "IPv4"}}));
  follow();
  ASSERT_TRUE(comes([&] { return has("web"); }));
  EXPECT_TRUE(log_.wait_for({"endpointslices", "not yours", "route-rights.yaml"}));
  lists_.forbid(kSlices, false);
  EXPECT_TRUE(comes([&] { return has(key("web-x", Kind::kEndpointSlice)); }));
  EXPECT_TRUE(log_.wait_for({"endpointslices: followed again"}));
  EXPECT_EQ(log_.count({"not yours"}), 1U);
}

TEST_F(ServiceSourceTest, IngressesOfOneClassComeWhereTheyAreAskedFor) {
  options_.ingress_class = "duet";
  lists_.put(kIngresses, ingress("ours", "duet"));
  lists_.put(kIngresses, ingress("theirs", "nginx"));
  follow();
  ASSERT_TRUE(comes([&] { return has(key("ours", Kind::kIngress)); }));
  lists_.put(kIngresses, ingress("theirs", "duet"));
  lists_.put(kIngresses, ingress("ours", "nginx"));
  EXPECT_TRUE(comes(
      [&] { return has(key("theirs", Kind::kIngress)) && !has(key("ours", Kind::kIngress)); }));
  // An agent that is not asked for them gives up those that are there.
  source_.reset();
  options_.ingress_class = "";
  start();
  EXPECT_TRUE(comes([&] { return !has(key("theirs", Kind::kIngress)); }));
}

TEST_F(ServiceSourceTest, WhatIsTooMuchIsLeftOutAndSaidOnce) {
  options_.service_limit = 2;
  options_.object_bytes = 400;
  lists_.put(kServices, named("a", "u-a", {{"spec", std::string(500, 'x')}}));
  for (const char* name : {"b", "c", "d", "e"}) {
    lists_.put(kServices, service(name, std::string("u-") + name));
  }
  follow();
  ASSERT_TRUE(comes([&] { return has("b") && has("c"); }));
  EXPECT_TRUE(log_.wait_for({"service shop/a is left out", "at most 400"}));
  EXPECT_TRUE(log_.wait_for({"service shop/d and perhaps others", "at most 2 services"}));
  // What is there is followed on.
  lists_.put(kServices, service("c", "u-c", 99));
  EXPECT_TRUE(comes([&] { return has("c", "99"); }));
  EXPECT_FALSE(has("a") || has("d") || has("e"));
  EXPECT_EQ(log_.count({"perhaps others"}), 1U);
}

TEST_F(ServiceSourceTest, WhatHasNoNameIsSaid) {
  lists_.put(kServices, {{"metadata", {{"name", "web"}, {"uid", "u-1"}}}});
  lists_.put(kServices, service("zulu", "u-2"));
  follow();
  EXPECT_TRUE(comes([&] { return has("zulu"); }));
  EXPECT_TRUE(log_.wait_for({"one of the services without name, namespace or uid"}));
}

}  // namespace
}  // namespace duet::cluster
