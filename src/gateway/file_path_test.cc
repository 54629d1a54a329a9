#include "gateway/file_path.h"

#include <gtest/gtest.h>

namespace duet::gateway {
namespace {

TEST(FilePath, IsBelowTheFolder) {
  EXPECT_EQ(file_path("/"), "");
  EXPECT_EQ(file_path("/a"), "a");
  EXPECT_EQ(file_path("/a/b.css"), "a/b.css");
  EXPECT_EQ(file_path("/a/"), "a/");
  EXPECT_EQ(file_path("/with%20space/%C3%A4"), "with space/\xc3\xa4");
  EXPECT_EQ(file_path("/a%2e%2E"), "a..");
  EXPECT_EQ(file_path("/.well-known/acme"), ".well-known/acme");
}

TEST(FilePath, LeavesNothingToTheFileSystem) {
  for (const char* wrong :
       {"*",           "/..",    "/../a", "/a/../b", "/a/..",        "/%2e%2e/a", "/%2E./a",
        "/.",          "/a/./b", "//a",   "/a//b",   "/.git/config", "/a/.env",   "/a%2fb",
        "/a%2F..%2Fb", "/a%00",  "/a%",   "/a%2",    "/a%zz",        "/a%+1"}) {
    EXPECT_FALSE(file_path(wrong)) << wrong;
  }
}

TEST(ContentType, FollowsTheName) {
  EXPECT_EQ(content_type_of("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(content_type_of("a/b.tar.GZ"), "application/gzip");
  EXPECT_EQ(content_type_of("a.html/b"), "application/octet-stream");
  EXPECT_EQ(content_type_of("noextension"), "application/octet-stream");
}

}  // namespace
}  // namespace duet::gateway
