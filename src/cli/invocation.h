#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/site_paths.h"
#include "cli/verb.h"

namespace duet::cli {

// A command line that was understood. Immutable after parsing.
class Invocation {
 public:
  const Verb* verb = nullptr;
  std::vector<std::string> words;     // what is neither verb nor flag
  std::vector<std::string> trailing;  // what stands after "--"
  bool has_trailing = false;

  // The switch was given (and not as "=false").
  bool has(std::string_view flag) const;
  // The last value of the flag; empty if it was not given.
  std::string value(std::string_view flag, std::string_view fallback = "") const;
  std::vector<std::string> values(std::string_view flag) const;
  // A whole number from 0, or `fallback` for -1, as kubectl has it; kInvalid names the flag.
  Result<int64_t> number(std::string_view flag, int64_t fallback) const;

  std::string ns() const { return value("namespace", "default"); }
  SitePaths paths() const;  // of this user, with --state-dir and --run-dir
  std::string socket() const;

  void add(std::string_view flag, std::string value) {
    flags_.emplace_back(std::string(flag), std::move(value));
  }

 private:
  std::vector<std::pair<std::string, std::string>> flags_;
};

// Reads a command line without the program's name. kInvalid is what a person typed wrong, with a
// suggestion where one is near. A verb without words, or with --help, is given as the verb `help`
// with the verb's name as its words.
Result<Invocation> parse_command_line(const std::vector<std::string>& arguments);

// Says on stderr what is wrong with the use of a verb and where its help is. Returns kExitUsage.
int usage_error(const Invocation& invocation, const std::string& message);

}  // namespace duet::cli
