#include "sys/run_command.h"

#include <gtest/gtest.h>

#include <string>

namespace duet::sys {
namespace {

TEST(Run, CollectsOutputAndExitCode) {
  const auto output = run({.argv = {"sh", "-c", "cat; echo problem >&2; exit 3"}}, "given", 10'000);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->out, "given");
  EXPECT_EQ(output->err, "problem\n");
  EXPECT_EQ(output->status.code, 3);
  EXPECT_EQ(output->status.describe(), "exit code 3");
}

TEST(Run, EndsAChildThatTakesTooLong) {
  const auto output = run({.argv = {"sleep", "1000"}}, "", 20);
  ASSERT_FALSE(output.ok());
  EXPECT_EQ(output.error().code(), ErrorCode::kTimeout);
}

TEST(Run, DropsOutputPastTheLimit) {
  const auto output = run({.argv = {"sh", "-c", "yes | head -c 100000"}}, "", 10'000, 1000);
  ASSERT_TRUE(output.ok());
  EXPECT_EQ(output->out.size(), 1000U);
  EXPECT_TRUE(output->status.ok());
}

TEST(Run, AChildThatClosesItsInputDoesNotEndUs) {
  // More than a pipe holds, so that the writer meets the closed end.
  const auto output =
      run({.argv = {"sh", "-c", "exec <&-; echo done"}}, std::string(1 << 20, 'x'), 10'000);
  ASSERT_TRUE(output.ok()) << output.error().message();
  EXPECT_EQ(output->out, "done\n");
}

}  // namespace
}  // namespace duet::sys
