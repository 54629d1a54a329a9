#include "node/node_images.h"

#include <gtest/gtest.h>

#include <string>

#include "sys/file.h"

namespace duet::node {
namespace {

const std::string kDigestA = "sha256:" + std::string(64, 'a');
const std::string kDigestB = "sha256:" + std::string(64, 'b');

oci::ImageSummary summary(const std::string& name, const std::string& digest, int64_t size_bytes) {
  oci::ImageSummary summary;
  summary.name = name;
  summary.target_digest = digest;
  summary.size_bytes = size_bytes;
  return summary;
}

TEST(NodeImages, NamesOfOneImageStandTogetherAndTheLargestComesFirst) {
  const auto images = to_node_images({summary("a.test/app:v1", kDigestA, 10),
                                      summary("a.test/app:v2", kDigestA, 10),
                                      summary("b.test/big:v1", kDigestB, 20)});
  ASSERT_EQ(images.size(), 2U);
  EXPECT_EQ(images[0].names, (std::vector<std::string>{"b.test/big@" + kDigestB, "b.test/big:v1"}));
  EXPECT_EQ(images[0].size_bytes, 20);
  EXPECT_EQ(images[1].names,
            (std::vector<std::string>{"a.test/app@" + kDigestA, "a.test/app:v1", "a.test/app:v2"}));
}

TEST(NodeImages, LeavesOutWhatCannotRunAndWhatIsTooMuch) {
  std::vector<oci::ImageSummary> all;
  for (std::size_t i = 0; i < kNodeImageLimit + 10; ++i) {
    const std::string digits = std::to_string(1000 + i);
    all.push_back(
        summary("a.test/app:v" + digits, "sha256:" + std::string(60, 'c') + digits, 1000));
  }
  for (std::size_t i = 0; i < kImageNameLimit + 10; ++i) {
    all.push_back(summary("a.test/many:v" + std::to_string(i), kDigestA, 5000));
  }
  all.push_back(summary("a.test/broken:v1", kDigestB, 9000));
  all.back().problem = "a layer is missing";
  const auto images = to_node_images(all);
  ASSERT_EQ(images.size(), kNodeImageLimit);
  EXPECT_EQ(images[0].names.size(), kImageNameLimit);
  EXPECT_EQ(images[0].size_bytes, 5000);
}

TEST(NodeImages, SeesWhatComesIntoTheStore) {
  const std::string path = *sys::make_temporary_directory(testing::TempDir(), "images-");
  auto content = oci::ContentStore::open(path);
  ASSERT_TRUE(content.ok()) << content.error().message();
  const auto images = node_images(*content);
  EXPECT_TRUE(images().empty());
  const auto config = content->put_blob("application/vnd.wasm.config.v0+json", "{}");
  ASSERT_TRUE(config.ok());
  const std::string manifest =
      R"({"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",)"
      R"("config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":")" +
      config->digest + R"(","size":2},"layers":[]})";
  auto target = content->put_blob("application/vnd.oci.image.manifest.v1+json", manifest);
  ASSERT_TRUE(target.ok());
  ASSERT_TRUE(content->set_name("a.test/app:v1", *target).ok());
  const auto found = images();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].names.back(), "a.test/app:v1");
  EXPECT_TRUE(sys::remove_tree(path).ok());
}

}  // namespace
}  // namespace duet::node
