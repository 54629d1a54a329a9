#include "source/manifest_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <set>

#include "sys/file.h"

namespace duet::source {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class ManifestFilesTest : public testing::Test {
 protected:
  void SetUp() override { root_ = sys::make_temporary_directory("/tmp", "duet-files-").value(); }
  void TearDown() override { EXPECT_TRUE(sys::remove_tree(root_).ok()); }
  void write(const std::string& name, const std::string& text = "x") {
    const std::string path = root_ + "/" + name;
    ASSERT_TRUE(sys::make_directories(path.substr(0, path.rfind('/'))).ok());
    ASSERT_TRUE(sys::write_file(path, text).ok());
  }
  void link(const std::string& target, const std::string& name) {
    ASSERT_EQ(::symlink(target.c_str(), (root_ + "/" + name).c_str()), 0);
  }
  ManifestFiles scan(const std::vector<std::string>& paths) {
    folders_.clear();
    return scan_manifest_files(paths, limits_,
                               [this](const std::string& folder) { folders_.insert(folder); });
  }
  std::vector<std::string> names(const ManifestFiles& files) {
    std::vector<std::string> names;
    for (const ManifestFile& file : files.files) {
      names.push_back(file.path.substr(root_.size() + 1));
    }
    return names;
  }
  std::string root_;
  ScanLimits limits_{100, 1 << 20, 8, 1 << 20};
  std::set<std::string> folders_;
};

TEST_F(ManifestFilesTest, FindsManifestsBelowAndSkipsTheRest) {
  for (const char* name : {"b.yaml", "a.yml", "c.json", "d/e.yaml", "d/.hidden.yaml", "notes.txt",
                           "b.yaml~", ".git/x.yaml", "#b.yaml#"}) {
    write(name);
  }
  const ManifestFiles files = scan({root_});
  EXPECT_THAT(names(files), ElementsAre("a.yml", "b.yaml", "c.json", "d/e.yaml"));
  EXPECT_THAT(files.problems, IsEmpty());
  EXPECT_THAT(folders_, Contains(root_ + "/d"));
  EXPECT_THAT(folders_, Contains("/tmp"));
}

TEST_F(ManifestFilesTest, AFileThatIsNamedMayBeCalledAnything) {
  write("site");
  write(".x");
  EXPECT_THAT(names(scan({root_ + "/site", root_ + "/.x", root_ + "/site"})),
              ElementsAre("site", ".x"));
}

TEST_F(ManifestFilesTest, FollowsLinksOnceAndWatchesWhereTheyLead) {
  write("real/a.yaml");
  link("real/a.yaml", "z.yaml");
  link(".", "loop");
  link(root_, "real/up");
  const ManifestFiles files = scan({root_});
  EXPECT_EQ(files.files.size(), 1u);
  EXPECT_THAT(files.problems, IsEmpty());
  ASSERT_TRUE(sys::make_directories(root_ + "/other").ok());
  link("../real/a.yaml", "other/b.yaml");
  EXPECT_EQ(scan({root_ + "/other"}).files.size(), 1u);
  EXPECT_THAT(folders_, Contains(root_ + "/real"));
}

TEST_F(ManifestFilesTest, ConfigMapVolumesLookLikeFolders) {
  write("..2024/a.yaml");
  link("..2024", "..data");
  link("..data/a.yaml", "a.yaml");
  EXPECT_THAT(names(scan({root_})), ElementsAre("a.yaml"));
}

TEST_F(ManifestFilesTest, WhatIsMissingIsToldAndWhatCameFromItStays) {
  const ManifestFiles folder = scan({root_ + "/none/deeper"});
  ASSERT_EQ(folder.problems.size(), 1u);
  EXPECT_THAT(folder.problems[0].message, HasSubstr("stays"));
  EXPECT_TRUE(is_below(root_ + "/none/deeper/a.yaml", folder.unknown));
  EXPECT_FALSE(is_below(root_ + "/none/deeper2/a.yaml", folder.unknown));
  EXPECT_THAT(folders_, Contains(root_));
  const ManifestFiles file = scan({root_ + "/gone.yaml"});
  EXPECT_EQ(file.problems.size(), 1u);
  EXPECT_THAT(file.unknown, IsEmpty());
  link("nowhere", "x.yaml");
  EXPECT_TRUE(is_below(root_ + "/x.yaml", scan({root_}).unknown));
}

TEST_F(ManifestFilesTest, PipesAreNotRead) {
  ASSERT_EQ(::mkfifo((root_ + "/p.yaml").c_str(), 0600), 0);
  const ManifestFiles files = scan({root_});
  EXPECT_THAT(files.files, IsEmpty());
  EXPECT_EQ(files.problems.size(), 1u);
}

TEST_F(ManifestFilesTest, BoundsAreToldOnceAndNothingIsThoughtGone) {
  for (const char* name : {"a.yaml", "b.yaml", "c.yaml", "d.yaml"}) {
    write(name, "12345");
  }
  limits_.file_limit = 2;
  ManifestFiles files = scan({root_});
  EXPECT_THAT(names(files), ElementsAre("a.yaml", "b.yaml"));
  EXPECT_EQ(files.problems.size(), 1u);
  EXPECT_TRUE(is_below("/anything", files.unknown));
  limits_ = {100, 12, 8, 1 << 20};
  files = scan({root_});
  EXPECT_EQ(files.files.size(), 2u);
  EXPECT_EQ(files.problems.size(), 1u);
  limits_ = {100, 1 << 20, 1, 1 << 20};
  write("1/2/3/x.yaml");
  files = scan({root_});
  EXPECT_EQ(files.problems.size(), 1u);
  EXPECT_EQ(files.files.size(), 4u);
}

TEST_F(ManifestFilesTest, AStampTellsAnotherFile) {
  write("a.yaml", "1");
  const sys::FileStamp before = scan({root_}).files[0].stamp;
  EXPECT_EQ(scan({root_}).files[0].stamp, before);
  write("b", "2");
  ASSERT_EQ(std::rename((root_ + "/b").c_str(), (root_ + "/a.yaml").c_str()), 0);
  EXPECT_FALSE(scan({root_}).files[0].stamp == before);
}

}  // namespace
}  // namespace duet::source
