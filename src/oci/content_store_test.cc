#include "oci/content_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "oci/digest.h"
#include "oci/fixture_test.h"
#include "oci/lock_file.h"
#include "oci/manifest.h"
#include "oci/pack.h"
#include "sys/file.h"

namespace duet::oci {
namespace {

class StoreTest : public ::testing::Test {
 protected:
  std::string blob_path(const Digest& digest) const {
    return store_.path() + "/blobs/sha256/" + std::string(digest_hex(digest));
  }
  Image must_store(const std::string& name, const std::string& layer_content) {
    auto image = store_image(store_, name, {make_tar({{"f", layer_content}})}, "{}");
    EXPECT_TRUE(image.ok()) << image.error().message();
    return std::move(image).value();
  }

  TemporaryFolder folder_;
  ContentStore store_ = open_store(folder_ / "images");
};

TEST_F(StoreTest, OpensAgainAndRefusesForeignFolders) {
  EXPECT_TRUE(ContentStore::open(folder_ / "images").ok());
  ASSERT_TRUE(sys::make_directories(folder_ / "home").ok());
  ASSERT_TRUE(sys::write_file(folder_ / "home/letter", "dear").ok());
  const auto refused = ContentStore::open(folder_ / "home");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalid);
  EXPECT_EQ(sys::read_file(folder_ / "home/letter", 10).value_or(""), "dear");
  EXPECT_FALSE(ContentStore::open(folder_ / "home/letter").ok());
}

TEST_F(StoreTest, ItsRevisionTellsThatANameMoved) {
  must_store("a", "one");
  const std::string before = store_.revision();
  EXPECT_EQ(store_.revision(), before);
  must_store("a", "two");
  const std::string moved = store_.revision();
  EXPECT_NE(moved, before);
  ASSERT_TRUE(store_.remove("a").ok());
  EXPECT_NE(store_.revision(), moved);
}

TEST_F(StoreTest, SkopeoAndUmociReadIt) {
  make_container_layout(folder_ / "layout");
  const auto images = import_images(store_, folder_ / "layout",
                                    {.name = "example.org/app:v1", .helper = built_helper()});
  ASSERT_TRUE(images.ok()) << images.error().message();
  const std::string where = store_.path() + ":example.org/app:v1";
  EXPECT_NE(must_run({"skopeo", "inspect", "oci:" + where}).find("\"A=b\""), std::string::npos);
  EXPECT_NE(must_run({"umoci", "stat", "--image", where, "--json"}).find("\"history\""),
            std::string::npos);
  must_run({"skopeo", "copy", "oci:" + where, "oci-archive:" + (folder_ / "out.tar")});
}

TEST_F(StoreTest, ResolveTellsWhatTheImageIs) {
  make_container_layout(folder_ / "layout");
  ASSERT_TRUE(
      import_images(store_, folder_ / "layout", {.name = "app", .helper = built_helper()}).ok());
  const auto image = store_.resolve("app");
  ASSERT_TRUE(image.ok()) << image.error().message();
  EXPECT_EQ(image->name, "docker.io/library/app:latest");
  EXPECT_EQ(image->kind, ImageKind::kContainer);
  EXPECT_EQ(image->config.entrypoint, std::vector<std::string>{"/bin/busybox"});
  EXPECT_EQ(image->config.cmd, std::vector<std::string>{"sh"});
  EXPECT_EQ(image->config.user, "7:8");
  EXPECT_EQ(image->config.working_dir, "/etc");
  EXPECT_EQ(image->config.exposed_ports, std::vector<std::string>{"80/tcp"});
  ASSERT_EQ(image->layers.size(), 2U);
  EXPECT_TRUE(store_.open_blob(image->layers[0].blob).ok());
  EXPECT_EQ(store_.resolve("other").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(store_.resolve("OTHER").error().code(), ErrorCode::kInvalid);
  EXPECT_EQ(store_.resolve("app", Wanted::kWasm).error().code(), ErrorCode::kUnsupported);
  const auto pinned = store_.resolve("app@" + image->target_digest);
  ASSERT_TRUE(pinned.ok());
  EXPECT_EQ(pinned->manifest_digest, image->manifest_digest);
}

TEST_F(StoreTest, BlobsAreCheckedOnTheWayIn) {
  auto pipe_text = [&](const std::string& text) {
    EXPECT_TRUE(sys::write_file(folder_ / "in", text).ok());
    return std::move(sys::open_file(folder_ / "in", O_RDONLY)).value();
  };
  const Descriptor blob{"t", digest_of("right"), 5, {}};
  EXPECT_EQ(store_.put_blob_from(blob, pipe_text("wrong").get()).error().code(),
            ErrorCode::kCorrupt);
  const auto truncated = store_.put_blob_from(blob, pipe_text("rig").get());
  EXPECT_NE(truncated.error().message().find("truncated: 3 of 5"), std::string::npos);
  EXPECT_EQ(store_.put_blob_from(blob, pipe_text("right!").get()).error().code(),
            ErrorCode::kCorrupt);
  EXPECT_FALSE(store_.has_blob(blob.digest));
  EXPECT_TRUE(store_.put_blob_from(blob, pipe_text("right").get()).ok());
  EXPECT_EQ(store_.read_blob(blob, 100).value_or(""), "right");
  EXPECT_EQ(store_.read_blob(blob, 4).error().code(), ErrorCode::kExhausted);
}

TEST_F(StoreTest, ADamagedBlobIsFoundAndHealsByStoringItAgain) {
  const Image image = must_store("app", "one");
  const Descriptor& layer = image.layers[0].blob;
  const std::string good = sys::read_file(blob_path(layer.digest), 1 << 20).value_or("");
  std::string bad = good;
  bad[600] ^= 1;
  ASSERT_TRUE(sys::write_file(blob_path(layer.digest), bad).ok());
  EXPECT_EQ(store_.open_blob(layer).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(store_.resolve("app").error().code(), ErrorCode::kNotFound);
  EXPECT_NE(store_.list()->at(0).problem, "");
  ASSERT_TRUE(store_.put_blob(layer.media_type, good).ok());
  EXPECT_TRUE(store_.resolve("app").ok());
  EXPECT_TRUE(store_.open_blob(layer).ok());
}

TEST_F(StoreTest, ATruncatedBlobIsMissing) {
  const Image image = must_store("app", "one");
  ASSERT_EQ(::truncate(blob_path(image.layers[0].blob.digest).c_str(), 100), 0);
  EXPECT_EQ(store_.resolve("app").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(store_.open_blob(image.layers[0].blob).error().code(), ErrorCode::kCorrupt);
}

TEST_F(StoreTest, ListRemoveAndTag) {
  must_store("b", "1");
  must_store("a", "2");
  ASSERT_TRUE(store_.tag("a", "c:v2").ok());
  auto listed = store_.list();
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 3U);
  EXPECT_EQ(listed->at(0).name, "docker.io/library/a:latest");
  EXPECT_EQ(listed->at(2).name, "docker.io/library/c:v2");
  EXPECT_EQ(listed->at(2).manifest_digest, listed->at(0).manifest_digest);
  EXPECT_TRUE(store_.remove("a").ok());
  EXPECT_EQ(store_.remove("a").error().code(), ErrorCode::kNotFound);
  EXPECT_TRUE(store_.resolve("c:v2").ok());
  EXPECT_EQ(store_.tag("a", "d").error().code(), ErrorCode::kNotFound);
}

TEST_F(StoreTest, GarbageIsWhatNobodyNeeds) {
  const Image kept = must_store("kept", "1");
  const Image running = must_store("running", "2");
  const Image gone = must_store("gone", "3");
  ASSERT_TRUE(store_.remove("running").ok());
  ASSERT_TRUE(store_.remove("gone").ok());
  const auto report = store_.collect_garbage({running.manifest_digest}, sys::WallTime());
  ASSERT_TRUE(report.ok()) << report.error().message();
  EXPECT_EQ(report->blobs_removed, 3);
  EXPECT_GT(report->bytes_removed, 0);
  EXPECT_FALSE(store_.has_blob(gone.layers[0].blob.digest));
  EXPECT_TRUE(store_.has_blob(running.layers[0].blob.digest));
  EXPECT_TRUE(store_.has_blob(running.config_blob.digest));
  EXPECT_TRUE(store_.resolve("kept").ok());
  EXPECT_EQ(store_.collect_garbage({}, sys::WallTime())->blobs_removed, 3);
  EXPECT_TRUE(store_.open_blob(kept.layers[0].blob).ok());
}

TEST_F(StoreTest, GarbageCollectionWaitsForWriters) {
  auto writing = store_.begin_writing();
  ASSERT_TRUE(writing.ok());
  const auto lock = try_lock_file(store_.path() + "/gc.lock", LockMode::kExclusive);
  ASSERT_TRUE(lock.ok());
  EXPECT_FALSE(lock->valid());
}

TEST_F(StoreTest, ManyWritersAtOnceLoseNothing) {
  constexpr int kThreads = 4;
  constexpr int kEach = 10;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      auto mine = open_store(store_.path());
      for (int i = 0; i < kEach; ++i) {
        const std::string name = "w" + std::to_string(t) + "-" + std::to_string(i);
        EXPECT_TRUE(store_image(mine, name, {make_tar({{"f", name}})}, "{}").ok());
        EXPECT_TRUE(mine.collect_garbage({}, sys::WallTime()).ok());
      }
    });
  }
  for (auto& thread : threads) {
    thread.join();
  }
  const auto listed = store_.list();
  ASSERT_EQ(listed->size(), static_cast<size_t>(kThreads * kEach));
  for (const auto& summary : *listed) {
    EXPECT_EQ(summary.problem, "") << summary.name;
  }
}

TEST_F(StoreTest, ABrokenIndexIsReportedAndLeftAlone) {
  must_store("app", "1");
  ASSERT_TRUE(sys::write_file(store_.path() + "/index.json", "{broken").ok());
  EXPECT_EQ(store_.resolve("app").error().code(), ErrorCode::kCorrupt);
  EXPECT_FALSE(store_.remove("app").ok());
  EXPECT_FALSE(store_.collect_garbage({}, sys::WallTime()).ok());
  EXPECT_EQ(sys::read_file(store_.path() + "/index.json", 100).value_or(""), "{broken");
}

TEST_F(StoreTest, OneNameForLinuxAndWasm) {
  const Image linux_image = must_store("linux", "1");
  ASSERT_TRUE(sys::write_file(folder_ / "m.wasm", core_module()).ok());
  const auto wasm = pack_module(store_, folder_ / "m.wasm", {.name = "wasm"});
  ASSERT_TRUE(wasm.ok());
  const auto entry = [&](const Image& image, const Platform& platform) {
    const std::string text = sys::read_file(blob_path(image.manifest_digest), 1 << 20).value_or("");
    return IndexEntry{.descriptor = {std::string(kOciManifest),
                                     image.manifest_digest,
                                     static_cast<int64_t>(text.size()),
                                     {}},
                      .platform = platform};
  };
  const Index index{{entry(linux_image, host_platform()), entry(*wasm, {"wasip1", "wasm", ""})}};
  const auto target = store_.put_blob(std::string(kOciIndex), index_json(index));
  ASSERT_TRUE(target.ok());
  ASSERT_TRUE(store_.set_name("both", *target).ok());
  EXPECT_EQ(store_.resolve("both")->kind, ImageKind::kContainer);
  EXPECT_EQ(store_.resolve("both")->target_digest, target->digest);
  EXPECT_EQ(store_.resolve("both", Wanted::kWasm)->kind, ImageKind::kWasm);
}

}  // namespace
}  // namespace duet::oci
