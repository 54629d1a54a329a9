#include "container/layer_store.h"

#include <atomic>
#include <thread>

#include "container/rootfs.h"
#include "container/test_support.h"

namespace duet::container {
namespace {

class LayerStoreTest : public ScratchTest {
 protected:
  void SetUp() override {
    ScratchTest::SetUp();
    image_ = make_image(1);
  }
  // An image of `count` small layers in <scratch>/layout-<count>.
  oci::Image make_image(int count) {
    const std::string blobs = layout() + "/blobs/sha256";
    EXPECT_TRUE(sys::make_directories(blobs).ok());
    oci::Image image;
    image.name = "example.test/app:1";
    for (int i = 0; i < count; ++i) {
      const auto number = std::to_string(i);
      const auto tar = TarBuilder().file("f" + number, number).file("same", number).finish();
      EXPECT_TRUE(sys::write_file(scratch_ + "/l.tar", tar).ok());
      const auto hex = must_run({"sha256sum", scratch_ + "/l.tar"}).substr(0, 64);
      EXPECT_TRUE(sys::write_file(blobs + "/" + hex, tar).ok());
      image.layers.push_back(
          {{"", "sha256:" + hex, static_cast<int64_t>(tar.size()), {}}, "sha256:" + hex});
    }
    return image;
  }
  std::string layout() const { return scratch_ + "/layout"; }
  std::string root() const { return scratch_ + "/layers"; }
  LayerStore::Options options() {
    return {.root = root(), .unpacker = unpacker_path(), .clock = &clock_};
  }
  std::unique_ptr<LayerStore> open() { return LayerStore::open(options()).value(); }

  sys::ManualClock clock_{sys::WallTime(std::chrono::seconds(1'700'000'000))};
  oci::Image image_;
};

TEST_F(LayerStoreTest, UnpacksOnceAndShares) {
  auto store = open();
  std::atomic<int> opened = 0;
  const auto from_layout = blobs_of_layout(layout());
  const BlobOpener counting = [&](const oci::Descriptor& blob) {
    ++opened;
    return from_layout(blob);
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { EXPECT_TRUE(store->ensure(image_, counting).ok()); });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(opened, 1);
  const auto trees = store->ensure(image_, counting).value();
  EXPECT_EQ(trees, std::vector<std::string>{store->tree_of(image_.layers[0].diff_id)});
  EXPECT_EQ(sys::read_file(trees[0] + "/f0", 10).value(), "0");
  EXPECT_EQ(open()->ensure(image_, counting).value(), trees) << "another process finds it";
  EXPECT_EQ(opened, 1);
}

TEST_F(LayerStoreTest, WrongDiffIdIsCorruptAndLeavesNothing) {
  image_.layers[0].diff_id = "sha256:" + std::string(64, 'a');
  auto store = open();
  const auto trees = store->ensure(image_, blobs_of_layout(layout()));
  EXPECT_EQ(trees.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(trees.error().message().find("example.test/app:1"), std::string::npos);
  EXPECT_TRUE(sys::list_directory(root() + "/sha256").value().empty());
  EXPECT_TRUE(sys::list_directory(root() + "/tmp").value().empty());
}

TEST_F(LayerStoreTest, BadLayersKeepTheirErrorCode) {
  const std::string blob = layout() + "/blobs/sha256/" + image_.layers[0].blob.digest.substr(7);
  ASSERT_TRUE(sys::write_file(blob, "garbage").ok());
  auto store = open();
  EXPECT_EQ(store->ensure(image_, blobs_of_layout(layout())).error().code(), ErrorCode::kCorrupt);
  auto options = this->options();
  options.limits.size_bytes = 600;
  ASSERT_TRUE(sys::write_file(blob, TarBuilder().file("a", "a").finish()).ok());
  EXPECT_EQ(
      LayerStore::open(options).value()->ensure(image_, blobs_of_layout(layout())).error().code(),
      ErrorCode::kExhausted);
  ASSERT_EQ(::unlink(blob.c_str()), 0);
  EXPECT_EQ(store->ensure(image_, blobs_of_layout(layout())).error().code(), ErrorCode::kNotFound);
  image_.layers[0].diff_id = "sha256:../../../etc";
  EXPECT_EQ(store->ensure(image_, blobs_of_layout(layout())).error().code(), ErrorCode::kInvalid);
  options.unpacker = scratch_ + "/missing";
  EXPECT_FALSE(
      LayerStore::open(options).value()->ensure(make_image(1), blobs_of_layout(layout())).ok());
}

TEST_F(LayerStoreTest, AnUnpackerThatHangsIsEnded) {
  ASSERT_TRUE(
      sys::write_file(scratch_ + "/hangs", "#!/bin/sh\nexec cat /dev/zero >/dev/null\n", 0755)
          .ok());
  auto options = this->options();
  options.unpacker = scratch_ + "/hangs";
  options.limits.timeout_ms = 100;
  const auto trees = LayerStore::open(options).value()->ensure(image_, blobs_of_layout(layout()));
  EXPECT_EQ(trees.error().code(), ErrorCode::kTimeout);
}

TEST_F(LayerStoreTest, CrashLeftoversAreCleaned) {
  ASSERT_TRUE(sys::make_directories(root() + "/tmp/unpack-crashed/fs/d").ok());
  open();
  EXPECT_TRUE(sys::list_directory(root() + "/tmp").value().empty());
}

TEST_F(LayerStoreTest, GarbageIsWhatNobodyKeepsOrLatelyUsed) {
  auto store = open();
  const auto image = make_image(3);
  ASSERT_TRUE(store->ensure(image, blobs_of_layout(layout())).ok());
  EXPECT_EQ(store->collect_garbage({}, 1000).value(), 0) << "used just now";
  clock_.advance(std::chrono::seconds(10));
  ASSERT_TRUE(store->ensure(image_, blobs_of_layout(layout())).ok());  // the first layer alone
  EXPECT_EQ(store->collect_garbage({image.layers[1].diff_id}, 5000).value(), 1);
  EXPECT_TRUE(sys::file_exists(store->tree_of(image.layers[0].diff_id)));
  EXPECT_TRUE(sys::file_exists(store->tree_of(image.layers[1].diff_id)));
  EXPECT_FALSE(sys::file_exists(store->tree_of(image.layers[2].diff_id)));
}

class RootfsTest : public LayerStoreTest {
 protected:
  void TearDown() override {
    EXPECT_TRUE(remove_rootfs(container()).ok());
    LayerStoreTest::TearDown();
  }
  std::string container() const { return scratch_ + "/a,b:c/container"; }
};

TEST_F(RootfsTest, UpperLayersWinAndWritesStayAbove) {
  auto store = open();
  const auto layers = store->ensure(make_image(3), blobs_of_layout(layout())).value();
  ASSERT_EQ(::chmod(layers[2].c_str(), 0711), 0);
  const auto root = mount_rootfs({container(), layers});
  ASSERT_TRUE(root.ok()) << root.error().message();
  EXPECT_EQ(*root, rootfs_path(container()));
  EXPECT_EQ(sys::read_file(*root + "/same", 10).value(), "2");
  EXPECT_EQ(sys::read_file(*root + "/f0", 10).value(), "0");
  struct stat info{};
  ASSERT_EQ(::stat(root->c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0711U);
  ASSERT_TRUE(sys::write_file(*root + "/same", "written").ok());
  EXPECT_EQ(sys::read_file(layers[2] + "/same", 10).value(), "2");
  // The agent was restarted: what was written is still there.
  EXPECT_EQ(mount_rootfs({container(), layers}).value(), *root);
  EXPECT_EQ(sys::read_file(*root + "/same", 10).value(), "written");
  // The machine was restarted: the container begins anew.
  ASSERT_TRUE(sys::unmount(*root).ok());
  ASSERT_TRUE(mount_rootfs({container(), layers}).ok());
  EXPECT_EQ(sys::read_file(*root + "/same", 10).value(), "2");
  EXPECT_TRUE(remove_rootfs(container()).ok());
  EXPECT_TRUE(sys::list_directory(container()).value().empty());
}

TEST_F(RootfsTest, TakesManyLayersAndNone) {
  auto store = open();
  const auto few = store->ensure(make_image(5), blobs_of_layout(layout())).value();
  std::vector<std::string> layers;
  for (int i = 0; i < 200; ++i) {
    const std::string copy = scratch_ + "/" + std::string(60, 'x') + std::to_string(i);
    ASSERT_TRUE(sys::make_directories(copy).ok());
    ASSERT_TRUE(sys::write_file(copy + "/n" + std::to_string(i), "x").ok());
    layers.push_back(copy);
  }
  layers.insert(layers.end(), few.begin(), few.end());
  const auto root = mount_rootfs({container(), layers});
  ASSERT_TRUE(root.ok()) << root.error().message();
  EXPECT_EQ(sys::list_directory(*root).value().size(), 200U + 6U);
  ASSERT_TRUE(remove_rootfs(container()).ok());

  const auto empty = mount_rootfs({container(), {}});
  ASSERT_TRUE(empty.ok()) << empty.error().message();
  EXPECT_TRUE(sys::list_directory(*empty).value().empty());
  EXPECT_EQ(mount_rootfs({scratch_ + "/other", std::vector<std::string>(501, "/")}).error().code(),
            ErrorCode::kExhausted);
}

TEST_F(RootfsTest, MissingLayerIsAnErrorThatLeavesNothing) {
  const auto root = mount_rootfs({container(), {scratch_ + "/missing"}});
  EXPECT_FALSE(root.ok());
}

}  // namespace
}  // namespace duet::container
