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
      [this](const ImageRequest&, ImageSource,
             const std::stop_token&) -> Result<std::optional<ReadyImage>> {
        ++calls_;
        return std::optional(ReadyImage{.kind = WorkloadKind::kProgram});
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

TEST_F(ImagesTest, ANameThatMovedIsLookedUpAgain) {
  std::atomic<int> revision{1};
  auto images = Images::start(
      [this](const ImageRequest&, ImageSource,
             const std::stop_token&) -> Result<std::optional<ReadyImage>> {
        ++calls_;
        return std::optional(ReadyImage{.kind = WorkloadKind::kProgram});
      },
      clock_, {.revision = [&revision] { return std::to_string(revision); }});
  const ImageRequest request{"a:1", "IfNotPresent"};
  ASSERT_TRUE(settle(*images, request).ready);
  images->refresh(request);
  ASSERT_TRUE(images->ensure(request, [] {}).ready);
  EXPECT_EQ(calls_, 1);
  revision = 2;
  images->refresh(request);
  ASSERT_TRUE(settle(*images, request).ready);
  EXPECT_EQ(calls_, 2);
}

TEST_F(ImagesTest, ARegistryThatHangsHoldsUpNothingThatIsHere) {
  std::promise<void> answered;
  auto answer = answered.get_future().share();
  auto images = Images::start(
      [answer](const ImageRequest& request, ImageSource source,
               const std::stop_token&) -> Result<std::optional<ReadyImage>> {
        const bool here = request.reference.starts_with("here");
        if (!here && source == ImageSource::kStore) {
          return std::optional<ReadyImage>();
        }
        if (!here) {
          answer.wait();
        }
        return std::optional(ReadyImage{.kind = WorkloadKind::kProgram});
      },
      clock_, {.worker_limit = 1, .pull_limit = 1});
  std::promise<void> pulled;
  (void)images->ensure({"far:1", "Always"}, [&pulled] { pulled.set_value(); });
  (void)images->ensure({"far:2", "Always"}, [] {});
  EXPECT_TRUE(settle(*images, {"here:1", "IfNotPresent"}).ready);
  answered.set_value();
  pulled.get_future().wait();
  EXPECT_TRUE(images->find({"far:1", "Always"})->ready);
}

TEST_F(ImagesTest, TheEndDoesNotWaitForARegistry) {
  std::promise<void> began;
  auto images = Images::start(
      [&began](const ImageRequest&, ImageSource,
               const std::stop_token& stop) -> Result<std::optional<ReadyImage>> {
        std::promise<void> stopped;
        const std::stop_callback on_stop(stop, [&stopped] { stopped.set_value(); });
        began.set_value();
        stopped.get_future().wait();
        return Error(ErrorCode::kUnavailable, "stopped");
      },
      clock_);
  (void)images->ensure({"far:1", "Always"}, [] {});
  began.get_future().wait();
  images.reset();
}

TEST_F(ImagesTest, FailuresBackOffAndAreNamed) {
  auto images = Images::start(
      [this](const ImageRequest&, ImageSource,
             const std::stop_token&) -> Result<std::optional<ReadyImage>> {
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
  EXPECT_EQ(image_wait_of({"a", "Always"}, invalid("image a, layer b: \"../x\"")).reason,
            "ErrImagePull");
  EXPECT_EQ(image_wait_of({"a", "Always"}, Error(ErrorCode::kCorrupt, "digest")).reason,
            "ErrImagePull");
}

}  // namespace
}  // namespace duet::pod
