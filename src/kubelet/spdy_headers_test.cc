#include "kubelet/spdy_headers.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "kubelet/big_endian.h"

namespace duet::kubelet {
namespace {

// What a peer with the dictionary makes of `pairs`.
std::string compress(const std::string& pairs) {
  z_stream stream{};
  deflateInit(&stream, Z_BEST_COMPRESSION);
  deflateSetDictionary(&stream, reinterpret_cast<const Bytef*>(spdy_dictionary().data()),
                       static_cast<uInt>(spdy_dictionary().size()));
  std::string out(deflateBound(&stream, pairs.size()) + 100, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(pairs.data()));
  stream.avail_in = static_cast<uInt>(pairs.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_SYNC_FLUSH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string pair(const std::string& name, const std::string& value) {
  std::string out;
  put_u32(out, static_cast<std::uint32_t>(name.size()));
  out += name;
  put_u32(out, static_cast<std::uint32_t>(value.size()));
  return out + value;
}

std::string count(std::uint32_t pairs) {
  std::string out;
  put_u32(out, pairs);
  return out;
}

TEST(SpdyHeaders, TheDictionaryIsTheDrafts) {
  EXPECT_EQ(spdy_dictionary().size(), 1423U);
  const auto sum =
      adler32(adler32(0, nullptr, 0), reinterpret_cast<const Bytef*>(spdy_dictionary().data()),
              static_cast<uInt>(spdy_dictionary().size()));
  EXPECT_EQ(sum, 0xe3c6a7c2UL);  // as zlib streams of its users name it
}

TEST(SpdyHeaders, BlocksFollowOneAnother) {
  SpdyHeaderWriter writer;
  SpdyHeaderReader reader;
  for (const char* type : {"error", "stdin", "stdout"}) {
    const net::FieldList fields = {{"streamtype", type}, {"port", "80"}};
    EXPECT_EQ(reader.read(writer.write(fields)).value(), fields);
  }
  EXPECT_TRUE(reader.read(writer.write({}))->empty());
}

TEST(SpdyHeaders, ANameMayHaveSeveralValues) {
  SpdyHeaderReader reader;
  const auto fields = reader.read(compress(count(1) + pair("a", std::string("x\0y", 3))));
  ASSERT_TRUE(fields.ok());
  EXPECT_EQ(*fields, (net::FieldList{{"a", "x"}, {"a", "y"}}));
}

TEST(SpdyHeaders, WhatIsNoBlockIsRefused) {
  const std::string good = compress(count(1) + pair("a", "b"));
  for (const std::string& bad :
       {std::string(), std::string("\x78\x9c", 2), std::string(100, 'x'), good.substr(0, 7),
        compress(""), compress(count(2) + pair("a", "b")), compress(count(1) + pair("", "b")),
        compress(count(0) + "x"), compress(count(1) + count(1'000'000)),
        compress(count(1) + pair("a", "b") + "more")}) {
    SpdyHeaderReader reader;
    const auto fields = reader.read(bad);
    ASSERT_FALSE(fields.ok());
    EXPECT_EQ(fields.error().code(), ErrorCode::kInvalid);
  }
}

TEST(SpdyHeaders, BoundsHold) {
  const auto read = [](const std::string& pairs) {
    return SpdyHeaderReader().read(compress(pairs)).ok();
  };
  EXPECT_TRUE(read(count(1) + pair("a", std::string(kSpdyHeaderBytes - 13, 'x'))));
  EXPECT_FALSE(read(count(1) + pair("a", std::string(kSpdyHeaderBytes, 'x'))));
  EXPECT_FALSE(read(count(1) + pair("a", std::string(50 << 20, '\0'))));
  std::string many;
  for (std::size_t i = 0; i < kSpdyHeaderCount; ++i) {
    many += pair("a", "b");
  }
  EXPECT_TRUE(read(count(kSpdyHeaderCount) + many));
  EXPECT_FALSE(read(count(kSpdyHeaderCount + 1) + many + pair("a", "b")));
  EXPECT_FALSE(read(count(1) + pair("a", std::string(kSpdyHeaderCount, '\0'))));
}

}  // namespace
}  // namespace duet::kubelet
