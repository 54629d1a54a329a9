#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "cluster/api_server_for_test.h"
#include "cluster/heard_for_test.h"
#include "cluster/local_objects.h"
#include "cluster/pod_mirror.h"
#include "cluster/service_source.h"
#include "object/source_mark.h"
#include "sys/file.h"

namespace duet::cluster {

inline constexpr const char* kServices = "/api/v1/services";
inline constexpr const char* kSlices = "/apis/discovery.k8s.io/v1/endpointslices";
inline constexpr const char* kIngresses = "/apis/networking.k8s.io/v1/ingresses";

// The lists of an API server, which can be changed while they are watched. Thread-safe.
class ListsForTest {
 public:
  using Request = ApiServerForTest::Request;
  using Connection = ApiServerForTest::Connection;

  // Answers a list or a watch; a watch ends with close().
  bool answer(const Request& request, Connection& connection) {
    const std::size_t query = request.line.find('?');
    const std::string path = request.line.substr(4, query - 4);  // behind "GET "
    std::unique_lock lock(mutex_);
    if (absent_[path]) {
      lock.unlock();
      return connection.write(ApiServerForTest::with_body(404, "404 page not found"));
    }
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
    while (!closed_ && !absent_[path]) {
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
  // Whether the server knows the kind at all; one that goes takes its watches along.
  void set_absent(const std::string& path, bool absent) {
    const std::lock_guard lock(mutex_);
    absent_[path] = absent;
    changed_.notify_all();
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
  std::map<std::string, bool> absent_;
  std::map<std::string, std::map<std::string, Json>> objects_;
  std::map<std::string, std::vector<std::string>> events_;
};

inline Json named(const std::string& name, const std::string& uid,
                  const Json& more = Json::object()) {
  Json out = {{"metadata", {{"name", name}, {"namespace", "shop"}, {"uid", uid}}}};
  out.update(more);
  return out;
}
inline Json service(const std::string& name, const std::string& uid, int port = 80) {
  return named(name, uid, {{"spec", {{"ports", {{{"port", port}}}}}}});
}

// A store, a server with lists, and the source between them.
class ServiceSourceTest : public testing::Test {
 protected:
  using Kind = object::Kind;

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
    const auto watch =
        store_->watch({Kind::kService, Kind::kEndpointSlice, Kind::kIngress, Kind::kHttpRoute});
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
  bool has_route(const std::string& name, const std::string& part = "") {
    return has(key(name, Kind::kHttpRoute), part);
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
  ApiServerForTest server_{[this](const auto& request, auto& connection) {
    log_.note(request.line);
    return lists_.answer(request, connection);
  }};
  CurrentAccess access_{server_.access()};
  ServiceSource::Options options_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<ServiceSource> source_;
};

}  // namespace duet::cluster
