#include "store/controller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

#include "sys/file.h"

namespace duet::store {
namespace {

using object::Kind;
using object::Object;

constexpr auto kDeadline = std::chrono::seconds(20);

Object config_map(const std::string& name, const std::string& value = "") {
  return {{Kind::kConfigMap, "default", name},
          "",
          0,
          R"({"metadata":{"name":")" + name + R"("},"data":{"k":")" + value + "\"}}"};
}

// What the workers did, for the test to wait on.
class Journal {
 public:
  void note(const std::string& key) {
    const std::lock_guard lock(mutex_);
    ++seen_[key];
    changed_.notify_all();
  }
  bool wait_for(const std::string& key, int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kDeadline, [&] { return seen_[key] >= count; });
  }
  int count(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return seen_[key];
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> seen_;
};

class ControllerTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = sys::make_temporary_directory("/tmp", "duet-controller-").value();
    open({});
  }
  void TearDown() override {
    controller_.reset();
    store_.reset();
    EXPECT_TRUE(sys::remove_tree(root_).ok());
  }
  void open(const StoreOptions& options) {
    store_.reset();
    store_ = Store::open(root_ + "/state.db", clock_, options).value();
  }
  void start(Controller::Reconcile reconcile, ControllerOptions options = {}) {
    options.name = "test";
    options.kinds = {Kind::kConfigMap};
    controller_ = Controller::start(
        *store_, options,
        [](const WatchEvent& event) {
          return std::vector<std::string>{key_text(event.object.key)};
        },
        std::move(reconcile), [this](const std::string& line) { log_.note(line); });
  }
  Result<Controller::Next> note(const std::string& key) {
    journal_.note(key);
    return Controller::Next{};
  }

  std::string root_;
  sys::SystemClock clock_;
  std::unique_ptr<Store> store_;
  Journal journal_;
  Journal log_;
  std::unique_ptr<Controller> controller_;
};

TEST_F(ControllerTest, ListsThenFollows) {
  ASSERT_TRUE(store_->create(config_map("before")).ok());
  start([this](const std::string& key) { return note(key); });
  EXPECT_TRUE(journal_.wait_for("default/before", 1));
  const Object made = store_->create(config_map("after")).value();
  EXPECT_TRUE(journal_.wait_for("default/after", 1));
  const int seen = journal_.count("default/after");
  ASSERT_TRUE(store_->remove(made.key).ok());
  EXPECT_TRUE(journal_.wait_for("default/after", seen + 1));
  controller_->wake("other");
  EXPECT_TRUE(journal_.wait_for("other", 1));
}

TEST_F(ControllerTest, SeesWhatGoesRightAfterTheStart) {
  for (int i = 0; i < 50; ++i) {
    const std::string name = "c" + std::to_string(i);
    ASSERT_TRUE(store_->create(config_map(name)).ok());
    Journal gone;
    start([&](const std::string& key) -> Result<Controller::Next> {
      if (!store_->get(key_from_text(Kind::kConfigMap, key)).ok()) {
        gone.note(key);
      }
      return Controller::Next{};
    });
    ASSERT_TRUE(store_->remove({Kind::kConfigMap, "default", name}).ok());
    ASSERT_TRUE(gone.wait_for("default/" + name, 1));
    controller_.reset();
  }
}

TEST_F(ControllerTest, FailuresComeBackAndEachIsLoggedOnce) {
  std::atomic<int> tries = 0;
  start(
      [&](const std::string& key) -> Result<Controller::Next> {
        if (++tries < 6) {
          return internal(tries < 4 ? "not yet" : "still not");
        }
        return note(key);
      },
      {.backoff_first_ms = 1, .backoff_limit_ms = 4});
  ASSERT_TRUE(store_->create(config_map("a")).ok());
  EXPECT_TRUE(journal_.wait_for("default/a", 1));
  EXPECT_EQ(log_.count("test: default/a: not yet; trying again"), 1);
  EXPECT_EQ(log_.count("test: default/a: still not; trying again"), 1);
  // After a success the same failure is news again.
  tries = 0;
  controller_->wake("default/a");
  EXPECT_TRUE(log_.wait_for("test: default/a: not yet; trying again", 2));
  controller_.reset();
}

TEST_F(ControllerTest, AKeyAsksToBeSeenAgain) {
  start([this](const std::string& key) -> Result<Controller::Next> {
    journal_.note(key);
    return Controller::Next{1};
  });
  controller_->wake("a");
  EXPECT_TRUE(journal_.wait_for("a", 5));
}

TEST_F(ControllerTest, NoKeyIsOnTwoWorkersAtOnce) {
  std::atomic<int> busy_a = 0;
  std::atomic<int> busy_b = 0;
  std::atomic<bool> twice = false;
  std::promise<Controller*> started;
  const std::shared_future<Controller*> self = started.get_future().share();
  start(
      [&](const std::string& key) -> Result<Controller::Next> {
        std::atomic<int>& busy = key == "a" ? busy_a : busy_b;
        twice = twice || ++busy > 1;
        self.get()->wake(key == "a" ? "b" : "a");
        --busy;
        return note(key);
      },
      {.worker_limit = 4});
  started.set_value(controller_.get());
  controller_->wake("a");
  EXPECT_TRUE(journal_.wait_for("a", 500));
  EXPECT_TRUE(journal_.wait_for("b", 500));
  controller_.reset();
  EXPECT_FALSE(twice);
}

TEST_F(ControllerTest, TwoWorkersWorkAtTheSameTime) {
  start([this](const std::string& key) -> Result<Controller::Next> {
    journal_.note(key);
    // Each waits for the other one.
    return journal_.wait_for(key == "a" ? "b" : "a", 1)
               ? note("both")
               : Result<Controller::Next>(internal("alone"));
  });
  controller_->wake("a");
  controller_->wake("b");
  EXPECT_TRUE(journal_.wait_for("both", 2));
}

TEST_F(ControllerTest, WhoFellBehindListsAnew) {
  open({.history_limit = 2});
  const Object gone = store_->create(config_map("gone")).value();
  start([this](const std::string& key) { return note(key); });
  ASSERT_TRUE(journal_.wait_for("default/gone", 1));
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(store_->create(config_map("c" + std::to_string(i))).ok());
  }
  for (int i = 0; i < 200; ++i) {
    EXPECT_TRUE(journal_.wait_for("default/c" + std::to_string(i), 1)) << i;
  }
  const int seen = journal_.count("default/gone");
  ASSERT_TRUE(store_->remove(gone.key).ok());
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(store_->update(config_map("c" + std::to_string(i), "new")).ok());
  }
  EXPECT_TRUE(journal_.wait_for("default/gone", seen + 1));
}

TEST_F(ControllerTest, AResyncWakesEveryKey) {
  ASSERT_TRUE(store_->create(config_map("a")).ok());
  start([this](const std::string& key) { return note(key); }, {.resync_ms = 5});
  EXPECT_TRUE(journal_.wait_for("default/a", 5));
}

TEST_F(ControllerTest, StoppingWaitsForTheWork) {
  std::atomic<bool> finished = false;
  Journal started;
  start([&](const std::string& key) -> Result<Controller::Next> {
    started.note(key);
    for (int i = 0; i < 100; ++i) {
      (void)store_->apply(config_map("x", std::to_string(i)));
    }
    finished = true;
    return Controller::Next{};
  });
  controller_->wake("a");
  EXPECT_TRUE(started.wait_for("a", 1));
  controller_.reset();
  EXPECT_TRUE(finished);
}

TEST(KeyTextTest, GoesThereAndBack) {
  for (const object::ObjectKey& key :
       {object::ObjectKey{Kind::kPod, "default", "web"}, {Kind::kNamespace, "", "shop"}}) {
    EXPECT_EQ(key_from_text(key.kind, key_text(key)), key);
  }
}

}  // namespace
}  // namespace duet::store
