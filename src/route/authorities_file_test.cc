#include "route/authorities_file.h"

#include <gtest/gtest.h>

#include "net/certificate.h"
#include "sys/file.h"

namespace duet::route {
namespace {

class AuthoritiesFileTest : public testing::Test {
 protected:
  void SetUp() override { folder_ = *sys::make_temporary_directory("/tmp", "duet-authorities-"); }
  void TearDown() override { EXPECT_TRUE(sys::remove_tree(folder_).ok()); }
  std::string folder_;
};

TEST_F(AuthoritiesFileTest, IsReadAnewAndKeepsWhatWasGood) {
  const std::string path = folder_ + "/ca.pem";
  AuthoritiesFile file(path);
  const Status missing = file.read();
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().message().find(path), std::string::npos) << missing.error().message();
  EXPECT_EQ(file.text(), "");

  const std::string first = net::make_self_signed("first")->chain_pem;
  ASSERT_TRUE(sys::write_file(path, first).ok());
  EXPECT_TRUE(file.read().ok());
  EXPECT_EQ(file.text(), first);

  ASSERT_TRUE(sys::write_file(path, "no certificate").ok());
  const Status bad = file.read();
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().message(),
            "certificate authorities of " + path + ": there is no certificate in PEM");
  EXPECT_EQ(file.text(), first);
}

TEST_F(AuthoritiesFileTest, NoneIsNoError) {
  AuthoritiesFile file("");
  EXPECT_TRUE(file.read().ok());
  EXPECT_EQ(file.text(), "");
}

}  // namespace
}  // namespace duet::route
