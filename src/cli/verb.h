#pragma once

#include <span>
#include <string_view>

#include "base/result.h"

// What a verb of the command line is made of. Everything that is said of a verb (usage errors,
// `duet help`, completion, docs/cli.md) comes from these tables.
namespace duet::cli {

class Invocation;

struct Flag {
  std::string_view name;   // without dashes
  char letter = 0;         // its short form; 0: none
  std::string_view value;  // what its value is called: KEY=VALUE; empty: a switch
  std::string_view help;   // one sentence without its full stop
  // What a valued flag accepts, for completion and for errors: "wide|yaml|json|name". A switch
  // takes
  // "=true" and "=false", and what stands here.
  std::string_view choices = "";
};

struct Example {
  std::string_view what;
  std::string_view command;
};

// What the words after a verb are, for completion.
enum class Words { kNone, kKinds, kPods, kFiles, kFilesAndImages, kImages, kVerbs, kShells };

struct Verb {
  std::string_view name;       // "get"; "image pull" is the verb pull of the group image
  std::string_view arguments;  // "(KIND [NAME...] | KIND/NAME...)"
  std::string_view summary;    // one line for the list of verbs
  std::string_view description;
  std::span<const Flag> flags;
  std::span<const Example> examples;
  // Does it. The exit code, or an error that is printed; nullptr for a group.
  Result<int> (*run)(const Invocation&) = nullptr;
  std::span<const Verb> verbs = {};  // of a group
  Words words = Words::kNone;
  // Flags end at the first word: what follows belongs to a program.
  bool stops_at_word = false;
};

inline constexpr int kExitFailure = 1;
inline constexpr int kExitUsage = 2;

}  // namespace duet::cli
