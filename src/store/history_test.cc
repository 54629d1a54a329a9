#include "store/history.h"

#include <gtest/gtest.h>

#include <thread>

namespace duet::store {
namespace {

using object::Kind;

constexpr int64_t kWait = 10'000;

std::vector<std::shared_ptr<const WatchEvent>> one(Kind kind, int64_t version, size_t size = 10) {
  return {std::make_shared<const WatchEvent>(WatchEvent{
      EventType::kModified, {{kind, "default", "x"}, "u", version, std::string(size, 'x')}})};
}

TEST(HistoryTest, ASlowWatchIsToldThatItFellBehind) {
  const auto history = std::make_shared<History>(3, 1 << 20, 100);
  auto pods = history->watch({Kind::kPod}, 0).value();
  auto both = history->watch({Kind::kPod, Kind::kSecret}, 100).value();
  history->publish(one(Kind::kPod, 101));
  for (int64_t version = 102; version < 105; ++version) {
    history->publish(one(Kind::kSecret, version));
  }
  EXPECT_EQ(pods->next(0).error().code(), ErrorCode::kExhausted);
  EXPECT_EQ(both->next(0).error().code(), ErrorCode::kExhausted);
  EXPECT_EQ(history->watch({Kind::kPod}, 100).error().code(), ErrorCode::kExhausted);
  EXPECT_TRUE(history->watch({Kind::kPod}, 101).ok());
}

TEST(HistoryTest, AChattyKindDoesNotPushOutTheWatchesOfAQuietOne) {
  const auto history = std::make_shared<History>(3, 1 << 20, 100);
  auto pods = history->watch({Kind::kPod}, 100).value();
  for (int64_t version = 101; version < 120; ++version) {
    history->publish(one(Kind::kEvent, version));
  }
  history->publish(one(Kind::kPod, 120));
  EXPECT_EQ(pods->next(0).value()->object.resource_version, 120);
  EXPECT_TRUE(history->watch({Kind::kPod}, 101).ok());
}

TEST(HistoryTest, BytesAreBoundedAndTheNewestStays) {
  const auto history = std::make_shared<History>(1000, 4000, 0);
  auto late = history->watch({Kind::kPod}, 0).value();
  for (int64_t version = 1; version <= 10; ++version) {
    history->publish(one(Kind::kPod, version, 1000));
  }
  EXPECT_EQ(late->next(0).error().code(), ErrorCode::kExhausted);
  EXPECT_TRUE(history->watch({Kind::kPod}, 8).ok());
  auto fresh = history->watch({Kind::kPod}, 10).value();
  history->publish(one(Kind::kPod, 11, 100'000));
  EXPECT_EQ(fresh->next(0).value()->object.resource_version, 11);
}

TEST(HistoryTest, CancelAndCloseWakeTheReader) {
  const auto history = std::make_shared<History>(10, 1 << 20, 0);
  auto cancelled = history->watch({Kind::kPod}, 0).value();
  auto closed = history->watch({Kind::kPod}, 0).value();
  std::thread one_reader([&] { EXPECT_EQ(cancelled->next(600'000).value(), std::nullopt); });
  std::thread other_reader([&] { EXPECT_EQ(closed->next(600'000).value(), std::nullopt); });
  cancelled->cancel();
  one_reader.join();
  history->close();
  other_reader.join();
  EXPECT_EQ(closed->next(kWait).value(), std::nullopt);
}

TEST(HistoryTest, ReadersOnOtherThreadsMissNothing) {
  const auto history = std::make_shared<History>(100'000, 64 << 20, 0);
  constexpr int64_t kEvents = 2000;
  auto watch = history->watch({Kind::kPod}, 0).value();
  std::thread reader([&] {
    for (int64_t version = 2; version <= kEvents; version += 2) {
      const auto event = watch->next(kWait);
      ASSERT_TRUE(event.ok() && event->has_value());
      ASSERT_EQ((*event)->object.resource_version, version);
    }
  });
  for (int64_t version = 1; version <= kEvents; ++version) {
    history->publish(one(version % 2 == 0 ? Kind::kPod : Kind::kEvent, version));
  }
  reader.join();
}

}  // namespace
}  // namespace duet::store
