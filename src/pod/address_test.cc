#include "pod/address.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace duet::pod {
namespace {

TEST(PodAddress, AKnownOneIsHere) {
  EXPECT_TRUE(PodAddress().here());
  EXPECT_EQ(PodAddress().get().value(), "");
  const PodAddress address("10.88.0.5");
  EXPECT_TRUE(address.here());
  EXPECT_EQ(address.get().value(), "10.88.0.5");
}

TEST(PodAddress, OneThatIsComingIsWaitedFor) {
  std::promise<std::string> plugins;
  const PodAddress address =
      PodAddress::coming([&]() -> Result<std::string> { return plugins.get_future().get(); });
  EXPECT_FALSE(address.here());
  plugins.set_value("10.88.0.6");
  EXPECT_EQ(address.get().value(), "10.88.0.6");
  EXPECT_TRUE(address.here());
}

TEST(PodAddress, SaysWhyThereIsNone) {
  const PodAddress address = PodAddress::coming(
      []() -> Result<std::string> { return Error(ErrorCode::kUnavailable, "no address is free"); });
  EXPECT_EQ(address.get().error().message(), "no address is free");
}

TEST(PodAddress, TheLastCopyWaitsForTheThread) {
  std::promise<void> plugins;
  std::atomic<bool> over = false;
  std::thread opener;
  {
    const PodAddress copy = PodAddress::coming([&]() -> Result<std::string> {
      plugins.get_future().wait();
      over = true;
      return std::string("10.88.0.7");
    });
    opener = std::thread([&] { plugins.set_value(); });
  }
  EXPECT_TRUE(over);
  opener.join();
}

}  // namespace
}  // namespace duet::pod
