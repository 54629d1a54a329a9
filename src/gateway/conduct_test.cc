#include "gateway/conduct.h"

#include <gtest/gtest.h>

namespace duet::gateway {
namespace {

constexpr std::uint64_t kShortNs = 100'000;

Conduct after(int requests, std::uint64_t cpu_ns, bool well, Conduct conduct = {}) {
  for (int i = 0; i < requests; ++i) {
    conduct.note(cpu_ns, well);
  }
  return conduct;
}

TEST(Conduct, AHandlerThatAnswersGoesFirst) {
  EXPECT_FALSE(Conduct().goes_last());
  EXPECT_FALSE(after(10'000, kShortNs, true).goes_last());
}

TEST(Conduct, TheLastRequestTellsWhatTheNextOneComputes) {
  Conduct conduct = after(1, Conduct::kLongNs, true);
  EXPECT_TRUE(conduct.goes_last());
  conduct.note(kShortNs, true);
  EXPECT_FALSE(conduct.goes_last());
}

TEST(Conduct, OneThatIsStoppedGoesLastAlsoAfterAShortRequest) {
  Conduct conduct = after(1, 10 * Conduct::kLongNs, false);
  conduct.note(kShortNs, true);
  EXPECT_TRUE(conduct.goes_last());
}

TEST(Conduct, SoDoesOneThatFailsOftenAndSoon) {
  EXPECT_FALSE(after(10, kShortNs, false).goes_last());
  EXPECT_TRUE(after(1'000, kShortNs, false).goes_last());
}

TEST(Conduct, AFewFailuresAreForgiven) {
  Conduct conduct;
  for (int i = 0; i < 10'000; ++i) {
    conduct.note(kShortNs, i % 10 != 0);
  }
  EXPECT_FALSE(conduct.goes_last());
}

TEST(Conduct, OneThatBehavesAgainGoesFirstAgain) {
  EXPECT_FALSE(after(5'000, kShortNs, true, after(100, 10 * Conduct::kLongNs, false)).goes_last());
}

}  // namespace
}  // namespace duet::gateway
