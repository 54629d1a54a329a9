#include "gateway/compression.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "gateway/compressing_call.h"
#include "gateway/gzip_stream.h"

namespace duet::gateway {
namespace {

bool accepts(const std::string& value) {
  const net::Field field{"Accept-Encoding", value};
  return accepts_gzip({&field, 1});
}

AnswerHead answer(const std::vector<net::Field>& fields, std::uint64_t size = 5000) {
  return {.fields = fields, .framing = net::Framing::kLength, .content_length = size};
}

// What gunzip makes of it; it may lack its end.
std::string plain(const std::string& compressed) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(8 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = inflate(&stream, Z_SYNC_FLUSH);
  EXPECT_TRUE(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR) << result;
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST(Compression, TheClientSaysWhetherItTakesGzip) {
  for (const char* yes : {"gzip", "GZIP", "x-gzip", "br, gzip;q=0.1", "*", "deflate;q=1,*;q=0.5",
                          "gzip ; q=1.000", "gzip;Q=0.001"}) {
    EXPECT_TRUE(accepts(yes)) << yes;
  }
  for (const char* no : {"", "br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "*, gzip;q=0", "gzipped",
                         "gzip;q=x", "gzip;q=", "identity"}) {
    EXPECT_FALSE(accepts(no)) << no;
  }
  EXPECT_FALSE(accepts_gzip({}));
}

TEST(Compression, WhatIsWorthIt) {
  const net::Field html{"Content-Type", "text/html; charset=utf-8"};
  EXPECT_TRUE(is_compressible(answer({html})));
  for (const char* type : {"TEXT/CSS", "application/json", "application/ld+json", "image/svg+xml",
                           "application/wasm;x=y"}) {
    EXPECT_TRUE(is_compressible(answer({{"content-type", type}}))) << type;
  }
  for (const char* type : {"image/png", "video/mp4", "application/gzip", "application/octet-stream",
                           "", "textile/html", "+json"}) {
    EXPECT_FALSE(is_compressible(answer({{"content-type", type}}))) << type;
  }
  EXPECT_FALSE(is_compressible(answer({})));
  EXPECT_FALSE(is_compressible(answer({html}, kLeastCompressedBytes - 1)));
  EXPECT_FALSE(is_compressible(answer({html, {"Content-Encoding", "br"}})));
  EXPECT_TRUE(is_compressible(answer({html, {"Content-Encoding", "identity"}})));
  EXPECT_FALSE(is_compressible(answer({html, {"Content-Range", "bytes 0-1/2"}})));
  EXPECT_FALSE(is_compressible(answer({html, {"Cache-Control", "public, No-Transform"}})));
  const std::vector<net::Field> fields = {html};
  AnswerHead head = answer(fields);
  for (const int status : {101, 204, 206, 304}) {
    head.status = status;
    EXPECT_FALSE(is_compressible(head)) << status;
  }
  head.status = 404;
  EXPECT_TRUE(is_compressible(head));
  head.framing = net::Framing::kChunked;
  head.content_length = 0;
  EXPECT_TRUE(is_compressible(head));
  head.framing = net::Framing::kNone;
  EXPECT_FALSE(is_compressible(head));
}

std::string fields_of(const std::vector<net::Field>& fields, bool compressed) {
  std::vector<net::Field> kept;
  std::string text;
  const AnswerHead head = head_of_compressible(answer(fields), compressed, kept, text);
  EXPECT_EQ(head.framing, compressed ? net::Framing::kChunked : net::Framing::kLength);
  std::string out;
  for (const net::Field& field : head.fields) {
    out.append(field.name).append("=").append(field.value).append(" ");
  }
  return out;
}

TEST(Compression, TheHeadTells) {
  const std::vector<net::Field> fields = {
      {"ETag", "\"a\""}, {"Accept-Ranges", "bytes"}, {"X", "y"}};
  EXPECT_EQ(fields_of(fields, true),
            "ETag=W/\"a\" X=y Vary=Accept-Encoding Content-Encoding=gzip ");
  EXPECT_EQ(fields_of(fields, false), "ETag=\"a\" Accept-Ranges=bytes X=y Vary=Accept-Encoding ");
  EXPECT_EQ(fields_of({{"Vary", "Cookie, accept-encoding"}, {"ETag", "W/\"a\""}}, true),
            "Vary=Cookie, accept-encoding ETag=W/\"a\" Content-Encoding=gzip ");
  EXPECT_EQ(fields_of({{"Vary", "Cookie"}}, false), "Vary=Cookie Vary=Accept-Encoding ");
}

TEST(GzipStream, WhatIsFlushedCanBeReadAtOnce) {
  const auto stream = GzipStream::create();
  ASSERT_NE(stream, nullptr);
  std::string out;
  const auto into = [&out](std::string_view piece) { out += piece; };
  stream->write("hello ", GzipStream::Until::kFull, into);
  stream->write("", GzipStream::Until::kFlushed, into);
  EXPECT_EQ(plain(out), "hello ");
  std::string large;
  for (int i = 0; large.size() < (1U << 20); ++i) {
    large += std::to_string(i * 7919);
  }
  stream->write(large, GzipStream::Until::kFull, into);
  stream->write("", GzipStream::Until::kEnded, into);
  EXPECT_EQ(plain(out), "hello " + large);
  EXPECT_LT(out.size(), large.size() * 3 / 4);
}

// A call that does nothing by itself, and a caller that keeps what comes.
struct Idle final : Call {
  void begin() override {}
  std::size_t write_body(std::string_view data) override { return data.size(); }
  void finish_body(std::span<const net::Field>) override {}
  void resume_answer() override { ++resumed; }
  void cancel() override {}
  int resumed = 0;
};
struct Keeper final : Caller {
  void on_head(const AnswerHead& head) override { compressed = head.fields.size() == 3; }
  bool on_data(std::string_view data) override {
    got += data;
    return takes;
  }
  void on_end(std::span<const net::Field>) override { ended = true; }
  void on_failure(const Failure&) override {}
  void on_want_body() override {}
  void on_flush() override { ++flushes; }
  std::string got;
  bool compressed = false;
  bool takes = true;
  bool ended = false;
  int flushes = 0;
};

TEST(CompressingCall, FlushesPausesAndEnds) {
  Keeper keeper;
  std::int32_t streams = 0;
  CompressingCall call(keeper, true, streams);
  auto idle = std::make_unique<Idle>();
  Idle& inner = *idle;
  call.set_call(std::move(idle));
  Caller& asked = call;
  asked.on_head(answer({{"Content-Type", "text/plain"}}));
  EXPECT_TRUE(keeper.compressed);
  EXPECT_EQ(streams, 1);
  EXPECT_TRUE(asked.on_data("first"));
  asked.on_flush();
  EXPECT_EQ(plain(keeper.got), "first");
  EXPECT_EQ(keeper.flushes, 1);
  const std::size_t size = keeper.got.size();
  asked.on_flush();  // nothing new
  EXPECT_EQ(keeper.got.size(), size);
  keeper.takes = false;
  EXPECT_TRUE(asked.on_data(" second"));  // it is in zlib's buffer still
  asked.on_flush();
  EXPECT_FALSE(asked.on_data(" third"));
  keeper.takes = true;
  call.resume_answer();
  EXPECT_EQ(inner.resumed, 1);
  EXPECT_TRUE(asked.on_data(" fourth"));
  asked.on_end({});
  EXPECT_TRUE(keeper.ended);
  EXPECT_EQ(plain(keeper.got), "first second third fourth");
  EXPECT_EQ(streams, 0);
}

TEST(CompressingCall, SendsAnswersAsTheyAreWhenThereAreTooMany) {
  Keeper keeper;
  std::int32_t streams = CompressingCall::kStreams;
  CompressingCall call(keeper, true, streams);
  call.set_call(std::make_unique<Idle>());
  Caller& asked = call;
  asked.on_head(answer({{"Content-Type", "text/plain"}}));
  asked.on_data("as it is");
  asked.on_end({});
  EXPECT_EQ(keeper.got, "as it is");
  EXPECT_EQ(streams, CompressingCall::kStreams);
}

}  // namespace
}  // namespace duet::gateway
