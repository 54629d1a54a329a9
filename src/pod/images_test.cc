#include "pod/images.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace duet::pod {
namespace {

class ImagesTest : public testing::Test {
 protected:
  // Asks and waits until the image's state has changed.
  ImageState settle(Images& images, const ImageRequest& request) {
    auto changed = std::make_shared<std::promise<void>>();
    const auto state = images.ensure(request, [changed] { changed->set_value(); });
    if (state.ready || !state.wait.message.empty()) {
      return state;
    }
    changed->get_future().wait();
    return images.find(request).value();
  }

  sys::ManualClock clock_{sys::WallTime{}};
  std::atomic<int> calls_{0};
};

TEST_F(ImagesTest, AnImageIsPreparedOnce) {
  auto images = Images::start(
      [this](const ImageRequest&) -> Result<ReadyImage> {
        ++calls_;
        return ReadyImage{.kind = WorkloadKind::kProgram};
      },
      clock_);
  const ImageRequest request{"a:1", "IfNotPresent"};
  ASSERT_TRUE(settle(*images, request).ready);
  EXPECT_TRUE(images->ensure(request, [] {}).ready);
  EXPECT_EQ(calls_, 1);
  images->forget(request);
  ASSERT_TRUE(settle(*images, request).ready);
  EXPECT_EQ(calls_, 2);
}

TEST_F(ImagesTest, FailuresBackOffAndAreNamed) {
  auto images = Images::start(
      [this](const ImageRequest&) -> Result<ReadyImage> {
        ++calls_;
        return Error(ErrorCode::kUnavailable, "connection refused");
      },
      clock_);
  const ImageRequest request{"a:1", "IfNotPresent"};
  EXPECT_EQ(settle(*images, request).wait.reason, "ErrImagePull");
  EXPECT_EQ(images->ensure(request, [] {}).wait.reason, "ErrImagePull");
  EXPECT_EQ(calls_, 1) << "its back-off is not over";
  clock_.advance(std::chrono::seconds(10));
  auto changed = std::make_shared<std::promise<void>>();
  (void)images->ensure(request, [changed] { changed->set_value(); });
  changed->get_future().wait();
  const auto state = images->find(request).value();
  EXPECT_EQ(state.wait.reason, "ImagePullBackOff");
  EXPECT_NE(state.wait.message.find("connection refused"), std::string::npos);
  EXPECT_EQ(calls_, 2);
}

TEST(ImageWaitOf, SpeaksKubernetes) {
  const ImageRequest never{"a:1", "Never"};
  EXPECT_EQ(image_wait_of(never, not_found("x")).reason, "ErrImageNeverPull");
  EXPECT_EQ(image_wait_of({"A", "Always"}, invalid("upper case")).reason, "InvalidImageName");
  EXPECT_EQ(image_wait_of({"a", "Always"}, invalid("module of image a: no import")).reason,
            "CreateContainerError");
  EXPECT_EQ(image_wait_of({"a", "Always"}, Error(ErrorCode::kCorrupt, "digest")).reason,
            "ErrImagePull");
}

}  // namespace
}  // namespace duet::pod
