#include "gateway/request_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace duet::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string text_of(const RequestMetrics& metrics) {
  observe::Exposition out;
  metrics.write(out);
  return out.take();
}

TEST(RequestMetrics, CountsByWhatBecameOfRequests) {
  RequestMetrics metrics;
  const AccessRecord good{.status = 200,
                          .bytes_in = 3,
                          .bytes_out = 5,
                          .duration_ns = 2'000'000,
                          .route = "HTTPRoute default/shop",
                          .backend = "handler/default/web/main",
                          .cpu_ns = 20'000,
                          .peak_memory_bytes = 128 << 10,
                          .outgoing = 2,
                          .outgoing_bytes = 7,
                          .cold = true,
                          .retries = 2};
  AccessRecord bad = good;
  bad.status = 504;
  bad.reason = "CPULimit";
  metrics.record(good);
  metrics.record(good);
  metrics.record(bad);
  const std::string text = text_of(metrics);
  const std::string labels =
      R"({route="HTTPRoute default/shop",backend="handler/default/web/main")";
  EXPECT_THAT(text, HasSubstr("duet_requests_total" + labels + R"(,code="200",reason=""} 2)"));
  EXPECT_THAT(text,
              HasSubstr("duet_requests_total" + labels + R"(,code="504",reason="CPULimit"} 1)"));
  EXPECT_THAT(text, HasSubstr("duet_request_body_bytes_total" + labels + "} 9\n"));
  EXPECT_THAT(text, HasSubstr("duet_response_body_bytes_total" + labels + "} 15\n"));
  EXPECT_THAT(text, HasSubstr("duet_handler_outgoing_requests_total" + labels + "} 6\n"));
  EXPECT_THAT(text, HasSubstr("duet_handler_outgoing_body_bytes_total" + labels + "} 21\n"));
  EXPECT_THAT(text, HasSubstr("duet_handler_cold_requests_total" + labels + "} 3\n"));
  EXPECT_THAT(text, HasSubstr("duet_upstream_retries_total" + labels + "} 6\n"));
  EXPECT_THAT(text,
              HasSubstr("duet_request_duration_seconds_bucket" + labels + R"(,le="0.001"} 0)"));
  EXPECT_THAT(text,
              HasSubstr("duet_request_duration_seconds_bucket" + labels + R"(,le="0.0025"} 3)"));
  EXPECT_THAT(text, HasSubstr("duet_handler_cpu_seconds_sum" + labels + "} 0.00006\n"));
  EXPECT_THAT(text, HasSubstr("duet_handler_memory_bytes_bucket" + labels + R"(,le="262144"} 3)"));
}

TEST(RequestMetrics, ContainersHaveNoGuestsHistograms) {
  RequestMetrics metrics;
  metrics.record({.status = 200, .duration_ns = 1, .route = "r", .backend = "service/a/b:80"});
  EXPECT_THAT(text_of(metrics), Not(HasSubstr("duet_handler_cpu_seconds_bucket")));
}

TEST(RequestMetrics, SeriesAreBounded) {
  RequestMetrics metrics;
  const std::size_t more = RequestMetrics::kSeriesLimit + 50;
  for (std::size_t i = 0; i < more; ++i) {
    const std::string backend = "b" + std::to_string(i);
    metrics.record({.status = 200, .route = "r", .backend = backend});
  }
  metrics.record({.status = 200, .route = "r", .backend = "b0"});
  const std::string text = text_of(metrics);
  EXPECT_THAT(text,
              HasSubstr(R"(duet_requests_total{route="r",backend="b0",code="200",reason=""} 2)"));
  EXPECT_THAT(
      text,
      HasSubstr(R"(duet_requests_total{route="other",backend="other",code="200",reason=""} 50)"));
}

}  // namespace
}  // namespace duet::gateway
