#include "api/query.h"

#include <gtest/gtest.h>

#include "net/http_target.h"

namespace duet::api {
namespace {

TEST(Query, DecodesNamesAndValues) {
  const auto query = Query::parse("command=ls&command=a%20b+c&tty=true&x=&labelSelector=a%3Db");
  ASSERT_TRUE(query.ok());
  EXPECT_EQ(query->all("command"), (std::vector<std::string>{"ls", "a b c"}));
  EXPECT_EQ(query->get("labelSelector"), "a=b");
  EXPECT_TRUE(query->flag("tty"));
  EXPECT_TRUE(query->has("x"));
  EXPECT_FALSE(query->flag("missing"));
}

TEST(Query, FlagsAreReadAsKubernetesDoes) {
  const auto query = Query::parse("a&b=0&c=false&d=1");
  ASSERT_TRUE(query.ok());
  EXPECT_TRUE(query->flag("a"));
  EXPECT_FALSE(query->flag("b"));
  EXPECT_FALSE(query->flag("c"));
  EXPECT_TRUE(query->flag("d"));
}

TEST(Query, BadEscapesAndNumbersAreRefused) {
  for (const char* text : {"a=%", "a=%1", "a=%zz", "%=1", "a=%00"}) {
    EXPECT_FALSE(Query::parse(text).ok()) << text;
  }
  const auto query = Query::parse("n=12x&big=99999999999999999999&ok=-3");
  ASSERT_TRUE(query.ok());
  EXPECT_FALSE(query->number("n").ok());
  EXPECT_FALSE(query->number("big").ok());
  EXPECT_EQ(query->number("ok").value(), -3);
  EXPECT_EQ(query->number("none").value(), std::nullopt);
}

TEST(Query, ParametersAreBounded) {
  std::string text;
  for (int i = 0; i < 2000; ++i) {
    text += "a=b&";
  }
  EXPECT_FALSE(Query::parse(text).ok());
}

TEST(PercentEncode, IsUndoneByDecode) {
  std::string all;
  for (int c = 1; c < 256; ++c) {
    all += static_cast<char>(c);
  }
  const std::string encoded = net::percent_encode(all);
  EXPECT_EQ(encoded.find(' '), std::string::npos);
  EXPECT_EQ(percent_decode(encoded, true).value(), all);
}

}  // namespace
}  // namespace duet::api
