#include <gtest/gtest.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "container/rootfs.h"
#include "container/test_support.h"

namespace duet::container {
namespace {

// The unpacker as a whole, against umoci's unpack and against archives made to break out.
class UnpackTest : public ScratchTest {
 protected:
  void SetUp() override {
    ScratchTest::SetUp();
    // A file and a folder outside: nothing may ever touch them.
    outside_ = scratch_ + "/outside";
    ASSERT_TRUE(sys::make_directories(outside_ + "/dir").ok());
    ASSERT_TRUE(sys::write_file(outside_ + "/secret", "secret").ok());
    before_ = snapshot(outside_);
    target_ = scratch_ + "/target";
    ASSERT_TRUE(sys::make_directories(target_).ok());
  }
  void TearDown() override {
    EXPECT_EQ(snapshot(outside_), before_);
    ScratchTest::TearDown();
  }

  sys::Output unpack(const std::string& archive, const std::string& entry_limit = "1000",
                     const std::string& size_limit = "100000000") {
    sys::Command command;
    command.argv = {unpacker_path(), target_, entry_limit, size_limit, "60"};
    return sys::run(command, archive, kToolTimeoutMs).value();
  }
  sys::Output unpack_file(const std::string& path) {
    return unpack(sys::read_file(path, 256 << 20).value());
  }

  // A tree with everything that a layer can hold.
  std::string make_rich_tree() {
    const std::string tree = scratch_ + "/rich";
    EXPECT_TRUE(sys::make_directories(tree + "/d/empty").ok());
    EXPECT_TRUE(sys::write_file(tree + "/d/f", std::string(100'000, 'x')).ok());
    EXPECT_TRUE(sys::write_file(tree + "/zero", "").ok());
    EXPECT_EQ(::link((tree + "/d/f").c_str(), (tree + "/hard").c_str()), 0);
    EXPECT_EQ(::symlink("../../../../etc/passwd", (tree + "/d/climbing").c_str()), 0);
    EXPECT_EQ(::symlink("/absolute/nowhere", (tree + "/dangling").c_str()), 0);
    EXPECT_EQ(::mkfifo((tree + "/fifo").c_str(), 0640), 0);
    EXPECT_EQ(::mknod((tree + "/null").c_str(), S_IFCHR | 0666, makedev(1, 3)), 0);
    EXPECT_EQ(::mknod((tree + "/loop").c_str(), S_IFBLK | 0660, makedev(7, 0)), 0);
    EXPECT_EQ(::chown((tree + "/d").c_str(), 1000, 2000), 0);
    EXPECT_EQ(::chmod((tree + "/d").c_str(), 03775), 0);
    EXPECT_EQ(::lchown((tree + "/dangling").c_str(), 5, 6), 0);
    EXPECT_TRUE(sys::write_file(tree + "/suid", "#!").ok());
    EXPECT_EQ(::chown((tree + "/suid").c_str(), 33, 44), 0);
    EXPECT_EQ(::chmod((tree + "/suid").c_str(), 06755), 0);
    EXPECT_EQ(::setxattr((tree + "/zero").c_str(), "user.note", "a\0b", 3, 0), 0);
    EXPECT_TRUE(sys::write_file(tree + "/capable", "#!").ok());
    must_run({"setcap", "cap_net_raw+ep", tree + "/capable"});
    // Names: composed and decomposed, no UTF-8 at all, longer than the old header's fields.
    EXPECT_TRUE(sys::write_file(tree + "/e\xcc\x81t", "decomposed").ok());
    EXPECT_TRUE(sys::write_file(tree + "/\xc3\xa9t", "composed").ok());
    EXPECT_TRUE(sys::write_file(tree + "/raw\xff\xfe", "bytes").ok());
    const std::string deep = tree + "/" + std::string(200, 'n') + "/" + std::string(200, 'm');
    EXPECT_TRUE(sys::make_directories(deep).ok());
    EXPECT_TRUE(sys::write_file(deep + "/f", "deep").ok());
    EXPECT_EQ(::symlink((std::string(150, 'l') + "\xc3\xa9").c_str(), (tree + "/long").c_str()), 0);
    return tree;
  }

  // Compares ours with what umoci makes of the same layer.
  void expect_as_umoci(const std::string& tar) {
    make_layout(scratch_ + "/layout", {tar});
    must_run({"umoci", "unpack", "--image", scratch_ + "/layout:1", scratch_ + "/bundle"});
    const auto output = unpack_file(tar);
    ASSERT_TRUE(output.status.ok()) << output.err;
    const auto expected = snapshot(scratch_ + "/bundle/rootfs");
    const auto got = snapshot(target_);
    for (const auto& [path, text] : expected) {
      const auto found = got.find(path);
      ASSERT_NE(found, got.end()) << path << " is missing";
      EXPECT_EQ(found->second.substr(0, 2000), text.substr(0, 2000)) << path;
    }
    EXPECT_EQ(got.size(), expected.size());
  }

  std::string outside_;
  std::string target_;
  TreeSnapshot before_;
};

TEST_F(UnpackTest, PaxTreeIsAsUmociMakesIt) {
  const std::string tree = make_rich_tree();
  must_run({"tar", "--format=posix", "--xattrs", "--xattrs-include=*", "--sort=name", "-C", tree,
            "-cf", scratch_ + "/l.tar", "."});
  expect_as_umoci(scratch_ + "/l.tar");
}

TEST_F(UnpackTest, GnuTreeIsAsUmociMakesIt) {
  const std::string tree = make_rich_tree();
  must_run({"tar", "--format=gnu", "--sort=name", "-C", tree, "-cf", scratch_ + "/l.tar", "."});
  expect_as_umoci(scratch_ + "/l.tar");
}

TEST_F(UnpackTest, UmocisOwnLayerIsAsItUnpacksIt) {
  const std::string tree = make_rich_tree();
  must_run({"umoci", "init", "--layout", scratch_ + "/made"});
  must_run({"umoci", "new", "--image", scratch_ + "/made:1"});
  must_run({"umoci", "insert", "--image", scratch_ + "/made:1", tree, "/"});
  const auto image = read_layout(scratch_ + "/made");
  must_run({"umoci", "unpack", "--image", scratch_ + "/made:1", scratch_ + "/bundle"});
  const auto output =
      unpack_file(scratch_ + "/made/blobs/sha256/" + image.layers[0].blob.digest.substr(7));
  ASSERT_TRUE(output.status.ok()) << output.err;
  EXPECT_NE(output.out.find(image.layers[0].diff_id), std::string::npos) << output.out;
  auto expected = snapshot(scratch_ + "/bundle/rootfs");
  auto got = snapshot(target_);
  for (auto* each : {&expected, &got}) {
    each->erase("/");  // not in the layer: each unpacker's own
  }
  EXPECT_EQ(got, expected);
}

TEST_F(UnpackTest, ReadsGzipAndZstdAndHashesTheTar) {
  const std::string tar = TarBuilder().file("a", std::string(1 << 20, 'a')).finish();
  ASSERT_TRUE(sys::write_file(scratch_ + "/l.tar", tar).ok());
  must_run({"gzip", "-k", scratch_ + "/l.tar"});
  must_run({"zstd", "-q", scratch_ + "/l.tar"});
  const std::string digest = must_run({"sha256sum", scratch_ + "/l.tar"}).substr(0, 64);
  for (const char* suffix : {"", ".gz", ".zst"}) {
    const auto output = unpack_file(scratch_ + "/l.tar" + suffix);
    EXPECT_EQ(output.out, R"({"diffId":"sha256:)" + digest + R"(","entries":1,"sizeBytes":)" +
                              std::to_string(tar.size()) + "}\n")
        << output.err;
    EXPECT_TRUE(sys::remove_tree(target_ + "/a").ok());
  }
}

TEST_F(UnpackTest, SparseFilesKeepTheirContent) {
  const std::string path = scratch_ + "/s/sparse";
  ASSERT_TRUE(sys::make_directories(scratch_ + "/s").ok());
  must_run({"truncate", "-s", "50M", path});
  must_run({"sh", "-c", "printf middle | dd of=" + path + " bs=1 seek=20000000 conv=notrunc 2>&1"});
  for (const char* format : {"--format=posix", "--format=gnu"}) {
    must_run({"tar", format, "--sparse", "-C", scratch_ + "/s", "-cf", scratch_ + "/s.tar", "."});
    const auto output = unpack_file(scratch_ + "/s.tar");
    ASSERT_TRUE(output.status.ok()) << output.err;
    must_run({"cmp", path, target_ + "/sparse"});
    struct stat info{};
    ASSERT_EQ(::stat((target_ + "/sparse").c_str(), &info), 0);
    EXPECT_LT(info.st_blocks, 1000) << "holes were filled";
    EXPECT_TRUE(sys::remove_tree(target_ + "/sparse").ok());
  }
}

TEST_F(UnpackTest, WhiteoutsBecomeOverlayfsWhiteouts) {
  const std::string tar = TarBuilder()
                              .file("d/.wh.gone", "")
                              .directory("opaque")
                              .file("opaque/.wh..wh..opq", "")
                              .file("opaque/new", "n")
                              .directory("both")
                              .file("both/f", "f")
                              .file(".wh.both", "")
                              .file(".wh.later", "")
                              .file("later/f", "f")
                              .file("kept", "k")
                              .file(".wh.kept", "")
                              .file(".wh..wh.plnk", "")
                              .finish();
  const auto output = unpack(tar);
  ASSERT_TRUE(output.status.ok()) << output.err;
  struct stat info{};
  ASSERT_EQ(::lstat((target_ + "/d/gone").c_str(), &info), 0);
  EXPECT_TRUE(S_ISCHR(info.st_mode) && info.st_rdev == 0);
  // A whiteout hides what is below, never what the same layer has.
  for (const char* folder : {"/opaque", "/both", "/later"}) {
    EXPECT_EQ(xattrs_of(target_ + folder), "user.overlay.opaque=y;") << folder;
  }
  EXPECT_EQ(sys::read_file(target_ + "/kept", 10).value(), "k");
  EXPECT_EQ(sys::list_directory(target_).value(),
            (std::vector<std::string>{"both", "d", "kept", "later", "opaque"}));
}

TEST_F(UnpackTest, LayersTogetherAreAsUmociMergesThem) {
  const std::string lower = TarBuilder()
                                .directory("d")
                                .file("d/gone", "g")
                                .file("d/stays", "s")
                                .directory("opaque")
                                .file("opaque/old", "o")
                                .file("file-then-dir", "x")
                                .symlink("link", "d")
                                .finish();
  const std::string upper = TarBuilder()
                                .directory("d")
                                .file("d/.wh.gone", "")
                                .directory("opaque")
                                .file("opaque/.wh..wh..opq", "")
                                .file("opaque/new", "n")
                                .directory("file-then-dir")
                                .file("file-then-dir/f", "f")
                                .file("link", "a file now")
                                .finish();
  ASSERT_TRUE(sys::write_file(scratch_ + "/1.tar", lower).ok());
  ASSERT_TRUE(sys::write_file(scratch_ + "/2.tar", upper).ok());
  make_layout(scratch_ + "/layout", {scratch_ + "/1.tar", scratch_ + "/2.tar"});
  must_run({"umoci", "unpack", "--image", scratch_ + "/layout:1", scratch_ + "/bundle"});
  auto store = LayerStore::open({.root = scratch_ + "/layers", .unpacker = unpacker_path()});
  const auto layers =
      (*store)->ensure(read_layout(scratch_ + "/layout"), blobs_of_layout(scratch_ + "/layout"));
  ASSERT_TRUE(layers.ok()) << layers.error().message();
  const auto merged = mount_rootfs({scratch_ + "/c", *layers});
  ASSERT_TRUE(merged.ok()) << merged.error().message();
  auto expected = snapshot(scratch_ + "/bundle/rootfs");
  auto got = snapshot(*merged);
  for (auto* each : {&expected, &got}) {
    each->erase("/");
  }
  EXPECT_EQ(got, expected);
  EXPECT_TRUE(remove_rootfs(scratch_ + "/c").ok());
}

TEST_F(UnpackTest, LaterMembersReplaceEarlierOnes) {
  const std::string tar = TarBuilder()
                              .file("a", "old")
                              .file("a", "new")
                              .directory("dir")
                              .file("dir/sub/f", "f")
                              .file("dir", "a file now")
                              .symlink("link", "elsewhere")
                              .directory("link")
                              .hard_link("a", "./a")
                              .finish();
  const auto output = unpack(tar);
  ASSERT_TRUE(output.status.ok()) << output.err;
  EXPECT_EQ(sys::read_file(target_ + "/a", 10).value(), "new");
  EXPECT_EQ(sys::read_file(target_ + "/dir", 20).value(), "a file now");
  struct stat info{};
  ASSERT_EQ(::lstat((target_ + "/link").c_str(), &info), 0);
  EXPECT_TRUE(S_ISDIR(info.st_mode));
}

TEST_F(UnpackTest, WritingThroughLinksStaysInside) {
  const std::string tar = TarBuilder()
                              .symlink("abs", outside_)
                              .file("abs/secret", "overwritten")
                              .symlink("up", "../../../../../../../.." + outside_)
                              .file("up/dir/f", "new")
                              .symlink("secret", outside_ + "/secret")
                              .file("secret", "replaces the link")
                              .finish();
  const auto output = unpack(tar);
  ASSERT_TRUE(output.status.ok()) << output.err;
  // As seen from inside, both links lead to the same folder of the tree.
  EXPECT_EQ(sys::read_file(target_ + outside_ + "/secret", 100).value(), "overwritten");
  EXPECT_EQ(sys::read_file(target_ + outside_ + "/dir/f", 100).value(), "new");
  EXPECT_EQ(sys::read_file(target_ + "/secret", 100).value(), "replaces the link");
}

struct BadArchive {
  const char* name;
  std::string (*make)(const std::string& outside);
  const char* message;
};

std::string truncated_gzip() {
  return std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xed\xd1\x31\x0e\x82\x40", 16);
}

class BadArchiveTest : public UnpackTest, public testing::WithParamInterface<BadArchive> {};

TEST_P(BadArchiveTest, IsRefusedWithAClearMessage) {
  const auto output = unpack(GetParam().make(outside_), "5", "1000000");
  EXPECT_EQ(output.status.code, 1) << output.status.describe();
  EXPECT_EQ(output.out, "");
  EXPECT_NE(output.err.find(GetParam().message), std::string::npos) << output.err;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadArchiveTest,
    testing::Values(
        BadArchive{"DotDot",
                   [](const std::string&) { return TarBuilder().file("../x", "x").finish(); },
                   "\"..\" is not allowed"},
        BadArchive{"DotDotInside",
                   [](const std::string&) { return TarBuilder().file("a/../../x", "x").finish(); },
                   "\"..\" is not allowed"},
        BadArchive{"HardLinkOutside",
                   [](const std::string& outside) {
                     return TarBuilder().hard_link("x", outside + "/secret").finish();
                   },
                   "hard link to"},
        BadArchive{"HardLinkClimbs",
                   [](const std::string&) {
                     return TarBuilder().hard_link("x", "../outside/secret").finish();
                   },
                   "\"..\" is not allowed"},
        BadArchive{"HardLinkThroughLink",
                   [](const std::string& outside) {
                     return TarBuilder().symlink("l", outside).hard_link("x", "l/secret").finish();
                   },
                   "hard link to"},
        BadArchive{"HardLinkToFolder",
                   [](const std::string&) {
                     return TarBuilder().directory("d").hard_link("x", "d").finish();
                   },
                   "hard link to"},
        BadArchive{
            "LinkLoop",
            [](const std::string&) {
              return TarBuilder().symlink("a", "b").symlink("b", "a").file("a/x", "").finish();
            },
            "too many links"},
        BadArchive{
            "FileAsFolder",
            [](const std::string&) { return TarBuilder().file("a", "").file("a/x", "").finish(); },
            "is not a folder"},
        BadArchive{"TooManyMembers",
                   [](const std::string&) {
                     TarBuilder tar;
                     for (int i = 0; i < 6; ++i) {
                       tar.file("f" + std::to_string(i), "");
                     }
                     return tar.finish();
                   },
                   "more than 5 members"},
        BadArchive{"TooLarge",
                   [](const std::string&) {
                     return TarBuilder().file("f", std::string(1'000'001, 'x')).finish();
                   },
                   "larger than"},
        BadArchive{
            "ClaimsToBeHuge",
            [](const std::string&) {
              return TarBuilder().add({"f", '0', "", "small", 0644, int64_t{7} << 30}).unfinished();
            },
            "larger than"},
        BadArchive{"CutOffInContent",
                   [](const std::string&) {
                     return TarBuilder().add({"f", '0', "", "small", 0644, 100'000}).unfinished();
                   },
                   "corrupt:"},
        BadArchive{"CutOffInHeader",
                   [](const std::string&) {
                     return TarBuilder().file("f", "x").unfinished().substr(0, 300);
                   },
                   "corrupt:"},
        BadArchive{"CutOffGzip", [](const std::string&) { return truncated_gzip(); }, "corrupt:"},
        BadArchive{"Garbage", [](const std::string&) { return std::string(5000, 'g'); },
                   "corrupt:"},
        BadArchive{"Empty", [](const std::string&) { return std::string(); }, "corrupt:"},
        BadArchive{"WhiteoutOfNothing",
                   [](const std::string&) { return TarBuilder().file("d/.wh.", "").finish(); },
                   "whiteout of nothing"},
        BadArchive{"WhiteoutOfParent",
                   [](const std::string&) { return TarBuilder().file("d/.wh...", "").finish(); },
                   "whiteout of nothing"},
        BadArchive{"LongComponent",
                   [](const std::string&) {
                     return TarBuilder()
                         .add({"././@LongLink", 'L', "", std::string(300, 'n'), 0644, -1})
                         .file("n", "x")
                         .finish();
                   },
                   "name too long"},
        BadArchive{"LongPath",
                   [](const std::string&) {
                     std::string path;
                     for (int i = 0; i < 2100; ++i) {
                       path += "d/";
                     }
                     return TarBuilder()
                         .add({"././@LongLink", 'L', "", path + "f", 0644, -1})
                         .file("n", "x")
                         .finish();
                   },
                   "too long"}),
    [](const auto& param) { return param.param.name; });

TEST_F(UnpackTest, LastBlockNeedNotBeFilled) {
  // As umoci insert leaves it; the digest, which the caller checks, is of the bytes that are there.
  const auto whole = TarBuilder().file("f", "x").unfinished();
  const auto output = unpack(whole.substr(0, 513));
  EXPECT_TRUE(output.status.ok()) << output.err;
  EXPECT_NE(output.out.find("\"sizeBytes\":513"), std::string::npos) << output.out;
}

TEST_F(UnpackTest, AbsoluteNamesAreTakenFromTheTreesRoot) {
  const auto output = unpack(TarBuilder().file(outside_ + "/secret", "inside").finish());
  ASSERT_TRUE(output.status.ok()) << output.err;
  EXPECT_EQ(sys::read_file(target_ + outside_ + "/secret", 100).value(), "inside");
}

TEST_F(UnpackTest, OverlayAttributesOfImagesAreDropped) {
  ASSERT_TRUE(sys::make_directories(scratch_ + "/x/d").ok());
  for (const char* name : {"user.overlay.redirect", "trusted.overlay.redirect", "user.fine"}) {
    ASSERT_EQ(::setxattr((scratch_ + "/x/d").c_str(), name, "/etc", 4, 0), 0);
  }
  must_run({"tar", "--format=posix", "--xattrs", "--xattrs-include=*", "-C", scratch_ + "/x", "-cf",
            scratch_ + "/x.tar", "."});
  ASSERT_TRUE(unpack_file(scratch_ + "/x.tar").status.ok());
  EXPECT_EQ(xattrs_of(target_ + "/d"), "user.fine=/etc;");
}

TEST_F(UnpackTest, RefusesAFolderThatIsNotEmpty) {
  ASSERT_TRUE(sys::write_file(target_ + "/f", "x").ok());
  const auto output = unpack(TarBuilder().file("a", "a").finish());
  EXPECT_NE(output.err.find("is not empty"), std::string::npos) << output.err;
}

}  // namespace
}  // namespace duet::container
