#include "container/user.h"

#include "container/test_support.h"

namespace duet::container {
namespace {

class UserTest : public ScratchTest {
 protected:
  void SetUp() override {
    ScratchTest::SetUp();
    ASSERT_TRUE(sys::make_directories(scratch_ + "/etc").ok());
    put("/etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\n# comment\nbroken line\nweb:x:1000:1001::/:/bin/sh\n"
        "1234:x:5:6::/:\nbad:x:99999999999:1::/:\n");
    put("/etc/group", "root:x:0:\nweb:x:1001:\nlog:x:50:web,other\nadm:x:4:other\nbad:x:y:web\n");
  }
  void put(const std::string& path, const std::string& text) {
    ASSERT_TRUE(sys::write_file(scratch_ + path, text).ok());
  }
  std::string resolve(const UserRequest& request) {
    const auto ids = resolve_user(scratch_, request);
    if (!ids.ok()) {
      return std::string(error_code_name(ids.error().code()));
    }
    std::string text = std::to_string(ids->uid) + ":" + std::to_string(ids->gid);
    auto more = ids->additional_gids;
    EXPECT_EQ(std::erase(more, ids->gid), 1U) << "the primary group is one of them, once";
    for (const auto gid : more) {
      text += "+" + std::to_string(gid);
    }
    return text;
  }
};

TEST_F(UserTest, ImageUsers) {
  EXPECT_EQ(resolve({.image_user = ""}), "0:0");
  EXPECT_EQ(resolve({.image_user = "web"}), "1000:1001+50");
  EXPECT_EQ(resolve({.image_user = "1000"}), "1000:1001+50");
  EXPECT_EQ(resolve({.image_user = "web:log"}), "1000:50");
  EXPECT_EQ(resolve({.image_user = "web:77"}), "1000:77+50");
  EXPECT_EQ(resolve({.image_user = "7"}), "7:0");
  EXPECT_EQ(resolve({.image_user = "7:8"}), "7:8");
  EXPECT_EQ(resolve({.image_user = "1234"}), "5:6") << "a name of digits is a name";
  for (const char* user :
       {"nobody", "bad", "web:nogroup", "-1", "4294967295", "1 ", "99999999999"}) {
    EXPECT_EQ(resolve({.image_user = user}), "invalid") << user;
  }
}

TEST_F(UserTest, PodUsersWin) {
  EXPECT_EQ(resolve({.image_user = "web", .run_as_user = 0}), "0:0");
  EXPECT_EQ(resolve({.image_user = "root:log", .run_as_user = 1000}), "1000:1001+50");
  EXPECT_EQ(resolve({.image_user = "web", .run_as_group = 9}), "1000:9+50");
  EXPECT_EQ(resolve({.run_as_user = 3, .run_as_group = 4, .supplemental_groups = {6, 5, 6, 4}}),
            "3:4+5+6");
  EXPECT_EQ(resolve({.run_as_user = -1}), "invalid");
  EXPECT_EQ(resolve({.supplemental_groups = {int64_t{1} << 32}}), "invalid");
}

TEST_F(UserTest, LinksDoNotLeaveTheImage) {
  put("/outside", "web:x:6666:6666::/:\n");
  ASSERT_TRUE(sys::make_directories(scratch_ + "/image/etc").ok());
  const std::string image = scratch_ + "/image";
  ASSERT_EQ(::symlink("../../../../outside", (image + "/etc/passwd").c_str()), 0);
  EXPECT_FALSE(resolve_user(image, {.image_user = "web"}).ok());
  ASSERT_TRUE(sys::write_file(image + "/outside", "web:x:7:7::/:\n").ok());
  EXPECT_EQ(resolve_user(image, {.image_user = "web"}).value().uid, 7U);
}

TEST_F(UserTest, StrangeFilesAreRefused) {
  ASSERT_EQ(::unlink((scratch_ + "/etc/passwd").c_str()), 0);
  EXPECT_EQ(resolve({.image_user = "7"}), "7:0") << "an image need not have the file";
  ASSERT_EQ(::mkfifo((scratch_ + "/etc/passwd").c_str(), 0644), 0);
  EXPECT_EQ(resolve({.image_user = "7"}), "invalid");
  ASSERT_EQ(::unlink((scratch_ + "/etc/passwd").c_str()), 0);
  put("/etc/passwd", std::string((1 << 20) + 1, 'x'));
  EXPECT_EQ(resolve({.image_user = "7"}), "exhausted");
}

}  // namespace
}  // namespace duet::container
