#include "cli/help.h"

#include <algorithm>
#include <cstdio>

#include "cli/invocation.h"
#include "cli/verbs.h"

namespace duet::cli {
namespace {

constexpr std::string_view kIntroduction =
    "duet runs containers and WebAssembly side by side on one edge node, from\n"
    "Kubernetes manifests.";

std::string flag_words(const Flag& flag) {
  std::string out = flag.letter == 0 ? "    " : std::string("-") + flag.letter + ", ";
  out += "--" + std::string(flag.name);
  if (!flag.value.empty()) {
    out += " " + std::string(flag.value);
  }
  return out;
}

std::string flag_list(std::span<const Flag> flags) {
  size_t width = 0;
  for (const Flag& flag : flags) {
    width = std::max(width, flag_words(flag).size());
  }
  std::string out;
  for (const Flag& flag : flags) {
    const std::string words = flag_words(flag);
    out +=
        "  " + words + std::string(width + 2 - words.size(), ' ') + std::string(flag.help) + ".\n";
  }
  return out;
}

std::string verb_list(std::span<const Verb> verbs) {
  size_t width = 0;
  for (const Verb& verb : verbs) {
    width = std::max(width, verb.name.size());
  }
  std::string out;
  for (const Verb& verb : verbs) {
    out += "  " + std::string(verb.name) + std::string(width + 2 - verb.name.size(), ' ') +
           std::string(verb.summary) + ".\n";
  }
  return out;
}

std::string usage_line(const Verb& verb) {
  std::string out = "duet " + std::string(verb.name);
  if (!verb.flags.empty()) {
    out += " [FLAGS]";
  }
  return verb.arguments.empty() ? out : out + " " + std::string(verb.arguments);
}

std::string manual_verb(const Verb& verb) {
  std::string out = "\n## duet " + std::string(verb.name) + "\n\n" + std::string(verb.summary) +
                    ".\n\n```\n" + usage_line(verb) + "\n```\n";
  if (!verb.description.empty()) {
    out += "\n" + std::string(verb.description) + "\n";
  }
  if (!verb.flags.empty()) {
    out += "\n| flag | meaning |\n| --- | --- |\n";
    for (const Flag& flag : verb.flags) {
      std::string words = flag_words(flag);
      words.erase(0, words.find('-'));
      std::string meaning(flag.help);
      for (size_t at = meaning.find('|'); at != std::string::npos; at = meaning.find('|', at + 2)) {
        meaning.insert(at, "\\");
      }
      out += "| `" + words + "` | " + meaning + " |\n";
    }
  }
  if (!verb.examples.empty()) {
    out += "\n```sh\n";
    for (const Example& example : verb.examples) {
      out += "# " + std::string(example.what) + "\n" + std::string(example.command) + "\n";
    }
    out += "```\n";
  }
  for (const Verb& inner : verb.verbs) {
    out += manual_verb(inner);
  }
  return out;
}

constexpr Flag kHelpFlags[] = {
    {"markdown", 0, "", "Print the manual of all commands in Markdown"},
};

constexpr Example kHelpExamples[] = {
    {"All verbs", "duet help"},
    {"The flags and examples of one", "duet help get"},
};

const Verb* find_by_words(const std::vector<std::string>& words) {
  const Verb* found = nullptr;
  std::string name;
  for (const auto& word : words) {
    name += (name.empty() ? "" : " ") + word;
    const Verb* next = find_verb(found == nullptr ? all_verbs() : found->verbs, name);
    // `help` passes on the whole name of a group's verb as one word.
    if (next == nullptr && found == nullptr && name.find(' ') != std::string::npos) {
      const Verb* group = find_verb(all_verbs(), name.substr(0, name.find(' ')));
      next = group == nullptr ? nullptr : find_verb(group->verbs, name);
    }
    if (next == nullptr) {
      return nullptr;
    }
    found = next;
  }
  return found;
}

Result<int> run(const Invocation& invocation) {
  if (invocation.has("markdown")) {
    std::fputs(manual().c_str(), stdout);
    return 0;
  }
  if (invocation.words.empty()) {
    std::fputs(overview().c_str(), stdout);
    return 0;
  }
  const Verb* verb = find_by_words(invocation.words);
  if (verb == nullptr) {
    return usage_error(invocation, "there is no command \"" + invocation.words.back() + "\"");
  }
  std::fputs(help_of(*verb).c_str(), stdout);
  return 0;
}

}  // namespace

std::string overview() {
  return std::string(kIntroduction) + "\n\nUsage: duet COMMAND [FLAGS] [ARGUMENTS]\n\nCommands:\n" +
         verb_list(all_verbs()) + "\nFlags of every command:\n" + flag_list(global_flags()) +
         "\n\"duet help COMMAND\" tells more about one.\n";
}

std::string help_of(const Verb& verb) {
  std::string out = std::string(verb.summary) + ".\n\nUsage: " + usage_line(verb) + "\n";
  if (!verb.description.empty()) {
    out += "\n" + std::string(verb.description) + "\n";
  }
  if (!verb.verbs.empty()) {
    out += "\nCommands:\n" + verb_list(verb.verbs);
  }
  if (!verb.examples.empty()) {
    out += "\nExamples:\n";
    for (const Example& example : verb.examples) {
      out += "  # " + std::string(example.what) + "\n  " + std::string(example.command) + "\n";
    }
  }
  if (!verb.flags.empty()) {
    out += "\nFlags:\n" + flag_list(verb.flags);
  }
  return out + "\nFlags of every command:\n" + flag_list(global_flags());
}

std::string manual() {
  std::string out =
      "# The command line\n\n" + std::string(kIntroduction) +
      "\n\nThis page is printed by the program itself (`duet help --markdown`). Verbs and flags\n"
      "are kubectl's where kubectl has them. Exit codes: 0 done, 1 failed, 2 wrong use; `run`,\n"
      "`exec` and `attach` pass on the exit code of the program.\n\n| command | |\n| --- | --- |\n";
  for (const Verb& verb : all_verbs()) {
    out += "| [`duet " + std::string(verb.name) + "`](#duet-" + std::string(verb.name) + ") | " +
           std::string(verb.summary) + " |\n";
  }
  out += "\n## Flags of every command\n\n```\n" + flag_list(global_flags()) + "```\n";
  for (const Verb& verb : all_verbs()) {
    out += manual_verb(verb);
  }
  return out;
}

Verb help_verb() {
  return {.name = "help",
          .arguments = "[COMMAND]",
          .summary = "Show what a command does, its flags and examples",
          .description = "",
          .flags = kHelpFlags,
          .examples = kHelpExamples,
          .run = run,
          .words = Words::kVerbs};
}

}  // namespace duet::cli
