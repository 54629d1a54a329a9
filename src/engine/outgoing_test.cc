#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "engine/handler_driver_for_test.h"

namespace duet::engine {
namespace {

using ::testing::HasSubstr;

// The guest relays what the request's headers describe.
class Outgoing : public ::testing::Test {
 protected:
  Driver start(std::span<const Field> headers, std::string_view method = "GET") {
    return host_.start("/", {}, headers, method == "GET", method);
  }

  static OutgoingHead next(Driver& driver) {
    const RequestEvents events = driver.step();
    EXPECT_TRUE(events.outgoing());
    auto head = driver.request().next_outgoing();
    EXPECT_TRUE(head.has_value());
    return *head;
  }

  static std::string read_body(Driver& driver, std::uint32_t id) {
    std::string body;
    while (true) {
      const Frame frame = driver.request().read_outgoing(id);
      if (frame.kind == Frame::Kind::kData) {
        body += frame.data;
      } else if (frame.kind == Frame::Kind::kPending && driver.wait()) {
        driver.step();
      } else {
        EXPECT_EQ(frame.kind, Frame::Kind::kEnd);
        return body;
      }
    }
  }

  Host host_{"outgoing_handler"};
};

constexpr std::array<Field, 2> kGet{
    {{"x-url", "https://api.test:8443/items?x=1"}, {"x-timeout-ms", "1500"}}};

TEST_F(Outgoing, IsDescribedAndAnswered) {
  Driver driver = start(kGet);
  const OutgoingHead head = next(driver);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.scheme, "https");
  EXPECT_EQ(head.authority, "api.test:8443");
  EXPECT_EQ(head.path_with_query, "/items?x=1");
  EXPECT_EQ(head.first_byte_timeout_ns, 1'500'000'000U);
  EXPECT_FALSE(head.connect_timeout_ns.has_value());
  EXPECT_FALSE(driver.request().next_outgoing());

  constexpr std::array<Field, 1> kHeaders{{{"content-type", "text/x"}}};
  ASSERT_TRUE(driver.request().respond_outgoing(head.id, 203, kHeaders, false).ok());
  EXPECT_EQ(driver.request().write_outgoing(head.id, "an answer"), 9U);
  ASSERT_TRUE(driver.request().finish_outgoing(head.id).ok());
  ASSERT_TRUE(driver.wait());
  const Exchange exchange = driver.finish();
  EXPECT_EQ(exchange.status, 203);
  EXPECT_EQ(exchange.header("content-type"), "text/x");
  EXPECT_EQ(exchange.body, "an answer");
  driver.request().close_outgoing(head.id);
}

TEST_F(Outgoing, BodyIsStreamed) {
  constexpr std::array<Field, 2> kPost{{{"x-url", "http://api.test/"}, {"x-method", "POST"}}};
  Driver driver = start(kPost, "POST");
  const OutgoingHead head = next(driver);
  EXPECT_EQ(head.method, "POST");
  const std::string data(200'000, 'y');
  std::size_t written = driver.request().write(data);
  std::string body;
  while (body.size() < data.size()) {
    ASSERT_TRUE(driver.wait());
    driver.step();
    written += driver.request().write(std::string_view(data).substr(written));
    for (Frame frame;
         (frame = driver.request().read_outgoing(head.id)).kind == Frame::Kind::kData;) {
      body += frame.data;
    }
  }
  ASSERT_TRUE(driver.request().finish().ok());
  EXPECT_EQ(read_body(driver, head.id), "");
  EXPECT_EQ(body, data);
  ASSERT_TRUE(driver.request().respond_outgoing(head.id, 204, {}, true).ok());
  ASSERT_TRUE(driver.wait());
  EXPECT_EQ(driver.finish().status, 204);
}

TEST_F(Outgoing, DenialReachesTheGuestAsAnError) {
  Driver driver = start(kGet);
  const OutgoingHead head = next(driver);
  driver.request().fail_outgoing(head.id, HttpError::kRequestDenied);
  driver.request().close_outgoing(head.id);
  ASSERT_TRUE(driver.wait());
  const Exchange exchange = driver.finish();
  EXPECT_EQ(exchange.status, 502);
  EXPECT_THAT(exchange.body, HasSubstr("error-code"));
}

TEST_F(Outgoing, ClosingWithoutAnAnswerIsAnError) {
  Driver driver = start(kGet);
  const OutgoingHead head = next(driver);
  driver.request().close_outgoing(head.id);
  ASSERT_TRUE(driver.wait());
  EXPECT_EQ(driver.finish().status, 502);
}

TEST_F(Outgoing, BrokenResponseBodyBreaksTheGuestsAnswer) {
  Driver driver = start(kGet);
  const OutgoingHead head = next(driver);
  ASSERT_TRUE(driver.request().respond_outgoing(head.id, 200, {}, false).ok());
  driver.request().write_outgoing(head.id, "part");
  driver.request().fail_outgoing(head.id, HttpError::kConnectionTerminated);
  ASSERT_TRUE(driver.wait());
  const Exchange exchange = driver.finish();
  EXPECT_EQ(exchange.body, "part");
  EXPECT_TRUE(exchange.broken_off);
}

TEST_F(Outgoing, WrongAnswersAreRefused) {
  Driver driver = start(kGet);
  const OutgoingHead head = next(driver);
  constexpr std::array<Field, 1> kBad{{{"a b", "1"}}};
  EXPECT_FALSE(driver.request().respond_outgoing(head.id, 99, {}, true).ok());
  EXPECT_FALSE(driver.request().respond_outgoing(head.id, 200, kBad, true).ok());
  EXPECT_FALSE(driver.request().respond_outgoing(head.id + 1, 200, {}, true).ok());
  EXPECT_TRUE(driver.request().respond_outgoing(head.id, 200, {}, true).ok());
  EXPECT_FALSE(driver.request().respond_outgoing(head.id, 200, {}, true).ok());
  EXPECT_TRUE(driver.request().outgoing_state(head.id + 1).cancelled());
}

TEST_F(Outgoing, MoreThanTheLimitFailAtOnce) {
  RequestLimits limits;
  limits.outgoing_limit = 0;
  Driver driver = host_.start("/", limits, kGet);
  driver.step();
  EXPECT_FALSE(driver.request().next_outgoing());
}

TEST_F(Outgoing, DroppingTheRequestDropsThem) {
  Driver driver = start(kGet);
  const OutgoingHead head = next(driver);
  EXPECT_NE(head.id, 0U);
}

}  // namespace
}  // namespace duet::engine
