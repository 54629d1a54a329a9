#include "monitor/cri_log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>

#include "sys/file.h"

namespace duet::monitor {
namespace {

constexpr sys::WallTime kTime{std::chrono::seconds(1'767'225'600)};  // 2026-01-01T00:00:00Z
const std::string kStamp = "2026-01-01T00:00:00.000000000Z";

class CriLogTest : public testing::Test {
 protected:
  void SetUp() override {
    auto made = sys::make_temporary_directory("/tmp", "cri-log-");
    ASSERT_TRUE(made.ok());
    directory_ = *made;
    path_ = directory_ + "/0.log";
  }
  void TearDown() override { ASSERT_TRUE(sys::remove_tree(directory_).ok()); }

  CriLog open(uint64_t size_limit_bytes = 1 << 20, uint32_t file_limit = 3) {
    auto log = CriLog::open({path_, size_limit_bytes, file_limit});
    EXPECT_TRUE(log.ok()) << log.error().message();
    return std::move(*log);
  }
  std::string content(const std::string& suffix = "") const {
    return sys::read_file(path_ + suffix, 64 << 20).value_or("(no file)");
  }

  std::string directory_;
  std::string path_;
};

TEST_F(CriLogTest, WritesLinesAsTheyCome) {
  CriLog log = open();
  log.write(OutputStream::kStdout, "one\ntw", kTime);
  log.write(OutputStream::kStderr, "\nproblem\n", kTime);
  log.write(OutputStream::kStdout, "o\n", kTime);
  EXPECT_EQ(content(), kStamp + " stdout F one\n" + kStamp + " stderr F \n" + kStamp +
                           " stderr F problem\n" + kStamp + " stdout F two\n");
}

TEST_F(CriLogTest, EndsAnUnfinishedLine) {
  CriLog log = open();
  log.write(OutputStream::kStdout, "no newline", kTime);
  EXPECT_EQ(content(), "");
  log.finish(OutputStream::kStdout, kTime);
  log.finish(OutputStream::kStdout, kTime);
  EXPECT_EQ(content(), kStamp + " stdout F no newline\n");
}

TEST_F(CriLogTest, CutsLongLinesIntoParts) {
  CriLog log = open();
  const std::string part(kLogPartBytes, 'x');
  const std::string line = part + part + "end\n";
  for (size_t at = 0; at < line.size(); at += 1000) {
    log.write(OutputStream::kStdout, std::string_view(line).substr(at, 1000), kTime);
  }
  EXPECT_EQ(content(), kStamp + " stdout P " + part + "\n" + kStamp + " stdout P " + part + "\n" +
                           kStamp + " stdout F end\n");
}

TEST_F(CriLogTest, ALineOfOnePartIsWhole) {
  CriLog log = open();
  const std::string part(kLogPartBytes, 'x');
  log.write(OutputStream::kStdout, part + "\n", kTime);
  EXPECT_EQ(content(), kStamp + " stdout F " + part + "\n");
}

TEST_F(CriLogTest, WritesManyLinesAtOnce) {
  CriLog log = open();
  std::string text;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    text += std::to_string(i) + "\n";
    expected += kStamp + " stdout F " + std::to_string(i) + "\n";
  }
  log.write(OutputStream::kStdout, text, kTime);
  EXPECT_EQ(content(), expected);
}

TEST_F(CriLogTest, RotatesAtLineEndsAndKeepsSoManyFiles) {
  CriLog log = open(200, 3);
  const std::string line = kStamp + " stdout F " + std::string(50, 'a');  // 91 bytes with newline
  for (char c = 'a'; c < 'j'; ++c) {
    log.write(OutputStream::kStdout, std::string(50, c) + "\n", kTime);
  }
  EXPECT_EQ(content(), kStamp + " stdout F " + std::string(50, 'i') + "\n");
  EXPECT_EQ(content(".1").size(), 2 * (line.size() + 1));
  EXPECT_EQ(content(".2").size(), 2 * (line.size() + 1));
  EXPECT_FALSE(sys::file_exists(path_ + ".3"));
}

TEST_F(CriLogTest, OneFileStartsAgain) {
  CriLog log = open(100, 1);
  log.write(OutputStream::kStdout, std::string(50, 'a') + "\n", kTime);
  log.write(OutputStream::kStdout, std::string(50, 'b') + "\n", kTime);
  EXPECT_EQ(content(), kStamp + " stdout F " + std::string(50, 'b') + "\n");
  EXPECT_FALSE(sys::file_exists(path_ + ".1"));
}

TEST_F(CriLogTest, ContinuesAFileAndReopensAMovedOne) {
  {
    open().write(OutputStream::kStdout, "first\n", kTime);
  }
  CriLog log = open();
  log.write(OutputStream::kStdout, "second\n", kTime);
  ASSERT_EQ(::rename(path_.c_str(), (path_ + ".moved").c_str()), 0);
  log.write(OutputStream::kStdout, "third\n", kTime);
  ASSERT_TRUE(log.reopen().ok());
  log.write(OutputStream::kStdout, "fourth\n", kTime);
  EXPECT_EQ(content(".moved"), kStamp + " stdout F first\n" + kStamp + " stdout F second\n" +
                                   kStamp + " stdout F third\n");
  EXPECT_EQ(content(), kStamp + " stdout F fourth\n");
}

TEST_F(CriLogTest, AFullDiskLosesOutputAndNothingElse) {
  auto log = CriLog::open({"/dev/full", 1 << 20, 1});
  ASSERT_TRUE(log.ok());
  log->write(OutputStream::kStdout, "lost\n", kTime);
  EXPECT_EQ(log->dropped_bytes(), kStamp.size() + sizeof(" stdout F lost"));
}

TEST_F(CriLogTest, SaysThatAFileCannotBeOpened) {
  const auto log = CriLog::open({directory_ + "/no/such/0.log", 1, 1});
  ASSERT_FALSE(log.ok());
  EXPECT_NE(log.error().message().find("/no/such/0.log"), std::string::npos);
}

}  // namespace
}  // namespace duet::monitor
