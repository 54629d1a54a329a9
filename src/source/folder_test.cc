#include "source/folder.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>

#include "object/kind.h"
#include "object/source_mark.h"
#include "source/ownership.h"
#include "sys/file.h"

namespace duet::source {
namespace {

using object::Kind;
using object::ObjectKey;
using Json = nlohmann::json;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

std::string config_map(const std::string& name, const std::string& value,
                       const std::string& ns = "default") {
  return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + name + "\n  namespace: " + ns +
         "\ndata:\n  k: \"" + value + "\"\n";
}

std::string pod(const std::string& name, const std::string& image, const std::string& label = "l") {
  return "apiVersion: v1\nkind: Pod\nmetadata:\n  name: " + name + "\n  labels:\n    a: " + label +
         "\nspec:\n  containers:\n  - name: c\n    image: " + image + "\n";
}

std::string name_space(const std::string& name) {
  return "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: " + name + "\n";
}

std::string word(const FolderChange& change) {
  static const char* const kWords[] = {"created",   "updated", "replacing",
                                       "unchanged", "removed", "problem"};
  const std::string what = change.key ? object::describe(*change.key) : change.problem.message;
  return std::string(kWords[static_cast<int>(change.type)]) + " " + what;
}

class FolderTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = sys::make_temporary_directory("/tmp", "duet-folder-").value();
    folder_ = root_ + "/site";
    ASSERT_TRUE(sys::make_directories(folder_).ok());
    store_ = store::Store::open(root_ + "/state.db", clock_).value();
    options_.paths = {folder_};
    options_.debounce_ms = 20;
    options_.retry_ms = 5;
  }
  void TearDown() override {
    source_.reset();
    store_.reset();
    EXPECT_TRUE(sys::remove_tree(root_).ok());
  }

  void start() {
    source_.reset();
    reports_.clear();
    source_ = FolderSource::start(*store_, options_, [this](const FolderReport& report) {
                const std::lock_guard lock(mutex_);
                reports_.push_back(report);
                arrived_.notify_all();
              }).value();
  }
  // The words of the next report.
  std::vector<std::string> next() {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, std::chrono::seconds(20), [this] { return !reports_.empty(); })) {
      ADD_FAILURE() << "no report came";
      return {};
    }
    last_ = std::move(reports_.front());
    reports_.pop_front();
    std::vector<std::string> words;
    for (const FolderChange& change : last_.changes) {
      words.push_back(word(change));
    }
    return words;
  }
  // Reports until one says `text`.
  void wait_for(const std::string& text) {
    while (true) {
      const auto words = next();
      if (words.empty() || std::find(words.begin(), words.end(), text) != words.end()) {
        ASSERT_FALSE(words.empty()) << text;
        return;
      }
    }
  }
  // As editors and careful programs do: a new file in the place of the old one.
  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(sys::write_file_atomic(folder_ + "/" + name, text).ok());
  }
  void remove(const std::string& name) { ASSERT_EQ(::unlink((folder_ + "/" + name).c_str()), 0); }
  bool exists(Kind kind, const std::string& name, const std::string& ns = "default") {
    return store_->get({kind, ns, name}).ok();
  }
  Json get(Kind kind, const std::string& name) {
    return Json::parse(store_->get({kind, "default", name}).value().json);
  }

  std::string root_;
  std::string folder_;
  sys::SystemClock clock_;
  std::unique_ptr<store::Store> store_;
  FolderOptions options_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<FolderReport> reports_;
  FolderReport last_;
  std::unique_ptr<FolderSource> source_;
};

TEST_F(FolderTest, FilesBecomeObjectsInTheOrderTheyNeed) {
  write("a.yaml", config_map("c", "1", "shop") + "---\n" + pod("web", "i"));
  write("z.yaml", name_space("shop"));
  start();
  EXPECT_THAT(next(), ElementsAre("created namespace shop", "created configmap shop/c",
                                  "created pod default/web"));
  EXPECT_TRUE(last_.first);
  const Json json = get(Kind::kPod, "web");
  EXPECT_EQ(json["metadata"]["annotations"][object::kSourceAnnotation], "folder");
  EXPECT_EQ(json["metadata"]["annotations"][kSourceFileAnnotation], folder_ + "/a.yaml");
}

TEST_F(FolderTest, ChangedAddedAndRemovedFilesChangeTheSite) {
  write("a.yaml", config_map("a", "1"));
  start();
  EXPECT_THAT(next(), ElementsAre("created configmap default/a"));
  write("a.yaml", config_map("a", "2"));
  EXPECT_THAT(next(), ElementsAre("updated configmap default/a"));
  EXPECT_EQ(get(Kind::kConfigMap, "a")["data"]["k"], "2");
  write("b.yaml", config_map("b", "1"));
  EXPECT_THAT(next(), ElementsAre("unchanged configmap default/a", "created configmap default/b"));
  remove("a.yaml");
  EXPECT_THAT(next(), ElementsAre("unchanged configmap default/b", "removed configmap default/a"));
  EXPECT_FALSE(exists(Kind::kConfigMap, "a"));
  ASSERT_TRUE(sys::make_directories(folder_ + "/deep/er").ok());
  write("deep/er/c.yaml", config_map("c", "1"));
  wait_for("created configmap default/c");
  ASSERT_TRUE(sys::remove_tree(folder_ + "/deep").ok());
  wait_for("removed configmap default/c");
}

TEST_F(FolderTest, ABrokenFileLeavesWhatItBroughtBefore) {
  write("a.yaml", config_map("a", "1") + "---\n" + config_map("b", "1"));
  start();
  next();
  write("a.yaml", config_map("a", "2") + "---\nkind: [\n");
  const auto words = next();
  ASSERT_EQ(words.size(), 1u);
  EXPECT_TRUE(last_.has_errors());
  EXPECT_EQ(last_.changes[0].problem.file, folder_ + "/a.yaml");
  EXPECT_GT(last_.changes[0].problem.line, 0);
  EXPECT_EQ(get(Kind::kConfigMap, "a")["data"]["k"], "1");
  EXPECT_TRUE(exists(Kind::kConfigMap, "b"));
  // Others go on; also an unknown field breaks only its file.
  write("z.yaml", config_map("z", "1"));
  EXPECT_THAT(next(), Contains("created configmap default/z"));
  write("a.yaml", config_map("a", "3"));
  EXPECT_THAT(next(), ElementsAre("updated configmap default/a", "unchanged configmap default/z",
                                  "removed configmap default/b"));
  EXPECT_FALSE(last_.has_errors());
}

// A shell empties the file of `command > a.yaml` long before the command has something to say.
TEST_F(FolderTest, AFileThatIsBeingWrittenLeavesWhatItBroughtBefore) {
  write("a.yaml", config_map("a", "1") + "---\n" + config_map("b", "1"));
  start();
  next();
  {
    const sys::Fd writer = sys::open_file(folder_ + "/a.yaml", O_WRONLY | O_TRUNC).value();
    EXPECT_THAT(next(), ElementsAre(HasSubstr("is being written")));
    EXPECT_FALSE(last_.has_errors());
    ASSERT_TRUE(sys::write_all(writer.get(), config_map("a", "2")).ok());
    EXPECT_TRUE(exists(Kind::kConfigMap, "b"));
  }
  EXPECT_THAT(next(), ElementsAre("updated configmap default/a", "removed configmap default/b"));
}

TEST_F(FolderTest, AnEmptyFileLeavesWhatItBroughtBefore) {
  write("a.yaml", config_map("a", "1"));
  start();
  next();
  write("a.yaml", "\n");
  EXPECT_THAT(next(), ElementsAre(HasSubstr("is empty")));
  EXPECT_TRUE(exists(Kind::kConfigMap, "a"));
  // Whoever means it writes nothing but a comment, or removes the file.
  write("a.yaml", "# nothing\n");
  EXPECT_THAT(next(), ElementsAre("removed configmap default/a"));
}

TEST_F(FolderTest, WhatVanishedWhileNobodyLookedGoesAtTheNextStart) {
  write("a.yaml", config_map("a", "1"));
  write("b.yaml", config_map("b", "1"));
  start();
  next();
  source_.reset();
  remove("a.yaml");
  start();
  EXPECT_THAT(next(), ElementsAre("unchanged configmap default/b", "removed configmap default/a"));
}

TEST_F(FolderTest, TheFirstFileOfTwoWins) {
  write("a.yaml", config_map("x", "a"));
  write("b.yaml", config_map("x", "b"));
  start();
  const auto words = next();
  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[0], "created configmap default/x");
  EXPECT_THAT(words[1], HasSubstr("a.yaml:1"));
  EXPECT_EQ(last_.changes[1].file, folder_ + "/b.yaml");
  EXPECT_EQ(get(Kind::kConfigMap, "x")["data"]["k"], "a");
  // A broken winner keeps its object; without it the other one has it.
  write("a.yaml", "kind: [");
  next();
  EXPECT_TRUE(last_.has_errors());
  EXPECT_EQ(get(Kind::kConfigMap, "x")["data"]["k"], "a");
  remove("a.yaml");
  EXPECT_THAT(next(), ElementsAre("updated configmap default/x"));
  EXPECT_EQ(get(Kind::kConfigMap, "x")["data"]["k"], "b");
}

TEST_F(FolderTest, ObjectsOfOthersAreNotTaken) {
  const ObjectKey key{Kind::kConfigMap, "default", "hand"};
  ASSERT_TRUE(
      store_->create({key, "", 0, R"({"metadata":{"name":"hand"},"data":{"k":"mine"}})"}).ok());
  write("a.yaml", config_map("hand", "folder") + "---\n" + name_space("default"));
  start();
  const auto words = next();
  EXPECT_THAT(words, ElementsAre("unchanged namespace default", HasSubstr("in the store already")));
  EXPECT_EQ(get(Kind::kConfigMap, "hand")["data"]["k"], "mine");
  remove("a.yaml");
  next();
  EXPECT_TRUE(exists(Kind::kConfigMap, "hand"));
  EXPECT_TRUE(store_->get({Kind::kNamespace, "", "default"}).ok());
}

TEST_F(FolderTest, APodWithAnotherSpecIsMadeAnew) {
  write("a.yaml", pod("web", "one"));
  start();
  next();
  const std::string uid = get(Kind::kPod, "web")["metadata"]["uid"];
  write("a.yaml", pod("web", "one", "other"));
  EXPECT_THAT(next(), ElementsAre("updated pod default/web"));
  EXPECT_EQ(get(Kind::kPod, "web")["metadata"]["uid"], uid);
  write("a.yaml", pod("web", "two"));
  EXPECT_THAT(next(), ElementsAre("replacing pod default/web"));
  EXPECT_TRUE(get(Kind::kPod, "web")["metadata"].contains("deletionTimestamp"));
  ASSERT_TRUE(store_->finish_delete({Kind::kPod, "default", "web"}, uid).ok());
  EXPECT_THAT(next(), ElementsAre("created pod default/web"));
  EXPECT_NE(get(Kind::kPod, "web")["metadata"]["uid"], uid);
  EXPECT_EQ(get(Kind::kPod, "web")["spec"]["containers"][0]["image"], "two");
}

TEST_F(FolderTest, ChangesByHandStayUntilTheFileChanges) {
  write("a.yaml", config_map("a", "1"));
  start();
  next();
  auto stored = store_->get({Kind::kConfigMap, "default", "a"}).value();
  Json json = Json::parse(stored.json);
  json["data"]["k"] = "by hand";
  stored.json = json.dump();
  ASSERT_TRUE(store_->update(stored).ok());
  write("b.yaml", config_map("b", "1"));
  EXPECT_THAT(next(), Contains("unchanged configmap default/a"));
  EXPECT_EQ(get(Kind::kConfigMap, "a")["data"]["k"], "by hand");
  write("a.yaml", config_map("a", "2"));
  EXPECT_THAT(next(), Contains("updated configmap default/a"));
}

TEST_F(FolderTest, AMissingNamespaceIsToldAndMended) {
  write("a.yaml", config_map("c", "1", "later"));
  start();
  EXPECT_THAT(next(), ElementsAre(HasSubstr("namespace later")));
  EXPECT_GT(last_.changes[0].problem.line, 0);
  write("b.yaml", name_space("later"));
  EXPECT_THAT(next(), ElementsAre("created namespace later", "created configmap later/c"));
  remove("b.yaml");
  wait_for("removed namespace later");
  EXPECT_FALSE(exists(Kind::kConfigMap, "c", "later"));
}

TEST_F(FolderTest, AFolderThatIsGoneKeepsItsObjectsUntilItIsBack) {
  write("a.yaml", config_map("a", "1"));
  start();
  next();
  ASSERT_EQ(std::rename(folder_.c_str(), (root_ + "/away").c_str()), 0);
  EXPECT_THAT(next(), ElementsAre(HasSubstr("stays")));
  EXPECT_TRUE(exists(Kind::kConfigMap, "a"));
  ASSERT_EQ(std::rename((root_ + "/away").c_str(), folder_.c_str()), 0);
  EXPECT_THAT(next(), ElementsAre("unchanged configmap default/a"));
  remove("a.yaml");
  EXPECT_THAT(next(), ElementsAre("removed configmap default/a"));
}

TEST_F(FolderTest, AConfigMapVolumeIsSwitchedAtOnce) {
  ASSERT_TRUE(sys::make_directories(folder_ + "/..1").ok());
  ASSERT_TRUE(sys::make_directories(folder_ + "/..2").ok());
  write("..1/a.yaml", config_map("a", "1"));
  write("..2/a.yaml", config_map("a", "2"));
  ASSERT_EQ(::symlink("..1", (folder_ + "/..data").c_str()), 0);
  ASSERT_EQ(::symlink("..data/a.yaml", (folder_ + "/a.yaml").c_str()), 0);
  start();
  EXPECT_THAT(next(), ElementsAre("created configmap default/a"));
  ASSERT_EQ(::symlink("..2", (folder_ + "/..data_tmp").c_str()), 0);
  ASSERT_EQ(std::rename((folder_ + "/..data_tmp").c_str(), (folder_ + "/..data").c_str()), 0);
  EXPECT_THAT(next(), ElementsAre("updated configmap default/a"));
  EXPECT_EQ(get(Kind::kConfigMap, "a")["data"]["k"], "2");
}

TEST_F(FolderTest, ASingleFileIsFollowedThroughItsReplacements) {
  write("a.yaml", config_map("a", "1"));
  write("beside.yaml", config_map("beside", "1"));
  options_.paths = {folder_ + "/a.yaml"};
  start();
  EXPECT_THAT(next(), ElementsAre("created configmap default/a"));
  write("a.yaml", config_map("a", "2"));
  EXPECT_THAT(next(), ElementsAre("updated configmap default/a"));
  // In place, in two parts: read when it is silent.
  ASSERT_TRUE(sys::write_file(folder_ + "/a.yaml", config_map("a", "3")).ok());
  wait_for("updated configmap default/a");
  EXPECT_EQ(get(Kind::kConfigMap, "a")["data"]["k"], "3");
  remove("a.yaml");
  EXPECT_THAT(next(), Contains("removed configmap default/a"));
}

TEST_F(FolderTest, ObjectsDeletedByHandComeBackWithTheRescan) {
  options_.rescan_ms = 5;
  write("a.yaml", config_map("a", "1"));
  start();
  next();
  ASSERT_TRUE(store_->remove({Kind::kConfigMap, "default", "a"}).ok());
  EXPECT_THAT(next(), ElementsAre("created configmap default/a"));
}

TEST_F(FolderTest, TooLargeFilesAreToldNotRead) {
  options_.size_bytes = 200;
  write("a.yaml", config_map("a", "1"));
  write("b.yaml", config_map("b", std::string(300, 'x')));
  start();
  const auto words = next();
  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[0], "created configmap default/a");
  EXPECT_EQ(last_.changes[1].file, folder_ + "/b.yaml");
}

TEST_F(FolderTest, ATooLargeFileDoesNotHideThoseAfterIt) {
  options_.size_bytes = 200;
  options_.total_size_bytes = 1000;
  write("a.yaml", config_map("a", std::string(2000, 'x')));
  write("b.yaml", config_map("b", "1"));
  start();
  const auto words = next();
  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[0], "created configmap default/b");
  EXPECT_EQ(last_.changes[1].file, folder_ + "/a.yaml");
}

TEST_F(FolderTest, NoPathsAreRefused) {
  options_.paths = {};
  EXPECT_FALSE(FolderSource::start(*store_, options_, [](const FolderReport&) {}).ok());
}

}  // namespace
}  // namespace duet::source
