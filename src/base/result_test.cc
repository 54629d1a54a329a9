#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace duet {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) {
    return invalid("odd");
  }
  return value / 2;
}

Result<int> quarter(int value) {
  DUET_ASSIGN(const int h, half(value));
  return half(h);
}

TEST(Result, CarriesAValueThroughAssign) { EXPECT_EQ(*quarter(8), 2); }

TEST(Result, CarriesTheErrorOut) {
  auto result = quarter(6);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error(), invalid("odd"));
}

TEST(Error, WrapPutsContextFirst) {
  EXPECT_EQ(not_found("no such image").wrap("pod web").message(), "pod web: no such image");
  EXPECT_EQ(not_found("x").wrap("y").code(), ErrorCode::kNotFound);
}

TEST(Error, ErrnoSetsTheCode) {
  EXPECT_EQ(Error::from_errno("open f", ENOENT).code(), ErrorCode::kNotFound);
  EXPECT_EQ(Error::from_errno("open f", ENOENT).message(), "open f: No such file or directory");
}

}  // namespace
}  // namespace duet
