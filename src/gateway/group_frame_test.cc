#include "gateway/group_frame.h"

#include <gtest/gtest.h>

namespace duet::gateway {
namespace {

class OneMore final : public NextSteps {
  bool has(std::size_t index) const override { return index == 3; }
  std::unique_ptr<Call> start(std::size_t, CallHead, Caller&) const override { return nullptr; }
};

CallHead head_with(std::span<const net::Field> fields) {
  return {.method = "POST",
          .scheme = "https",
          .authority = "a.test:80",
          .target = "/a?b",
          .matched_path = "/a",
          .matched_exactly = true,
          .fields = fields,
          .framing = net::Framing::kLength,
          .content_length = 7,
          .takes_trailers = true,
          .client_address = "10.0.0.1",
          .timeout_ms = 9,
          .hops = 2};
}

TEST(GroupFrame, AHeaderIsReadAsItWasWritten) {
  char header[kFrameHeaderBytes];
  write_frame_header(header, FrameType::kUsage, 0x123456789abcULL, 3);
  std::string bytes(header, sizeof(header));
  EXPECT_FALSE(read_frame(std::string_view(bytes).substr(1)));
  bytes += "abcd";
  const auto start = read_frame(bytes);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->frame.type, FrameType::kUsage);
  EXPECT_EQ(start->frame.id, 0x123456789abcULL);
  EXPECT_EQ(start->frame.content, "abc");
  EXPECT_EQ(start->size, kFrameHeaderBytes + 3);
  EXPECT_TRUE(is_possible(*start));
}

TEST(GroupFrame, WhatIsTooLargeOrOfNoTypeIsNotPossible) {
  const auto possible = [](FrameType type, std::size_t size) {
    char header[kFrameHeaderBytes];
    write_frame_header(header, type, 1, size);
    return is_possible(*read_frame({header, sizeof(header)}));
  };
  EXPECT_TRUE(possible(FrameType::kData, kFrameBytes));
  EXPECT_FALSE(possible(FrameType::kData, kFrameBytes + 1));
  EXPECT_FALSE(possible(static_cast<FrameType>(0), 1));
  EXPECT_FALSE(possible(static_cast<FrameType>(12), 1));
  EXPECT_FALSE(possible(static_cast<FrameType>(255), 1));
}

TEST(GroupFrame, ARequestIsReadAsItWasWritten) {
  const net::Field field{"X-A", "1"};
  CallHead head = head_with({&field, 1});
  head.steps = std::make_shared<OneMore>();
  head.step = 2;
  const std::string content = write_start({.backend = "handler/a", .parent = 5}, head);
  StartContent start;
  ASSERT_TRUE(read_start(content, start));
  EXPECT_EQ(start.target.backend, "handler/a");
  EXPECT_EQ(start.target.parent, 5U);
  EXPECT_TRUE(start.has_next);
  EXPECT_EQ(start.head.method, "POST");
  EXPECT_EQ(start.head.scheme, "https");
  EXPECT_EQ(start.head.authority, "a.test:80");
  EXPECT_EQ(start.head.target, "/a?b");
  EXPECT_EQ(start.head.matched_path, "/a");
  EXPECT_TRUE(start.head.matched_exactly);
  EXPECT_EQ(start.head.framing, net::Framing::kLength);
  EXPECT_EQ(start.head.content_length, 7U);
  EXPECT_TRUE(start.head.takes_trailers);
  EXPECT_EQ(start.head.client_address, "10.0.0.1");
  EXPECT_EQ(start.head.timeout_ms, 9);
  EXPECT_EQ(start.head.hops, 2);
  ASSERT_EQ(start.head.fields.size(), 1U);
  EXPECT_EQ(start.head.fields[0].name, "X-A");
  EXPECT_EQ(start.head.fields[0].value, "1");
  StartContent last;
  head.step = 1;
  ASSERT_TRUE(read_start(write_start({}, head), last));
  EXPECT_FALSE(last.has_next);
}

// Cut at any place, or with more behind it, a content is none.
TEST(GroupFrame, NoPartOfAContentIsOne) {
  const net::Field field{"X-A", "1"};
  const std::string start = write_start({.backend = "b"}, head_with({&field, 1}));
  const std::string head = write_head({.status = 200, .fields = {&field, 1}});
  const std::string end = write_end({.cpu_ns = 1, .retry_reason = "r"}, {&field, 1});
  const std::string failure = write_failure({}, {.status = 502, .reason = "Trap", .detail = "d"});
  const auto each = [](const std::string& whole, const auto& reads) {
    EXPECT_TRUE(reads(whole));
    EXPECT_FALSE(reads(whole + "x"));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      EXPECT_FALSE(reads(whole.substr(0, size))) << size;
    }
  };
  std::vector<net::Field> fields;
  Usage usage;
  each(start, [](std::string_view text) {
    StartContent content;
    return read_start(text, content);
  });
  each(head, [&](std::string_view text) {
    AnswerHead answer;
    return read_head(text, answer, fields);
  });
  each(end, [&](std::string_view text) { return read_end(text, usage, fields); });
  each(failure, [&](std::string_view text) {
    Failure read;
    return read_failure(text, usage, read);
  });
}

TEST(GroupFrame, FieldsMustBeFields) {
  std::vector<net::Field> fields;
  const auto reads = [&fields](const net::Field& field) {
    AnswerHead head;
    return read_head(write_head({.status = 200, .fields = {&field, 1}}), head, fields);
  };
  EXPECT_TRUE(reads({"x", "a b"}));
  EXPECT_FALSE(reads({"x", "a\r\nset-cookie: b"}));
  EXPECT_FALSE(reads({"x y", "a"}));
  EXPECT_FALSE(reads({"", "a"}));
  // Those of a connection, and lengths, are not for others to say.
  ASSERT_TRUE(reads({"Transfer-Encoding", "chunked"}));
  EXPECT_TRUE(fields.empty());
  ASSERT_TRUE(reads({"content-length", "5"}));
  EXPECT_TRUE(fields.empty());
}

TEST(GroupFrame, AHeadMustBeOne) {
  const auto reads = [](CallHead head) {
    StartContent content;
    return read_start(write_start({.backend = "b"}, head), content);
  };
  const auto changed = [](auto change) {
    CallHead head = head_with({});
    change(head);
    return head;
  };
  EXPECT_TRUE(reads(head_with({})));
  EXPECT_FALSE(reads(changed([](CallHead& head) { head.method = "GET /"; })));
  EXPECT_FALSE(reads(changed([](CallHead& head) { head.target = "/ HTTP/1.1\r\nx: y"; })));
  EXPECT_FALSE(reads(changed([](CallHead& head) { head.target = ""; })));
  EXPECT_FALSE(reads(changed([](CallHead& head) { head.authority = "a b"; })));
  EXPECT_FALSE(reads(changed([](CallHead& head) { head.hops = -1; })));
  EXPECT_FALSE(reads(changed([](CallHead& head) { head.framing = net::Framing::kUntilClose; })));
  const auto status_reads = [](int status) {
    AnswerHead head;
    std::vector<net::Field> fields;
    return read_head(write_head({.status = status}), head, fields);
  };
  EXPECT_TRUE(status_reads(100));
  EXPECT_FALSE(status_reads(101));
  EXPECT_FALSE(status_reads(99));
  EXPECT_FALSE(status_reads(600));
}

TEST(GroupFrame, UsageAndFailureAreReadAsTheyWereWritten) {
  const Usage used{.cpu_ns = 1,
                   .peak_memory_bytes = 2,
                   .outgoing = 3,
                   .outgoing_bytes = 4,
                   .cold = true,
                   .retries = 5,
                   .retry_reason = "ConnectFailed"};
  const std::string content =
      write_failure(used, {.status = 504, .reason = "CPULimit", .detail = std::string(5'000, 'd')});
  Usage usage;
  Failure failure;
  ASSERT_TRUE(read_failure(content, usage, failure));
  EXPECT_EQ(usage.cpu_ns, 1);
  EXPECT_EQ(usage.peak_memory_bytes, 2U);
  EXPECT_EQ(usage.outgoing, 3U);
  EXPECT_EQ(usage.outgoing_bytes, 4U);
  EXPECT_TRUE(usage.cold);
  EXPECT_EQ(usage.retries, 5U);
  EXPECT_EQ(usage.retry_reason, "ConnectFailed");
  EXPECT_EQ(failure.status, 504);
  EXPECT_EQ(failure.reason, "CPULimit");
  EXPECT_EQ(failure.detail.size(), 1'024U);
  EXPECT_FALSE(read_failure(write_failure({}, {.status = 200, .reason = "x"}), usage, failure));
}

}  // namespace
}  // namespace duet::gateway
