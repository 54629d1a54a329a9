#include "api/log_file.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "api/cri_line.h"
#include "sys/file.h"
#include "sys/rfc3339.h"

namespace duet::api {
namespace {

class LogFileTest : public testing::Test {
 protected:
  LogFileTest() : folder_(sys::make_temporary_directory("/tmp", "duet-log-").value()) {}
  ~LogFileTest() override { (void)sys::remove_tree(folder_); }

  std::string path() const { return folder_ + "/0.log"; }
  void write(const std::string& text) { ASSERT_TRUE(sys::write_file(path(), text).ok()); }
  void append(const std::string& text) {
    std::FILE* file = std::fopen(path().c_str(), "a");
    std::fputs(text.c_str(), file);
    std::fclose(file);
  }
  std::string read(LogFile& log) {
    std::string out;
    EXPECT_TRUE(log.read_on([&](std::string_view text) {
                     out += text;
                     return Status();
                   })
                    .ok());
    return out;
  }
  std::string read(const LogSelection& selection) {
    auto log = LogFile::open(path(), selection);
    EXPECT_TRUE(log.ok());
    return log.ok() ? read(*log) : "";
  }

  std::string folder_;
};

std::string line(int second, const std::string& text, char tag = 'F') {
  return "2026-01-31T12:00:0" + std::to_string(second) + ".5Z stdout " + tag + " " + text + "\n";
}

TEST_F(LogFileTest, StripsPrefixesAndJoinsParts) {
  write(line(1, "one") + line(2, "tw", 'P') + line(3, "o") + line(4, ""));
  EXPECT_EQ(read(LogSelection{}), "one\ntwo\n\n");
  EXPECT_EQ(read({.timestamps = true}),
            "2026-01-31T12:00:01.5Z one\n2026-01-31T12:00:02.5Z two\n2026-01-31T12:00:04.5Z \n");
}

TEST_F(LogFileTest, TailCountsWholeLines) {
  write(line(1, "one") + line(2, "tw", 'P') + line(3, "o") + line(4, "three"));
  EXPECT_EQ(read({.tail_lines = 0}), "");
  EXPECT_EQ(read({.tail_lines = 1}), "three\n");
  EXPECT_EQ(read({.tail_lines = 2}), "two\nthree\n");
  EXPECT_EQ(read({.tail_lines = 3}), "one\ntwo\nthree\n");
  EXPECT_EQ(read({.tail_lines = 99}), "one\ntwo\nthree\n");
}

TEST_F(LogFileTest, TailOfManyLinesAcrossPieces) {
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += line(1, "line " + std::to_string(i));
  }
  write(text);
  const std::string tail = read({.tail_lines = 5'000});
  EXPECT_TRUE(tail.starts_with("line 15000\n")) << tail.substr(0, 40);
  EXPECT_TRUE(tail.ends_with("line 19999\n"));
}

TEST_F(LogFileTest, SinceAndLimit) {
  write(line(1, "one") + line(2, "two") + line(3, "three"));
  EXPECT_EQ(read({.since = sys::parse_rfc3339("2026-01-31T12:00:02Z")}), "two\nthree\n");
  EXPECT_EQ(read({.limit_bytes = 6}), "one\ntw");
}

TEST_F(LogFileTest, AnUnfinishedLineWaits) {
  write("2026-01-31T12:00:01Z stdout F ha");
  auto log = LogFile::open(path(), {});
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(read(*log), "");
  append("lf\n" + line(2, "next"));
  EXPECT_EQ(read(*log), "half\nnext\n");
}

TEST_F(LogFileTest, ARotatedFileIsReadToItsEndFirst) {
  write(line(1, "one"));
  auto log = LogFile::open(path(), {});
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(read(*log), "one\n");
  append(line(2, "two"));
  ASSERT_EQ(std::rename(path().c_str(), (path() + ".old").c_str()), 0);
  write(line(3, "three"));
  EXPECT_EQ(read(*log), "two\nthree\n");
}

TEST_F(LogFileTest, ForeignTextIsPassedOn) {
  write("no log line\n\n" + line(1, "one"));
  EXPECT_EQ(read(LogSelection{}), "no log line\n\none\n");
  EXPECT_FALSE(parse_cri_line(""));
  EXPECT_FALSE(parse_cri_line("a b c d"));
  EXPECT_FALSE(parse_cri_line("t stdout X text"));
  EXPECT_TRUE(parse_cri_line("t stderr F:x text"));
}

}  // namespace
}  // namespace duet::api
