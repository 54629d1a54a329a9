#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sys/file.h"

namespace duet::store {
namespace {

using Json = nlohmann::json;
using object::Kind;
using object::Object;
using object::ObjectKey;

constexpr int64_t kWait = 10'000;

Object config_map(const std::string& name, const std::string& value,
                  const std::string& ns = "default") {
  const Json json = {{"metadata", {{"name", name}, {"namespace", ns}}}, {"data", {{"k", value}}}};
  return {{Kind::kConfigMap, ns, name}, "", 0, json.dump()};
}

Object pod(const std::string& name, int64_t grace = 30, const std::string& ns = "default") {
  const Json json = {{"metadata", {{"name", name}}},
                     {"spec", {{"terminationGracePeriodSeconds", grace}}}};
  return {{Kind::kPod, ns, name}, "", 0, json.dump()};
}

Object name_space(const std::string& name) {
  return {{Kind::kNamespace, "", name}, "", 0, R"({"metadata":{"name":")" + name + "\"}}"};
}

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = sys::make_temporary_directory("/tmp", "duet-store-").value();
    open();
  }
  void TearDown() override {
    store_.reset();
    EXPECT_TRUE(sys::remove_tree(root_).ok());
  }
  void open(const StoreOptions& options = {}) {
    store_.reset();
    auto opened = Store::open(root_ + "/state.db", clock_, options);
    ASSERT_TRUE(opened.ok()) << opened.error().message();
    store_ = std::move(*opened);
  }
  Json json_of(const ObjectKey& key) { return Json::parse(store_->get(key).value().json); }
  bool exists(const ObjectKey& key) { return store_->get(key).ok(); }

  std::string root_;
  sys::ManualClock clock_{sys::WallTime(std::chrono::seconds(1'800'000'000))};
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, AnObjectOfAnotherControlPlaneKeepsItsIdentity) {
  Object foreign = pod("web");
  foreign.uid = "6f3f4a58-0000-4000-8000-000000000001";
  foreign.json =
      R"({"metadata":{"name":"web","uid":"x","creationTimestamp":"2020-01-02T03:04:05Z"}})";
  ASSERT_TRUE(store_->create(foreign).ok());
  const Json metadata = json_of(foreign.key)["metadata"];
  EXPECT_EQ(metadata["uid"], foreign.uid);
  EXPECT_EQ(metadata["creationTimestamp"], "2020-01-02T03:04:05Z");
}

TEST_F(StoreTest, CreateGivesIdentityAndKeepsUnknownFields) {
  const ObjectKey key{Kind::kPod, "default", "web"};
  const auto made = store_->create(
      {key, "", 0,
       R"({"metadata":{"name":"web","uid":"mine","deletionTimestamp":"x","future":[1,{"a":2.5}]},
           "spec":{"unheardOf":true},"status":{"phase":"Running"}})"});
  ASSERT_TRUE(made.ok()) << made.error().message();
  const Json json = Json::parse(made->json);
  EXPECT_EQ(json["apiVersion"], "v1");
  EXPECT_EQ(json["kind"], "Pod");
  EXPECT_EQ(json["metadata"]["namespace"], "default");
  EXPECT_EQ(json["metadata"]["uid"], made->uid);
  EXPECT_EQ(made->uid.size(), 36u);
  EXPECT_EQ(json["metadata"]["resourceVersion"], std::to_string(made->resource_version));
  EXPECT_EQ(json["metadata"]["generation"], 1);
  EXPECT_EQ(json["metadata"]["creationTimestamp"], "2027-01-15T08:00:00Z");
  EXPECT_FALSE(json["metadata"].contains("deletionTimestamp"));
  EXPECT_FALSE(json.contains("status"));
  EXPECT_EQ(json["metadata"]["future"][1]["a"], 2.5);
  EXPECT_EQ(json["spec"]["unheardOf"], true);
  EXPECT_EQ(store_->get(key)->json, made->json);
  EXPECT_EQ(store_->create(pod("web")).error().code(), ErrorCode::kAlreadyExists);
}

TEST_F(StoreTest, UpdateReplacesAllButWhatIsNotTheCallers) {
  const Object made = store_->create(pod("web")).value();
  ASSERT_TRUE(store_->update_status(made.key, made.uid, R"({"phase":"Running"})").ok());
  clock_.advance(std::chrono::seconds(60));
  Object next = pod("web", 5);
  const Object changed = store_->update(next).value();
  const Json json = Json::parse(changed.json);
  EXPECT_EQ(changed.uid, made.uid);
  EXPECT_EQ(json["status"]["phase"], "Running");
  EXPECT_EQ(json["metadata"]["creationTimestamp"], "2027-01-15T08:00:00Z");
  EXPECT_EQ(json["metadata"]["generation"], 2);
  EXPECT_GT(changed.resource_version, made.resource_version);

  Json labelled = Json::parse(next.json);
  labelled["metadata"]["labels"]["a"] = "b";
  next.json = labelled.dump();
  EXPECT_EQ(Json::parse(store_->update(next)->json)["metadata"]["generation"], 2);
}

TEST_F(StoreTest, AChangeOfNothingWritesNothing) {
  const Object made = store_->apply(config_map("c", "1")).value();
  EXPECT_EQ(store_->apply(config_map("c", "1"))->resource_version, made.resource_version);
  const Object web = store_->create(pod("web")).value();
  const Object once = store_->update_status(web.key, "", R"({"phase":"Failed"})").value();
  EXPECT_EQ(store_->update_status(web.key, "", R"({"phase":"Failed"})")->resource_version,
            once.resource_version);
  EXPECT_EQ(store_->list(Kind::kPod)->resource_version, once.resource_version);
}

TEST_F(StoreTest, StaleWritersAreTold) {
  Object made = store_->create(config_map("c", "1")).value();
  ASSERT_TRUE(store_->update(config_map("c", "2")).ok());
  EXPECT_EQ(store_->update(made).error().code(), ErrorCode::kConflict);
  Object other = config_map("c", "3");
  other.uid = "another";
  EXPECT_EQ(store_->update(other).error().code(), ErrorCode::kConflict);
  EXPECT_EQ(store_->update(config_map("d", "1")).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(store_->update_status(made.key, "another", "{}").error().code(), ErrorCode::kNotFound);
}

TEST_F(StoreTest, AServiceKeepsItsAddress) {
  const ObjectKey key{Kind::kService, "default", "s"};
  ASSERT_TRUE(
      store_->apply({key, "", 0, R"({"metadata":{"name":"s"},"spec":{"clusterIP":"10.0.0.9"}})"})
          .ok());
  ASSERT_TRUE(store_->apply({key, "", 0, R"({"metadata":{"name":"s"},"spec":{"ports":[]}})"}).ok());
  EXPECT_EQ(json_of(key)["spec"]["clusterIP"], "10.0.0.9");
}

TEST_F(StoreTest, BadInputIsRefusedInWords) {
  const ObjectKey key{Kind::kPod, "default", "web"};
  for (const std::string& json : std::vector<std::string>{
           "", "null", "[]", "{", "{}", R"({"metadata":3})", R"({"metadata":{"name":4}})",
           R"({"metadata":{"name":"other"}})", R"({"metadata":{"name":"web","namespace":"other"}})",
           R"({"kind":"Secret","metadata":{"name":"web"}})",
           R"({"apiVersion":"v2","metadata":{"name":"web"}})",
           R"({"metadata":{"name":"web"},"spec":[]})",
           "{\"metadata\":{\"name\":\"web\"},\"a\":\"\xff\"}",
           R"({"metadata":{"name":"web"},"a":)" + std::string(300'000, '[') + "}"}) {
    const auto made = store_->create({key, "", 0, json});
    ASSERT_FALSE(made.ok()) << json.substr(0, 80);
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalid) << made.error().message();
    EXPECT_FALSE(store_->apply({key, "", 0, json}).ok());
  }
  for (const std::string& name :
       std::vector<std::string>{"", ".", "..", "a/b", "a b", "a\n", std::string(254, 'a')}) {
    EXPECT_FALSE(store_->create(pod(name)).ok()) << name;
  }
  EXPECT_FALSE(store_->create(pod("web", 1, "")).ok());
  ASSERT_TRUE(store_->create(pod("web")).ok());
  for (const char* status : {"", "[]", "3", "{", "null"}) {
    EXPECT_EQ(store_->update_status(key, "", status).error().code(), ErrorCode::kInvalid) << status;
  }
}

TEST_F(StoreTest, BoundsAreKept) {
  open({.object_size_bytes = 200, .object_limit = 3, .value_limit = 1});
  EXPECT_EQ(store_->create(config_map("big", std::string(300, 'x'))).error().code(),
            ErrorCode::kExhausted);
  ASSERT_TRUE(store_->create(config_map("a", "1")).ok());  // beside the default namespace
  ASSERT_TRUE(store_->create(config_map("b", "1")).ok());
  EXPECT_EQ(store_->create(config_map("c", "1")).error().code(), ErrorCode::kExhausted);
  ASSERT_TRUE(store_->remove(config_map("a", "").key).ok());
  EXPECT_TRUE(store_->create(config_map("c", "1")).ok());
  ASSERT_TRUE(store_->put_value("pod", "a", "1").ok());
  EXPECT_EQ(store_->put_value("pod", "b", "1").error().code(), ErrorCode::kExhausted);
  EXPECT_TRUE(store_->put_value("pod", "a", "2").ok());
  EXPECT_TRUE(store_->put_value("pod", "a", std::nullopt).ok());
  EXPECT_TRUE(store_->put_value("pod", "b", "1").ok());
  EXPECT_FALSE(store_->put_value("pod", "b", std::string(300, 'x')).ok());
}

TEST_F(StoreTest, ListsAreSortedAndByNamespace) {
  ASSERT_TRUE(store_->create(name_space("a")).ok());
  ASSERT_TRUE(store_->create(config_map("z", "", "a")).ok());
  ASSERT_TRUE(store_->create(config_map("y", "")).ok());
  ASSERT_TRUE(store_->create(config_map("b", "")).ok());
  std::vector<std::string> names;
  const Listing listing = store_->list(Kind::kConfigMap).value();
  for (const Object& object : listing.objects) {
    names.push_back(object.key.ns + "/" + object.key.name);
  }
  EXPECT_THAT(names, testing::ElementsAre("a/z", "default/b", "default/y"));
  EXPECT_EQ(store_->list(Kind::kConfigMap, "a")->objects.size(), 1u);
  EXPECT_EQ(store_->list(Kind::kConfigMap, "none")->objects.size(), 0u);
}

TEST_F(StoreTest, PodsGoGracefully) {
  const Object made = store_->create(pod("web", 20)).value();
  EXPECT_EQ(store_->finish_delete(made.key, made.uid).error().code(), ErrorCode::kConflict);
  ASSERT_TRUE(store_->remove(made.key).ok());
  EXPECT_EQ(json_of(made.key)["metadata"]["deletionTimestamp"], "2027-01-15T08:00:20Z");
  EXPECT_EQ(json_of(made.key)["metadata"]["deletionGracePeriodSeconds"], 20);
  const int64_t marked = store_->get(made.key)->resource_version;

  clock_.advance(std::chrono::seconds(5));
  ASSERT_TRUE(store_->remove(made.key).ok());
  ASSERT_TRUE(store_->remove(made.key, {.grace_period_seconds = 100}).ok());
  EXPECT_EQ(store_->get(made.key)->resource_version, marked);
  ASSERT_TRUE(store_->remove(made.key, {.grace_period_seconds = 10}).ok());
  EXPECT_EQ(json_of(made.key)["metadata"]["deletionTimestamp"], "2027-01-15T08:00:10Z");
  // An update cannot bring it back.
  ASSERT_TRUE(store_->apply(pod("web", 7)).ok());
  EXPECT_EQ(json_of(made.key)["metadata"]["deletionGracePeriodSeconds"], 10);

  EXPECT_EQ(store_->finish_delete(made.key, "another").error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(store_->finish_delete(made.key, made.uid).ok());
  EXPECT_FALSE(exists(made.key));
}

TEST_F(StoreTest, WithoutGraceEverythingGoesAtOnce) {
  const Object web = store_->create(pod("web", 20)).value();
  EXPECT_EQ(store_->remove(web.key, {.uid = "another"}).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(store_->remove(web.key, {.grace_period_seconds = -1}).error().code(),
            ErrorCode::kInvalid);
  ASSERT_TRUE(store_->remove(web.key, {.grace_period_seconds = 0}).ok());
  EXPECT_FALSE(exists(web.key));
  const Object map = store_->create(config_map("c", "")).value();
  ASSERT_TRUE(store_->remove(map.key, {.uid = map.uid}).ok());
  EXPECT_EQ(store_->remove(map.key).error().code(), ErrorCode::kNotFound);
}

TEST_F(StoreTest, NamespacesHoldTheirObjects) {
  EXPECT_EQ(store_->create(pod("web", 1, "shop")).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(store_->remove(name_space("default").key).error().code(), ErrorCode::kPermission);
  ASSERT_TRUE(store_->create(name_space("shop")).ok());
  const Object web = store_->create(pod("web", 20, "shop")).value();
  ASSERT_TRUE(store_->create(config_map("c", "", "shop")).ok());
  ASSERT_TRUE(store_->record_event(web.key, web.uid, "Normal", "Started", "it runs").ok());

  ASSERT_TRUE(store_->remove(name_space("shop").key).ok());
  EXPECT_FALSE(exists(config_map("c", "", "shop").key));
  EXPECT_TRUE(json_of(web.key)["metadata"].contains("deletionTimestamp"));
  EXPECT_EQ(json_of(name_space("shop").key)["status"]["phase"], "Terminating");
  EXPECT_EQ(store_->create(config_map("d", "", "shop")).error().code(), ErrorCode::kConflict);
  EXPECT_TRUE(store_->record_event(web.key, web.uid, "Normal", "Killing", "it ends").ok());

  ASSERT_TRUE(store_->finish_delete(web.key, web.uid).ok());
  EXPECT_FALSE(exists(name_space("shop").key));
  EXPECT_TRUE(store_->list(Kind::kEvent, "shop")->objects.empty());
  ASSERT_TRUE(store_->create(name_space("empty")).ok());
  ASSERT_TRUE(store_->remove(name_space("empty").key).ok());
  EXPECT_FALSE(exists(name_space("empty").key));
}

TEST_F(StoreTest, EqualEventsAreCountedAndTheOldestGo) {
  open({.event_object_limit = 3});
  const Object web = store_->create(pod("web")).value();
  for (int i = 0; i < 5; ++i) {
    clock_.advance(std::chrono::seconds(1));
    ASSERT_TRUE(store_->record_event(web.key, web.uid, "Warning", "BackOff", "again").ok());
  }
  auto events = store_->list(Kind::kEvent)->objects;
  ASSERT_EQ(events.size(), 1u);
  const Json json = Json::parse(events[0].json);
  EXPECT_EQ(json["count"], 5);
  EXPECT_EQ(json["firstTimestamp"], "2027-01-15T08:00:01Z");
  EXPECT_EQ(json["lastTimestamp"], "2027-01-15T08:00:05Z");
  EXPECT_EQ(json["involvedObject"]["uid"], web.uid);
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(store_->record_event(web.key, web.uid, "Normal", "Step", std::to_string(i)).ok());
  }
  events = store_->list(Kind::kEvent)->objects;
  ASSERT_EQ(events.size(), 3u);
  for (const Object& event : events) {
    EXPECT_GE(Json::parse(event.json)["message"].get<std::string>(), "2");
  }
  const std::string odd = "\xff broken " + std::string(5000, 'x');
  EXPECT_TRUE(store_->record_event(web.key, web.uid, "odd", odd, odd).ok());
  EXPECT_FALSE(store_->record_event({Kind::kPod, "none", "x"}, "", "Normal", "A", "b").ok());
}

TEST_F(StoreTest, ValuesSurviveReopening) {
  EXPECT_EQ(store_->get_value("pod", "a").value(), std::nullopt);
  ASSERT_TRUE(store_->put_value("pod", "a", std::string("one\0two", 7)).ok());
  ASSERT_TRUE(store_->put_value("key", "a", "").ok());
  open();
  EXPECT_EQ(store_->get_value("pod", "a").value(), std::string("one\0two", 7));
  EXPECT_EQ(store_->get_value("key", "a").value(), "");
  ASSERT_TRUE(store_->put_value("key", "a", std::nullopt).ok());
  EXPECT_EQ(store_->get_value("key", "a").value(), std::nullopt);
}

TEST_F(StoreTest, VersionsOnlyGrowAcrossReopening) {
  const Object made = store_->create(config_map("c", "1")).value();
  open();
  EXPECT_EQ(store_->get(made.key)->json, made.json);
  EXPECT_EQ(store_->get(made.key)->uid, made.uid);
  EXPECT_GT(store_->update(config_map("c", "2"))->resource_version, made.resource_version);
  EXPECT_EQ(store_->watch({Kind::kConfigMap}, made.resource_version).error().code(),
            ErrorCode::kExhausted);
}

TEST_F(StoreTest, AWatchSeesEveryChangeOfItsKindsInOrder) {
  auto watch = store_->watch({Kind::kConfigMap}).value();
  EXPECT_EQ(watch->next(0).value(), std::nullopt);
  const Object made = store_->create(config_map("c", "1")).value();
  ASSERT_TRUE(store_->create(pod("web")).ok());
  const Object changed = store_->update(config_map("c", "2")).value();
  ASSERT_TRUE(store_->remove(made.key).ok());
  const WatchEvent first = watch->next(kWait).value().value();
  EXPECT_EQ(first.type, EventType::kAdded);
  EXPECT_EQ(first.object.json, made.json);
  EXPECT_EQ(watch->next(kWait).value()->object.json, changed.json);
  const WatchEvent last = watch->next(kWait).value().value();
  EXPECT_EQ(last.type, EventType::kDeleted);
  EXPECT_GT(last.object.resource_version, changed.resource_version);
  EXPECT_EQ(Json::parse(last.object.json)["metadata"]["resourceVersion"],
            std::to_string(last.object.resource_version));
  EXPECT_EQ(watch->next(0).value(), std::nullopt);

  auto resumed = store_->watch({Kind::kConfigMap}, made.resource_version).value();
  EXPECT_EQ(resumed->next(0).value()->object.json, changed.json);
  EXPECT_EQ(store_->watch({Kind::kPod}, last.object.resource_version + 1).error().code(),
            ErrorCode::kExhausted);
}

TEST_F(StoreTest, AWatchGoesOnWhereAListEnded) {
  ASSERT_TRUE(store_->create(config_map("a", "1")).ok());
  const Listing listing = store_->list(Kind::kConfigMap).value();
  ASSERT_TRUE(store_->create(config_map("b", "1")).ok());
  auto watch = store_->watch({Kind::kConfigMap}, listing.resource_version).value();
  EXPECT_EQ(watch->next(kWait).value()->object.key.name, "b");
}

}  // namespace
}  // namespace duet::store
