#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "object/manifest.h"

namespace duet::object {
namespace {

// testdata/*.txt hold cases: a line "=== name", a manifest, a line "---8<---", and the problems
// that are expected, one a line without the file's name. No line: the manifest has none.
struct Case {
  std::string name;
  std::string manifest;
  std::string expected;
};

std::vector<Case> read_cases(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<Case> cases;
  std::string* part = nullptr;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("=== ", 0) == 0) {
      cases.push_back({path.stem().string() + ": " + line.substr(4), {}, {}});
      part = &cases.back().manifest;
    } else if (line == "---8<---" && part != nullptr) {
      part = &cases.back().expected;
    } else if (part != nullptr) {
      *part += line + "\n";
    }
  }
  return cases;
}

std::vector<Case> all_cases() {
  const char* source = std::getenv("DUET_SOURCE_DIR");
  std::vector<Case> out;
  if (source == nullptr) {
    return out;
  }
  const auto folder = std::filesystem::path(source) / "src/object/testdata";
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(folder, failure)) {
    const auto cases = read_cases(entry.path());
    out.insert(out.end(), cases.begin(), cases.end());
  }
  return out;
}

TEST(Validation, EveryCaseGivesItsProblems) {
  const auto cases = all_cases();
  ASSERT_GT(cases.size(), 50U) << "run the test through ctest";
  for (const Case& one : cases) {
    const Manifest manifest = parse_manifest(one.manifest, "f");
    std::string found;
    for (const Problem& problem : manifest.problems) {
      found += problem.describe().substr(2) + "\n";
    }
    EXPECT_EQ(found, one.expected) << one.name;
    EXPECT_EQ(manifest.ok(), manifest.objects.size() == 1) << one.name;
  }
}

}  // namespace
}  // namespace duet::object
