#include "gateway/guest_answer.h"

#include <gtest/gtest.h>

namespace duet::gateway {
namespace {

using Fields = std::vector<engine::Field>;

struct Case {
  const char* name;
  std::uint16_t status;
  Fields fields;
  bool taken;
};

const Case kCases[] = {
    {"nothing", 200, {}, true},
    {"a length", 200, {{"content-length", "5"}}, true},
    {"two lengths", 200, {{"content-length", "5"}, {"content-length", "6"}}, false},
    {"two equal lengths", 200, {{"content-length", "5"}, {"Content-Length", "5"}}, false},
    {"a list of lengths", 200, {{"content-length", "5, 5"}}, false},
    {"a sign", 200, {{"content-length", "-5"}}, false},
    {"no number", 200, {{"content-length", ""}}, false},
    {"a huge number", 200, {{"content-length", "18446744073709551616"}}, false},
    {"an interim status", 103, {}, false},
    {"a switch", 101, {{"upgrade", "websocket"}}, false},
    {"status 599", 599, {}, true},
    {"status 600", 600, {}, false},
};

TEST(GuestAnswer, IsReadStrictly) {
  for (const Case& one : kCases) {
    SCOPED_TRACE(one.name);
    std::vector<net::Field> fields;
    AnswerHead answer;
    const char* wrong = read_guest_head({one.status, one.fields}, fields, answer);
    EXPECT_EQ(wrong == nullptr, one.taken);
  }
}

TEST(GuestAnswer, LeavesOutFieldsOfTheConnection) {
  const Fields said = {{"Connection", "x"}, {"x-kept", "1"},      {"Transfer-Encoding", "chunked"},
                       {"upgrade", "h2c"},  {"keep-alive", "10"}, {"content-length", "7"}};
  std::vector<net::Field> fields;
  AnswerHead answer;
  ASSERT_EQ(read_guest_head({200, said}, fields, answer), nullptr);
  ASSERT_EQ(answer.fields.size(), 1U);
  EXPECT_EQ(answer.fields[0].name, "x-kept");
  EXPECT_EQ(answer.framing, net::Framing::kLength);
  EXPECT_EQ(answer.content_length, 7U);
}

TEST(GuestAnswer, KeepsTrailersThatMayBe) {
  const Fields said = {{"content-length", "5"},
                       {"transfer-encoding", "chunked"},
                       {"set-cookie", "a=b"},
                       {"connection", "x"},
                       {"grpc-status", "0"}};
  const auto kept = keep_guest_trailers(said);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_EQ(kept[0].first, "grpc-status");
}

}  // namespace
}  // namespace duet::gateway
