#include "oci/reference.h"

#include <gtest/gtest.h>

namespace duet::oci {
namespace {

constexpr const char* kDigest =
    "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

TEST(Reference, NormalizesAsDockerDoes) {
  const std::pair<const char*, const char*> cases[] = {
      {"redis", "docker.io/library/redis:latest"},
      {"redis:7", "docker.io/library/redis:7"},
      {"grafana/loki", "docker.io/grafana/loki:latest"},
      {"index.docker.io/redis", "docker.io/library/redis:latest"},
      {"docker.io/a/b:c", "docker.io/a/b:c"},
      {"webassembly.azurecr.io/hello-wasm:v1", "webassembly.azurecr.io/hello-wasm:v1"},
      {"localhost/x", "localhost/x:latest"},
      {"localhost:5000/x:1", "localhost:5000/x:1"},
      {"host:5000/x", "host:5000/x:latest"},
      {"[::1]:5000/x", "[::1]:5000/x:latest"},
      {"GHCR.io/a", "ghcr.io/a:latest"},
      {"LocalHost/a", "localhost/a:latest"},
      {"ronAonnva/aa", "ronAonnva/aa:latest"},
      {"ghcr.io/a/b__c/d-e.f", "ghcr.io/a/b__c/d-e.f:latest"},
  };
  for (const auto& [text, name] : cases) {
    EXPECT_EQ(normalize_reference(text).value_or("error"), name) << text;
    EXPECT_EQ(normalize_reference(name).value_or("error"), name) << "once more: " << name;
  }
}

TEST(Reference, KeepsTheDigest) {
  const auto pinned = parse_reference(std::string("redis@") + kDigest);
  ASSERT_TRUE(pinned.ok());
  EXPECT_EQ(pinned->tag, "");
  EXPECT_EQ(pinned->version(), kDigest);
  EXPECT_EQ(pinned->name(), std::string("docker.io/library/redis@") + kDigest);
  const auto both = parse_reference(std::string("host:1/x:v1@") + kDigest);
  ASSERT_TRUE(both.ok());
  EXPECT_EQ(both->name(), std::string("host:1/x:v1@") + kDigest);
}

TEST(Reference, RefusesWhatIsNotAName) {
  const std::string cases[] = {
      "",
      "UPPER",
      "a//b",
      "a/b:",
      "a/b:.x",
      ":tag",
      "a@sha256:12",
      "a@md5:0123",
      "-a",
      "a-",
      "a..b",
      "a___b",
      "host:99999/x",
      "host:port/x",
      "host:/x",
      "ho st/x",
      "http://host/x",
      "a/../b",
      "a\nb",
      std::string("a\0b", 3),
      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
      std::string(300, 'a'),
      std::string(2000, 'a'),
      "a:" + std::string(129, 'b'),
  };
  for (const auto& text : cases) {
    const auto parsed = parse_reference(text);
    ASSERT_FALSE(parsed.ok()) << text << " became " << parsed->name();
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalid);
    EXPECT_TRUE(parsed.error().message().starts_with("image name")) << parsed.error().message();
  }
}

TEST(Reference, TalksToDockerHubsOwnHost) {
  EXPECT_EQ(parse_reference("redis")->endpoint(), "registry-1.docker.io");
  EXPECT_EQ(parse_reference("host:1/redis")->endpoint(), "host:1");
}

TEST(Reference, KnowsLoopback) {
  for (const char* yes : {"localhost", "localhost:5000", "127.0.0.1:1", "127.1.2.3", "[::1]:5"}) {
    EXPECT_TRUE(is_loopback_registry(yes)) << yes;
  }
  for (const char* no : {"127.0.0.example.com", "localhost.example.com", "10.0.0.1", "128.0.0.1"}) {
    EXPECT_FALSE(is_loopback_registry(no)) << no;
  }
}

}  // namespace
}  // namespace duet::oci
