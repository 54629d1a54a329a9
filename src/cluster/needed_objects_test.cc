#include "cluster/needed_objects.h"

#include <gtest/gtest.h>

#include "cluster/pod_mirror.h"
#include "sys/clock.h"
#include "sys/file.h"

namespace duet::cluster {
namespace {

class NeededObjectsTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = *sys::make_temporary_directory(testing::TempDir(), "needed-");
    store_ = *store::Store::open(folder_ + "/objects.db", clock_);
    for (const char* name : {"first", "second", "nobodys"}) {
      const Json object = {{"metadata", {{"name", name}, {"namespace", "default"}}}};
      ASSERT_TRUE(store_->create(stored_object(key(name), object)).ok());
    }
    ASSERT_TRUE(store_->create({key("own"), "", 0, R"({"metadata":{"name":"own"}})"}).ok());
  }
  void TearDown() override {
    store_.reset();
    (void)sys::remove_tree(folder_);
  }
  static object::ObjectKey key(const std::string& name) {
    return {object::Kind::kConfigMap, "default", name};
  }
  std::set<std::string> names() {
    std::set<std::string> all;
    const auto stored = store_->list(object::Kind::kConfigMap);
    for (const object::Object& one : stored->objects) {
      all.insert(one.key.name);
    }
    return all;
  }

  std::string folder_;
  sys::SystemClock clock_;
  std::unique_ptr<store::Store> store_;
};

TEST_F(NeededObjectsTest, WhatSomeNodeNeedsStaysAndWhatIsTheSitesOwn) {
  NeededObjects needed(*store_, {"edge", "edge-wasm"});
  needed.set("edge", {key("first")});
  needed.set("edge-wasm", {key("second")});
  ASSERT_TRUE(needed.remove_others().ok());
  EXPECT_EQ(names(), (std::set<std::string>{"first", "second", "own"}));
  needed.set("edge-wasm", {});
  ASSERT_TRUE(needed.remove_others().ok());
  EXPECT_EQ(names(), (std::set<std::string>{"first", "own"}));
}

TEST_F(NeededObjectsTest, NothingGoesBeforeAllNodesAreKnown) {
  NeededObjects needed(*store_, {"edge", "edge-wasm"});
  needed.set("edge", {key("first")});
  ASSERT_TRUE(needed.remove_others().ok());
  EXPECT_EQ(names().size(), 4U);
}

}  // namespace
}  // namespace duet::cluster
