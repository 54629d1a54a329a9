#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <set>

#include "store/schema.h"
#include "store/store.h"
#include "sys/file.h"
#include "sys/process.h"

namespace duet::store {
namespace {

using object::Kind;
using object::Object;

Object config_map(const std::string& name, const std::string& value) {
  const nlohmann::json json = {{"metadata", {{"name", name}}}, {"data", {{"k", value}}}};
  return {{Kind::kConfigMap, "default", name}, "", 0, json.dump()};
}

class DurabilityTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = sys::make_temporary_directory("/tmp", "duet-durable-").value();
    path_ = root_ + "/state.db";
  }
  void TearDown() override { EXPECT_TRUE(sys::remove_tree(root_).ok()); }

  Result<std::unique_ptr<Store>> open() { return Store::open(path_, clock_); }
  // Runs `sql` on the file with SQLite alone.
  void run_sql(const std::string& sql) {
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &handle), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle);
    sqlite3_close(handle);
  }
  // Opens, which must fail with kCorrupt, and checks that `content` stands aside unchanged and that
  // the next try works.
  void expect_kept_aside(const std::string& content) {
    auto refused = open();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ErrorCode::kCorrupt) << refused.error().message();
    const std::string aside = path_ + ".refused-20270115T080000Z";
    EXPECT_NE(refused.error().message().find(aside), std::string::npos)
        << refused.error().message();
    EXPECT_EQ(sys::read_file(aside, 1 << 24).value(), content);
    EXPECT_FALSE(sys::file_exists(path_));
    EXPECT_TRUE(open().ok());
  }

  std::string root_;
  std::string path_;
  sys::ManualClock clock_{sys::WallTime(std::chrono::seconds(1'800'000'000))};
};

TEST_F(DurabilityTest, AnOlderSchemaIsMigrated) {
  run_sql(R"sql(
    CREATE TABLE object (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, namespace TEXT NOT NULL,
      name TEXT NOT NULL, uid TEXT NOT NULL, version INTEGER NOT NULL, json TEXT NOT NULL);
    CREATE UNIQUE INDEX object_by_key ON object (kind, namespace, name);
    CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    INSERT INTO counter VALUES ('version', 41);
    INSERT INTO object VALUES (1, 'ConfigMap', 'default', 'old', 'u-1', 41,
      '{"metadata":{"name":"old","uid":"u-1","resourceVersion":"41"},"data":{"k":"v"}}');
    PRAGMA application_id=1685415284; PRAGMA user_version=1;)sql");
  {
    auto store = open();
    ASSERT_TRUE(store.ok()) << store.error().message();
    const Object old = (*store)->get({Kind::kConfigMap, "default", "old"}).value();
    EXPECT_EQ(old.uid, "u-1");
    EXPECT_EQ(old.resource_version, 41);
    EXPECT_TRUE((*store)->put_value("room", "name", "value").ok());
    EXPECT_GT((*store)->create(config_map("new", "1"))->resource_version, 41);
  }
  auto again = open();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ((*again)->get_value("room", "name").value(), "value");
  EXPECT_TRUE((*again)->get({Kind::kConfigMap, "default", "old"}).ok());
}

TEST_F(DurabilityTest, AMigrationThatFailsChangesNothing) {
  // Its own table stands in the way of the step.
  run_sql(
      "CREATE TABLE value (x); CREATE TABLE object (id); PRAGMA application_id=1685415284;"
      "PRAGMA user_version=1;");
  const auto refused = open();
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message().find("migration"), std::string::npos)
      << refused.error().message();
  EXPECT_TRUE(sys::file_exists(path_));
  run_sql("INSERT INTO value VALUES (1); PRAGMA user_version=1");
}

TEST_F(DurabilityTest, ANewerSchemaIsLeftAlone) {
  ASSERT_TRUE(open().ok());
  run_sql("PRAGMA journal_mode=DELETE; PRAGMA user_version=99;");
  const std::string before = sys::read_file(path_, 1 << 24).value();
  const auto refused = open();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().message().find("schema 99"), std::string::npos);
  EXPECT_EQ(sys::read_file(path_, 1 << 24).value(), before);
}

TEST_F(DurabilityTest, ForeignFilesAreKeptAside) {
  ASSERT_TRUE(sys::write_file(path_, "a person's notes\n").ok());
  expect_kept_aside("a person's notes\n");
}

TEST_F(DurabilityTest, DatabasesOfOtherProgramsAreKeptAside) {
  run_sql("PRAGMA journal_mode=WAL; CREATE TABLE mine (x); INSERT INTO mine VALUES (1);");
  expect_kept_aside(sys::read_file(path_, 1 << 24).value());
}

TEST_F(DurabilityTest, ADamagedPageIsFoundAndKeptAside) {
  {
    auto store = open();
    ASSERT_TRUE(store.ok());
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(
          (*store)->create(config_map("c" + std::to_string(i), std::string(2000, 'x'))).ok());
    }
  }
  std::string content = sys::read_file(path_, 1 << 24).value();
  content.replace(4096, 8192, std::string(8192, '\x5a'));
  ASSERT_TRUE(sys::write_file(path_, content).ok());
  expect_kept_aside(content);
}

TEST_F(DurabilityTest, ATruncatedFileIsKeptAside) {
  {
    auto store = open();
    ASSERT_TRUE(store.ok());
    ASSERT_TRUE((*store)->create(config_map("c", std::string(20'000, 'x'))).ok());
  }
  const std::string content = sys::read_file(path_, 1 << 24).value().substr(0, 9000);
  ASSERT_EQ(::truncate(path_.c_str(), 9000), 0);
  expect_kept_aside(content);
}

TEST_F(DurabilityTest, AnEmptyFileWithALogIsNotTakenForANewStore) {
  ASSERT_TRUE(sys::write_file(path_, "").ok());
  ASSERT_TRUE(sys::write_file(path_ + "-wal", "what was written last").ok());
  const auto refused = open();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(sys::read_file(path_ + ".refused-20270115T080000Z-wal", 100).value(),
            "what was written last");
  // The same second again: nothing is overwritten.
  ASSERT_TRUE(sys::write_file(path_, "junk").ok());
  EXPECT_FALSE(open().ok());
  EXPECT_EQ(sys::read_file(path_ + ".refused-20270115T080000Z.1", 100).value(), "junk");
  ASSERT_TRUE(sys::write_file(path_, "").ok());
  EXPECT_TRUE(open().ok());
}

TEST_F(DurabilityTest, ImpossiblePathsAreErrors) {
  EXPECT_FALSE(Store::open(root_, clock_).ok());
  EXPECT_FALSE(Store::open(root_ + "/missing/state.db", clock_).ok());
  EXPECT_FALSE(Store::open("/proc/duet.db", clock_).ok());
}

TEST_F(DurabilityTest, OnlyOneProcessHasIt) {
  const auto first = open();
  ASSERT_TRUE(first.ok());
  const pid_t child = ::fork();
  if (child == 0) {
    const auto second = open();
    ::_exit(!second.ok() && second.error().code() == ErrorCode::kUnavailable ? 0 : 1);
  }
  EXPECT_EQ(sys::wait(child)->code, 0);
  EXPECT_TRUE((*first)->create(config_map("c", "1")).ok());
}

TEST_F(DurabilityTest, OnlyItsOwnerReadsIt) {
  ASSERT_TRUE(open().ok());
  struct stat info{};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

// A child writes and says what was acknowledged until it is killed; all of it must be there.
TEST_F(DurabilityTest, WhatWasAcknowledgedSurvivesAKill) {
  std::set<std::string> acknowledged;
  for (int round = 0; round < 5; ++round) {
    auto pipe = sys::make_pipe().value();
    const pid_t child = ::fork();
    if (child == 0) {
      auto store = open();
      for (int i = 0; store.ok(); ++i) {
        const std::string name = "c" + std::to_string(round) + "-" + std::to_string(i);
        const bool ok = (*store)->create(config_map(name, std::string(500, 'x'))).ok();
        if (!ok || !sys::write_all(pipe.write.get(), name + "\n").ok()) {
          break;
        }
      }
      ::_exit(1);
    }
    pipe.write.reset();
    std::string text;
    char buffer[64];
    while (text.size() < 300) {
      const ssize_t count = ::read(pipe.read.get(), buffer, sizeof buffer);
      ASSERT_GT(count, 0);
      text.append(buffer, static_cast<size_t>(count));
    }
    ASSERT_EQ(::kill(child, SIGKILL), 0);
    EXPECT_EQ(sys::wait(child)->signal, SIGKILL);
    text += sys::read_all(pipe.read.get(), 1 << 24).value();
    for (size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      acknowledged.insert(text.substr(0, end));
      text.erase(0, end + 1);
    }
    auto store = open();
    ASSERT_TRUE(store.ok()) << store.error().message();
    for (const std::string& name : acknowledged) {
      EXPECT_TRUE((*store)->get({Kind::kConfigMap, "default", name}).ok()) << name;
    }
  }
  EXPECT_GT(acknowledged.size(), 100u);
}

// A pod's source asks again and again for the end of a pod that is ending.
TEST_F(DurabilityTest, WhatChangesNothingWritesNothing) {
  auto store = open().value();
  const Object pod = {{Kind::kPod, "default", "web"}, "", 0, R"({"metadata":{"name":"web"}})"};
  ASSERT_TRUE(store->create(pod).ok());
  ASSERT_TRUE(store->remove(pod.key, {.grace_period_seconds = 20}).ok());
  const auto log_bytes = [&] { return sys::read_file(path_ + "-wal", 1 << 24).value().size(); };
  const auto before = log_bytes();
  ASSERT_TRUE(store->remove(pod.key, {.grace_period_seconds = 20}).ok());
  ASSERT_TRUE(store->update(store->get(pod.key).value()).ok());
  EXPECT_EQ(log_bytes(), before);
}

TEST_F(DurabilityTest, AFullDiskIsAnErrorAndLosesNothing) {
  ASSERT_EQ(::mount("tmpfs", root_.c_str(), "tmpfs", 0, "size=512k"), 0) << "needs root";
  {
    auto store = open();
    ASSERT_TRUE(store.ok()) << store.error().message();
    int made = 0;
    Status failed;
    while (failed.ok() && made < 1000) {
      const auto result =
          (*store)->create(config_map("c" + std::to_string(made), std::string(4000, 'x')));
      if (result.ok()) {
        ++made;
      } else {
        failed = result.error();
      }
    }
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().code(), ErrorCode::kExhausted) << failed.error().message();
    EXPECT_NE(failed.error().message().find("free some"), std::string::npos)
        << failed.error().message();
    EXPECT_EQ((*store)->list(Kind::kConfigMap)->objects.size(), static_cast<size_t>(made));
    ASSERT_GT(made, 10);
    // With space again it goes on, with the versions it would have given.
    const int64_t version = (*store)->list(Kind::kConfigMap)->resource_version;
    ASSERT_EQ(::mount("tmpfs", root_.c_str(), "tmpfs", MS_REMOUNT, "size=8m"), 0);
    const auto after = (*store)->create(config_map("after", "1"));
    ASSERT_TRUE(after.ok()) << after.error().message();
    EXPECT_EQ(after->resource_version, version + 1);
    store->reset();
    auto again = open();
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ((*again)->list(Kind::kConfigMap)->objects.size(), static_cast<size_t>(made) + 1);
  }
  EXPECT_EQ(::umount2(root_.c_str(), MNT_DETACH), 0);
}

}  // namespace
}  // namespace duet::store
