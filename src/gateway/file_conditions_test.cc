#include "gateway/file_conditions.h"

#include <gtest/gtest.h>

#include <vector>

namespace duet::gateway {
namespace {

constexpr std::int64_t kNow = 1'780'000'000;
const char* const kThen = "Sun, 06 Nov 1994 08:49:37 GMT";
const char* const kBefore = "Sun, 06 Nov 1994 08:49:36 GMT";
const char* const kAfter = "Sun, 06 Nov 1994 08:49:38 GMT";
const FileVersion kFile{.etag = "\"a\"", .modified_s = 784'111'777, .size_bytes = 100};

FileAnswer judge(std::vector<net::Field> fields, std::string_view method = "GET",
                 const FileVersion& file = kFile) {
  return judge_request(method, fields, file, kNow);
}

TEST(FileConditions, IfNoneMatch) {
  for (const char* same : {"\"a\"", "W/\"a\"", "\"b\", \"a\"", "\"b,\",W/\"a\"", "*"}) {
    EXPECT_EQ(judge({{"If-None-Match", same}}).status, 304) << same;
  }
  for (const char* other : {"\"b\"", "a", "\"A\"", "", "\"a"}) {
    EXPECT_EQ(judge({{"If-None-Match", other}}).status, 200) << other;
  }
  EXPECT_EQ(judge({{"If-None-Match", "\"b\""}, {"if-none-match", "\"a\""}}).status, 304);
  EXPECT_EQ(judge({{"If-None-Match", "\"a\""}}, "HEAD").status, 304);
  // It says more than the date does.
  EXPECT_EQ(judge({{"If-None-Match", "\"b\""}, {"If-Modified-Since", kAfter}}).status, 200);
}

TEST(FileConditions, Dates) {
  EXPECT_EQ(judge({{"If-Modified-Since", kThen}}).status, 304);
  EXPECT_EQ(judge({{"If-Modified-Since", kAfter}}).status, 304);
  EXPECT_EQ(judge({{"If-Modified-Since", kBefore}}).status, 200);
  EXPECT_EQ(judge({{"If-Modified-Since", "yesterday"}}).status, 200);
  EXPECT_EQ(judge({{"If-Unmodified-Since", kThen}}).status, 200);
  EXPECT_EQ(judge({{"If-Unmodified-Since", kBefore}}).status, 412);
}

TEST(FileConditions, IfMatch) {
  EXPECT_EQ(judge({{"If-Match", "\"a\""}}).status, 200);
  EXPECT_EQ(judge({{"If-Match", "*"}}).status, 200);
  EXPECT_EQ(judge({{"If-Match", "\"b\""}}).status, 412);
  EXPECT_EQ(judge({{"If-Match", "W/\"a\""}}).status, 412);
  EXPECT_EQ(judge({{"If-Match", "\"a\""}, {"If-Unmodified-Since", kBefore}}).status, 200);
}

TEST(FileConditions, Ranges) {
  const auto range = [](const char* text) { return judge({{"Range", text}}); };
  EXPECT_EQ(range("bytes=0-0").range, (ByteRange{0, 1}));
  EXPECT_EQ(range("bytes=10-19").range, (ByteRange{10, 10}));
  EXPECT_EQ(range("Bytes=90-").range, (ByteRange{90, 10}));
  EXPECT_EQ(range("bytes=-10").range, (ByteRange{90, 10}));
  EXPECT_EQ(range("bytes=-1000").range, (ByteRange{0, 100}));
  EXPECT_EQ(range("bytes=99-99999999999999999999999").range, (ByteRange{99, 1}));
  EXPECT_EQ(range("bytes=0-0").status, 206);
  for (const char* beyond : {"bytes=100-", "bytes=100-200", "bytes=-0"}) {
    EXPECT_EQ(range(beyond).status, 416) << beyond;
  }
  for (const char* whole : {"bytes=0-1,5-6", "bytes=2-1", "bytes=a-b", "bytes=", "bytes=-",
                            "lines=0-1", "bytes 0-1", "bytes=1", "bytes=0-1x", "bytes=+1-2"}) {
    EXPECT_EQ(range(whole).status, 200) << whole;
  }
  EXPECT_EQ(judge({{"Range", "bytes=0-1"}}, "HEAD").status, 200);
  EXPECT_EQ(judge({{"Range", "bytes=-1"}}, "GET", {.etag = "\"e\""}).status, 416);
}

TEST(FileConditions, IfRange) {
  const auto status = [](const char* condition) {
    return judge({{"Range", "bytes=0-1"}, {"If-Range", condition}}).status;
  };
  EXPECT_EQ(status("\"a\""), 206);
  EXPECT_EQ(status("\"b\""), 200);
  EXPECT_EQ(status("W/\"a\""), 200);
  EXPECT_EQ(status(kThen), 206);
  EXPECT_EQ(status(kAfter), 200);
  EXPECT_EQ(judge({{"Range", "bytes=0-1"}, {"If-None-Match", "\"a\""}}).status, 304);
}

}  // namespace
}  // namespace duet::gateway
