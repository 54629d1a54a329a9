#include "engine/compiler/compile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace duet::engine {
namespace {

using ::testing::HasSubstr;
using namespace std::string_view_literals;

// (module (func (export "_start")))
constexpr std::string_view kSmallest =
    "\0asm\1\0\0\0"
    "\1\4\1\x60\0\0"
    "\3\2\1\0"
    "\7\x0a\1\6_start\0\0"
    "\x0a\4\1\2\0\x0b"sv;

TEST(Compile, SmallestProgram) {
  ASSERT_EQ(inspect(kSmallest).value(), Kind::kModuleProgram);
  const auto code = CompiledCode::compile(kSmallest);
  ASSERT_TRUE(code.ok()) << code.error().message();
  EXPECT_EQ(code->kind(), Kind::kModuleProgram);
  EXPECT_EQ(code->image().substr(0, 4),
            "\x7f"
            "ELF");
  const auto footer = parse_code_footer(code->footer(), code->image().size() + kCodeFooterBytes);
  ASSERT_TRUE(footer.ok()) << footer.error().message();
  EXPECT_EQ(footer->kind, Kind::kModuleProgram);
  EXPECT_EQ(footer->compatibility_key, compiler_compatibility_key(Kind::kModuleProgram));
}

TEST(Compile, EveryTruncationIsRefused) {
  for (std::size_t size = 0; size < kSmallest.size(); ++size) {
    EXPECT_FALSE(CompiledCode::compile(kSmallest.substr(0, size)).ok()) << size;
  }
}

TEST(Compile, ChangedBytesNeverCrash) {
  for (std::size_t at = 0; at < kSmallest.size(); ++at) {
    for (const int change : {0x01, 0x40, 0x80, 0xff}) {
      std::string wasm(kSmallest);
      wasm[at] = static_cast<char>(wasm[at] ^ change);
      const auto code = CompiledCode::compile(wasm);
      if (!code.ok()) {
        EXPECT_NE(code.error().message(), "");
      }
    }
  }
}

TEST(Compile, ErrorsSayWhatIsWrong) {
  EXPECT_THAT(inspect("").error().message(), HasSubstr("empty"));
  EXPECT_THAT(inspect("\0asm\1\0\0\0"sv).error().message(), HasSubstr("_start"));
  EXPECT_EQ(inspect("").error().code(), ErrorCode::kInvalid);
}

}  // namespace
}  // namespace duet::engine
