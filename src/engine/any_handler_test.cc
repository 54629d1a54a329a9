#include <gtest/gtest.h>

#include <string>

#include "engine/handler_driver_for_test.h"

// What handlers of WASI 0.2 and of 0.3 do alike.
namespace duet::engine {
namespace {

struct Guests {
  const char* name;
  const char* echoing;  // a guest
  const char* echo;     // where it sends back what it gets
  const char* sleeping;
  const char* sleep;  // where that does not answer before a timer
};

class AnyHandler : public ::testing::TestWithParam<Guests> {};

TEST_P(AnyHandler, TakesNoMoreBodyThanTheGuestReads) {
  Host host(GetParam().echoing);
  RequestLimits limits;
  limits.request_body_bytes = 1000;
  limits.response_chunk_bytes = 100;
  Driver driver = host.start(GetParam().echo, limits, {}, false, "POST");
  driver.request().poll();
  const std::string data(5000, 'x');
  EXPECT_EQ(driver.request().write(data), 1000U);
  EXPECT_EQ(driver.request().write(data), 0U);
  std::size_t written = 1000;
  while (written < 100'000) {
    ASSERT_TRUE(driver.wait());
    if (driver.step().writable()) {
      written += driver.request().write(std::string_view(data).substr(0, 100'000 - written));
    }
  }
  ASSERT_TRUE(driver.request().finish().ok());
  EXPECT_EQ(driver.finish().body, std::string(100'000, 'x'));
}

TEST_P(AnyHandler, MoreSandboxesThanThePoolHasIsSaid) {
  EngineOptions options = Host::options();
  options.sandbox_limit = 1;
  Host host(GetParam().sleeping, {}, options);
  Driver first = host.start(GetParam().sleep);
  first.step();
  Driver second = host.start(GetParam().sleep);
  second.step();
  ASSERT_TRUE(second.done());
  EXPECT_EQ(second.exchange().outcome, RequestEnd::Outcome::kExhausted)
      << second.exchange().message;
  EXPECT_EQ(first.finish().body, "slept\n");
}

INSTANTIATE_TEST_SUITE_P(
    Versions, AnyHandler,
    ::testing::Values(Guests{"Wasi02", "echo_handler", "/", "sleeper_handler", "/"},
                      Guests{"Wasi03", "rust_service", "/echo", "rust_service", "/sleep?ms=50"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace duet::engine
