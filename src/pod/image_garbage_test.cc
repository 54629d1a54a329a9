#include "pod/image_garbage.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>

#include "oci/pack.h"
#include "sys/file.h"

namespace duet::pod {
namespace {

class ImageGarbageTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = sys::make_temporary_directory("/tmp", "duet-garbage-").value();
    images_.emplace(oci::ContentStore::open(root_ + "/images").value());
    layers_ = container::LayerStore::open(
                  {.root = root_ + "/layers", .unpacker = "/none", .clock = &clock_})
                  .value();
  }
  void TearDown() override { EXPECT_TRUE(sys::remove_tree(root_).ok()); }

  oci::Image pack(const std::string& name, const std::string& code) {
    const std::string file = root_ + "/module.wasm";
    EXPECT_TRUE(sys::write_file(file, std::string("\0asm\1\0\0\0", 8) + code).ok());
    return oci::pack_module(*images_, file, {.name = name}).value();
  }
  // An unpacked layer that was last asked for `age` ago.
  std::string unpacked(char digit, std::chrono::seconds age) {
    const std::string tree = layers_->tree_of("sha256:" + std::string(64, digit));
    EXPECT_TRUE(sys::make_directories(tree).ok());
    const auto then = (clock_.now() - age).time_since_epoch();
    const timespec time{std::chrono::duration_cast<std::chrono::seconds>(then).count(), 0};
    const timespec times[2] = {time, time};
    EXPECT_EQ(::utimensat(AT_FDCWD, tree.substr(0, tree.rfind('/')).c_str(), times, 0), 0);
    return tree;
  }

  std::string root_;
  sys::ManualClock clock_{sys::WallTime(std::chrono::seconds(1'700'000'000))};
  std::optional<oci::ContentStore> images_;
  std::unique_ptr<container::LayerStore> layers_;
  std::string told_;
};

TEST_F(ImageGarbageTest, RemovesWhatNeitherANameNorAContainerNeeds) {
  const auto kept = pack("test.example/kept:v1", "");
  const auto removed = pack("test.example/removed:v1", std::string("\0\3\1x\0", 5));
  ASSERT_TRUE(images_->remove("test.example/removed:v1").ok());
  const std::string unused = unpacked('a', std::chrono::hours(1));
  const std::string mounted = unpacked('b', std::chrono::hours(1));
  const std::string fresh = unpacked('c', std::chrono::seconds(1));
  const std::string lower = root_ + "/state/pods/uid/containers/uid-main-0/lower";
  ASSERT_TRUE(sys::make_directories(lower).ok());
  ASSERT_EQ(::symlink(mounted.c_str(), (lower + "/0").c_str()), 0);

  ImageGarbage garbage(*images_, layers_.get(), root_ + "/state", clock_,
                       {.report = [this](const std::string& line) { told_ = line; }});
  ASSERT_TRUE(garbage.collect().ok());
  EXPECT_TRUE(images_->resolve("test.example/kept:v1").ok());
  EXPECT_TRUE(images_->has_blob(kept.module_blob.digest));
  EXPECT_FALSE(images_->has_blob(removed.module_blob.digest));
  EXPECT_FALSE(sys::file_exists(unused));
  EXPECT_TRUE(sys::file_exists(mounted)) << "a container stands on it";
  EXPECT_TRUE(sys::file_exists(fresh)) << "somebody is about to use it";
  EXPECT_NE(told_.find("1 unpacked layer"), std::string::npos) << told_;
}

}  // namespace
}  // namespace duet::pod
