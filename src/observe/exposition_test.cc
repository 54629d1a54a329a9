#include "observe/exposition.h"

#include <gtest/gtest.h>

#include "observe/histogram.h"

namespace duet::observe {
namespace {

TEST(Exposition, WritesFamiliesAndLabels) {
  Exposition out;
  out.family("duet_requests_total", "counter", "Requests.");
  out.sample({}, 1);
  out.sample({{"route", "a\"b\\c\nd"}, {"code", "200"}}, 18'446'744'073'709'551'615U);
  EXPECT_EQ(out.take(),
            "# HELP duet_requests_total Requests.\n"
            "# TYPE duet_requests_total counter\n"
            "duet_requests_total 1\n"
            "duet_requests_total{route=\"a\\\"b\\\\c\\nd\",code=\"200\"} 18446744073709551615\n");
}

constexpr Histogram<2>::Bounds kBounds = {1'000'000, 2'500'000'000};

TEST(Exposition, HistogramsAreCumulative) {
  Histogram<2> histogram;
  for (const std::int64_t value : {500'000L, 1'000'000L, 1'000'001L, 3'000'000'000L}) {
    histogram.add(kBounds, value);
  }
  Exposition out;
  out.family("t_seconds", "histogram", "T.");
  out.histogram({{"a", "b"}}, kBounds, histogram.counts(), histogram.sum(), 1'000'000'000);
  EXPECT_EQ(out.take(),
            "# HELP t_seconds T.\n"
            "# TYPE t_seconds histogram\n"
            "t_seconds_bucket{a=\"b\",le=\"0.001\"} 2\n"
            "t_seconds_bucket{a=\"b\",le=\"2.5\"} 3\n"
            "t_seconds_bucket{a=\"b\",le=\"+Inf\"} 4\n"
            "t_seconds_sum{a=\"b\"} 3.002500001\n"
            "t_seconds_count{a=\"b\"} 4\n");
}

TEST(Exposition, ProcessesAreAddedUp) {
  const std::vector<std::string> texts = {
      "# HELP a A.\n# TYPE a counter\na{x=\"1\"} 2\na{x=\"2\"} 0.25\n",
      "# HELP b B.\n# TYPE b gauge\nb 7\n# HELP a A.\n# TYPE a counter\na{x=\"2\"} 1.75\n"
      "a{x=\"y z\"} 18446744073709551000\n"};
  const auto merged = merge_expositions(texts);
  ASSERT_TRUE(merged.ok()) << merged.error().message();
  EXPECT_EQ(*merged,
            "# HELP a A.\n# TYPE a counter\na{x=\"1\"} 2\na{x=\"2\"} 2\n"
            "a{x=\"y z\"} 18446744073709551000\n"
            "# HELP b B.\n# TYPE b gauge\nb 7\n");
  EXPECT_EQ(*merge_expositions(std::span(texts).first(1)), texts[0]);
  EXPECT_EQ(*merge_expositions({}), "");
}

TEST(Exposition, WhatIsNoMetricIsRefused) {
  for (const char* wrong :
       {"a 1\n", "# HELP a A.\na x\n", "# HELP a A.\na\n", "# HELP a A.\na 1",
        "# HELP a A.\na 1.x\n", "# HELP a A.\na -1\n", "# HELP a A.\na 1e5\n"}) {
    const std::vector<std::string> texts = {wrong};
    EXPECT_FALSE(merge_expositions(texts).ok()) << wrong;
  }
}

}  // namespace
}  // namespace duet::observe
