#include "pod/hooks.h"

#include <gtest/gtest.h>

#include <future>

namespace duet::pod {
namespace {

TEST(Hooks, RunBesideEachOtherAndOnce) {
  std::promise<void> first_may_end;
  std::promise<void> second_ended;
  std::promise<void> first_ended;
  int calls = 0;
  auto hooks = Hooks::start();  // its end waits for the hooks, which use what stands above
  hooks->begin(
      "first",
      [&]() -> Status {
        ++calls;
        first_may_end.get_future().wait();
        return Error(ErrorCode::kUnavailable, "exit code 1");
      },
      [&] { first_ended.set_value(); });
  hooks->begin("second", [] { return Status(); }, [&] { second_ended.set_value(); });
  second_ended.get_future().wait();  // for ever, if it waited for the first
  EXPECT_TRUE(hooks->ended("second")->ok());
  EXPECT_TRUE(hooks->knows("first"));
  EXPECT_FALSE(hooks->ended("first"));
  hooks->begin("first", [&]() -> Status { return ++calls, Status(); }, [] {});
  first_may_end.set_value();
  first_ended.get_future().wait();
  EXPECT_EQ(hooks->ended("first")->error().message(), "exit code 1");
  EXPECT_EQ(calls, 1);
  hooks->forget("first");
  EXPECT_FALSE(hooks->knows("first"));
}

TEST(Hooks, AreBounded) {
  std::promise<void> may_end;
  auto hooks = Hooks::start({.running_limit = 1});
  hooks->begin("one", [&]() -> Status { return may_end.get_future().wait(), Status(); }, [] {});
  hooks->begin("two", [] { return Status(); }, [] {});
  EXPECT_EQ(hooks->ended("two")->error().code(), ErrorCode::kExhausted);
  may_end.set_value();
}

}  // namespace
}  // namespace duet::pod
