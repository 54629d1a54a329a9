#include "object/annotations.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace duet::object {
namespace {

TEST(Annotations, AreFoundByTheirName) {
  ASSERT_NE(find_annotation("cpu-time"), nullptr);
  EXPECT_EQ(find_annotation("cpu-time")->standard, 50);
  EXPECT_EQ(find_annotation("cpu"), nullptr);
}

TEST(Annotations, NumbersAreWrittenAsTheyAreRead) {
  using Type = AnnotationType;
  EXPECT_EQ(annotation_text(Type::kDuration, 50), "50ms");
  EXPECT_EQ(annotation_text(Type::kDuration, 90'000), "90s");
  EXPECT_EQ(annotation_text(Type::kDuration, 3'600'000), "1h");
  EXPECT_EQ(annotation_text(Type::kBytes, 64 << 10), "64Ki");
  EXPECT_EQ(annotation_text(Type::kBytes, 100), "100");
  EXPECT_EQ(annotation_text(Type::kCount, 65'536), "65536");
}

TEST(Annotations, TheDocumentedTableIsTheCodes) {
  const char* source = std::getenv("DUET_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run the test through ctest";
  std::ifstream file(std::string(source) + "/docs/budgets.md");
  std::stringstream page;
  page << file.rdbuf();
  for (const AnnotatedKind on :
       {AnnotatedKind::kPod, AnnotatedKind::kRoute, AnnotatedKind::kService}) {
    EXPECT_NE(page.str().find(budget_rows(on)), std::string::npos)
        << "docs/budgets.md must have these rows:\n"
        << budget_rows(on);
  }
}

TEST(Rate, IsANumberInATime) {
  EXPECT_EQ(*parse_rate("10/s"), (Rate{10, 1'000}));
  EXPECT_EQ(*parse_rate("600/m"), (Rate{600, 60'000}));
  EXPECT_EQ(*parse_rate("1000000/h"), (Rate{1'000'000, 3'600'000}));
  for (const char* wrong : {"", "10", "/s", "0/s", "-1/s", "1000001/s", "10/d", "10 /s", "10/s ",
                            "1.5/s", "99999999999999999999/s"}) {
    EXPECT_FALSE(parse_rate(wrong).ok()) << wrong;
  }
}

TEST(StaticFolder, IsANameAndWhatIsBelow) {
  EXPECT_EQ(*parse_static_folder("www"), (StaticFolder{"www", ""}));
  EXPECT_EQ(*parse_static_folder("www/shop/v1/"), (StaticFolder{"www", "shop/v1"}));
  for (const char* wrong : {"", "/", "/www", "www//a", "www/..", "../www", "www/./a"}) {
    EXPECT_FALSE(parse_static_folder(wrong).ok()) << wrong;
  }
}

TEST(Outbound, ReadsNamesAddressesAndRanges) {
  const auto targets = parse_outbound(
      "http://api:8080, https://*.Example.com\n http://10.1.0.0/16:81,http://[fd00::/8]:82 "
      "http://[::1] http://* http://127.0.0.1:1");
  ASSERT_TRUE(targets.ok()) << targets.error().message();
  const std::vector<OutboundTarget> expected = {
      {"http", "api", 8080},       {"https", "*.example.com", 0},
      {"http", "10.1.0.0/16", 81}, {"http", "fd00::/8", 82},
      {"http", "::1", 0},          {"http", "*", 0},
      {"http", "127.0.0.1", 1}};
  EXPECT_EQ(*targets, expected);
  EXPECT_TRUE(parse_outbound(" , ")->empty());
}

TEST(Outbound, RefusesWhatIsNoTarget) {
  for (const char* wrong :
       {"api:8080", "ftp://api", "http://api:0", "http://api:70000", "http://a/b", "http://",
        "http://*.", "http://a*.b", "http://[10.0.0.1]", "http://[::1", "http://[::1]x",
        "http://10.0.0.0/33", "http://[fd00::/129]", "http://u@host", "http://a:b:c"}) {
    const auto targets = parse_outbound(wrong);
    ASSERT_FALSE(targets.ok()) << wrong;
    EXPECT_NE(targets.error().message().find(wrong), std::string::npos);
  }
  std::string many;
  for (size_t i = 0; i <= kOutboundTargetLimit; ++i) {
    many += "http://h" + std::to_string(i) + ",";
  }
  EXPECT_FALSE(parse_outbound(many).ok());
}

}  // namespace
}  // namespace duet::object
