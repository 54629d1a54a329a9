#include "oci/auth.h"

#include <gtest/gtest.h>

namespace duet::oci {
namespace {

// base64 of duet:secret
constexpr const char* kAuth = "ZHVldDpzZWNyZXQ=";

std::optional<Credentials> find(const std::string& json, const char* name) {
  auto found = find_credentials(json, *parse_reference(name));
  EXPECT_TRUE(found.ok());
  return found.ok() ? *found : std::nullopt;
}

TEST(Credentials, AreFoundByRegistry) {
  const std::string json = std::string(R"({"auths":{"host:5000":{"auth":")") + kAuth + "\"}}}";
  const auto found = find(json, "host:5000/a/b");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->username, "duet");
  EXPECT_EQ(found->password, "secret");
  EXPECT_FALSE(find(json, "host:50001/a"));
  EXPECT_FALSE(find(json, "other/host:5000"));
}

TEST(Credentials, TheLongestPathWins) {
  const std::string json = R"({"auths":{
    "ghcr.io":{"username":"all","password":"1"},
    "https://ghcr.io/team":{"username":"team","password":"2"}}})";
  EXPECT_EQ(find(json, "ghcr.io/team/app")->username, "team");
  EXPECT_EQ(find(json, "ghcr.io/teamster/app")->username, "all");
}

TEST(Credentials, DockerHubHasItsOwnKey) {
  const std::string json =
      R"({"auths":{"https://index.docker.io/v1/":{"username":"u","password":"p"}}})";
  EXPECT_EQ(find(json, "redis")->username, "u");
}

TEST(Credentials, BadOnesAreReportedWithoutTheSecret) {
  for (const char* json :
       {R"({"auths":{"h.io":{"auth":"s3cr3t!!"}}})", R"({"auths":{"h.io":{"auth":"czNjcjN0"}}})",
        R"({"auths":{"h.io":{"auth":7}}})", "[]", "s3cr3t"}) {
    const auto found = find_credentials(json, *parse_reference("h.io/x"));
    ASSERT_FALSE(found.ok()) << json;
    EXPECT_EQ(found.error().message().find("s3cr3t"), std::string::npos);
  }
  EXPECT_FALSE(find(R"({"credHelpers":{}})", "h.io/x"));
}

TEST(Challenge, IsReadAsTheRfcSays) {
  const auto good = parse_challenge(
      R"(Bearer Realm="https://auth.example/token",service="reg \"1\"", scope="repository:a/b:pull,push")");
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good->scheme, "bearer");
  EXPECT_EQ(good->parameters.at("realm"), "https://auth.example/token");
  EXPECT_EQ(good->parameters.at("service"), "reg \"1\"");
  EXPECT_EQ(good->parameters.at("scope"), "repository:a/b:pull,push");
  EXPECT_EQ(
      parse_challenge("Bearer realm=https://a/t,scope=repository:a:pull")->parameters.at("scope"),
      "repository:a:pull");
  for (const char* bad : {"", "Bearer realm=\"open", "Bearer =x", "Bearer realm", "\"", "\\"}) {
    EXPECT_FALSE(parse_challenge(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace duet::oci
