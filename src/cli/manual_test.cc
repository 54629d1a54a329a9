#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/help.h"
#include "cli/verbs.h"
#include "sys/file.h"

namespace duet::cli {
namespace {

TEST(Manual, IsWhatTheProgramPrints) {
  const char* source = std::getenv("DUET_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run by ctest";
  const auto page = sys::read_file(std::string(source) + "/docs/cli.md", 1 << 20);
  ASSERT_TRUE(page.ok());
  EXPECT_TRUE(*page == manual())
      << "docs/cli.md is stale: build/duet help --markdown > docs/cli.md";
}

TEST(Manual, HasEveryVerbAndFlag) {
  const std::string text = manual();
  for (const Verb& verb : all_verbs()) {
    EXPECT_NE(text.find("## duet " + std::string(verb.name) + "\n"), std::string::npos);
    for (const Flag& flag : verb.flags) {
      EXPECT_NE(help_of(verb).find("--" + std::string(flag.name)), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace duet::cli
