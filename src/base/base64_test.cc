#include "base/base64.h"

#include <gtest/gtest.h>

#include <utility>

namespace duet {
namespace {

// The vectors of RFC 4648, section 10.
TEST(Base64, FollowsTheStandard) {
  const std::pair<const char*, const char*> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, coded] : vectors) {
    EXPECT_EQ(base64_encode(plain), coded);
    EXPECT_EQ(*base64_decode(coded), plain);
  }
}

TEST(Base64, KeepsEveryByte) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
  }
  EXPECT_EQ(*base64_decode(base64_encode(bytes)), bytes);
}

TEST(Base64, SkipsLineBreaks) { EXPECT_EQ(*base64_decode("Zm9v\r\nYg==\n"), "foob"); }

TEST(Base64, RefusesWhatIsNone) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zm9vY", "=", "====", "Z===", "Zg==Zg==", "Zh==",
                           "Zm9=", "Zm9v Yg==", "Zm-v", "Zg=a", "\xff\xff\xff\xff"}) {
    EXPECT_FALSE(base64_decode(text).ok()) << text;
  }
}

}  // namespace
}  // namespace duet
