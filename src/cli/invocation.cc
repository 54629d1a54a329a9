#include "cli/invocation.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "cli/verbs.h"
#include "object/format.h"

namespace duet::cli {
namespace {

// Flags of the verb, then those of all verbs.
template <typename Fits>
const Flag* find_flag(const Verb* verb, Fits fits) {
  if (verb != nullptr) {
    for (const Flag& flag : verb->flags) {
      if (fits(flag)) {
        return &flag;
      }
    }
  }
  for (const Flag& flag : global_flags()) {
    if (fits(flag)) {
      return &flag;
    }
  }
  return nullptr;
}

// `word` as it stands on the command line, with its dashes.
Error unknown_flag(const Verb* verb, const std::string& word) {
  std::vector<std::string_view> names;
  for (const auto flags :
       {global_flags(), verb == nullptr ? std::span<const Flag>() : verb->flags}) {
    for (const Flag& flag : flags) {
      names.push_back(flag.name);
    }
  }
  const std::string of = verb == nullptr ? "" : " of duet " + std::string(verb->name);
  const std::string_view near =
      object::nearest_word(word.substr(word.find_first_not_of('-')), names);
  return invalid("unknown flag" + of + ": " + word +
                 (near.empty() ? "" : "; did you mean \"--" + std::string(near) + "\"?"));
}

bool is_choice(const Flag& flag, std::string_view value) {
  std::string_view left = flag.choices;
  while (!left.empty()) {
    const size_t bar = left.find('|');
    if (left.substr(0, bar) == value) {
      return true;
    }
    left = bar == std::string_view::npos ? "" : left.substr(bar + 1);
  }
  return flag.choices.empty();
}

class Parser {
 public:
  explicit Parser(const std::vector<std::string>& words) : words_(words) {}

  Result<Invocation> parse() {
    while (at_ < words_.size()) {
      const std::string word = words_[at_++];
      if (word == "--") {
        out_.has_trailing = true;
        out_.trailing.assign(words_.begin() + static_cast<ptrdiff_t>(at_), words_.end());
        break;
      }
      if (word.starts_with("--")) {
        DUET_TRY(take_long(word));
      } else if (word.size() > 1 && word[0] == '-') {
        DUET_TRY(take_letters(word));
      } else {
        DUET_TRY(take_word(word));
        if (out_.verb != nullptr && out_.verb->stops_at_word && !out_.words.empty()) {
          // The rest is the program's; a "--" before it is only a mark.
          const bool mark = at_ < words_.size() && words_[at_] == "--";
          out_.has_trailing = mark;
          out_.trailing.assign(words_.begin() + static_cast<ptrdiff_t>(at_ + (mark ? 1 : 0)),
                               words_.end());
          break;
        }
      }
    }
    return finish();
  }

 private:
  Status take_word(const std::string& word) {
    if (out_.verb != nullptr && out_.verb->run != nullptr) {
      out_.words.push_back(word);
      return {};
    }
    const auto verbs = out_.verb == nullptr ? all_verbs() : out_.verb->verbs;
    const std::string name =
        out_.verb == nullptr ? word : std::string(out_.verb->name) + " " + word;
    const Verb* found = find_verb(verbs, name);
    if (found == nullptr) {
      std::vector<std::string_view> names;
      for (const Verb& verb : verbs) {
        names.push_back(verb.name);
      }
      const std::string_view near = object::nearest_word(name, names);
      return invalid("unknown command \"" + name + "\"" +
                     (near.empty() ? "" : "; did you mean \"" + std::string(near) + "\"?"));
    }
    out_.verb = found;
    return {};
  }

  Status take_long(const std::string& word) {
    const size_t equals = word.find('=');
    const std::string name = word.substr(2, equals == std::string::npos ? equals : equals - 2);
    const Flag* flag = find_flag(out_.verb, [&](const Flag& one) { return one.name == name; });
    if (flag == nullptr) {
      return unknown_flag(out_.verb, "--" + name);
    }
    if (equals != std::string::npos) {
      return add(*flag, word.substr(equals + 1));
    }
    return flag->value.empty() ? add(*flag, "true") : take_value(*flag, "--" + name);
  }

  // -it, -nspace, -n space, -n=space.
  Status take_letters(const std::string& word) {
    for (size_t i = 1; i < word.size(); ++i) {
      const Flag* flag =
          find_flag(out_.verb, [&](const Flag& one) { return one.letter == word[i]; });
      const std::string name = std::string("-") + word[i];
      if (flag == nullptr) {
        return unknown_flag(out_.verb, name);
      }
      if (flag->value.empty()) {
        DUET_TRY(add(*flag, "true"));
      } else if (i + 1 < word.size()) {
        return add(*flag, word.substr(word[i + 1] == '=' ? i + 2 : i + 1));
      } else {
        return take_value(*flag, name);
      }
    }
    return {};
  }

  Status take_value(const Flag& flag, const std::string& written) {
    if (at_ == words_.size()) {
      return invalid("flag " + written + " needs a value: " + std::string(flag.value));
    }
    return add(flag, words_[at_++]);
  }

  Status add(const Flag& flag, std::string value) {
    const bool is_switch = flag.value.empty();
    if (is_switch && (value == "true" || value == "false")) {
      out_.add(flag.name, std::move(value));
      return {};
    }
    if (is_switch && flag.choices.empty()) {
      return invalid("flag --" + std::string(flag.name) + " is true or false, not \"" + value +
                     "\"");
    }
    if (!is_choice(flag, value)) {
      return invalid("flag --" + std::string(flag.name) + " must be one of " +
                     std::string(flag.choices) + ", not \"" + value + "\"");
    }
    out_.add(flag.name, std::move(value));
    return {};
  }

  Result<Invocation> finish() {
    const bool is_group = out_.verb != nullptr && out_.verb->run == nullptr;
    if (out_.verb != nullptr && !is_group && !out_.has("help")) {
      return std::move(out_);
    }
    Invocation help;
    if (out_.verb != nullptr) {
      help.words.emplace_back(out_.verb->name);
    }
    help.verb = find_verb(all_verbs(), "help");
    return help;
  }

  const std::vector<std::string>& words_;
  size_t at_ = 0;
  Invocation out_;
};

}  // namespace

bool Invocation::has(std::string_view flag) const {
  const std::string last = value(flag);
  return !last.empty() && last != "false";
}

std::string Invocation::value(std::string_view flag, std::string_view fallback) const {
  for (auto it = flags_.rbegin(); it != flags_.rend(); ++it) {
    if (it->first == flag) {
      return it->second;
    }
  }
  return std::string(fallback);
}

std::vector<std::string> Invocation::values(std::string_view flag) const {
  std::vector<std::string> out;
  for (const auto& [name, value] : flags_) {
    if (name == flag) {
      out.push_back(value);
    }
  }
  return out;
}

Result<int64_t> Invocation::number(std::string_view flag, int64_t fallback) const {
  const std::string text = value(flag);
  if (text.empty() || text == "-1") {  // kubectl writes "not given" as -1
    return fallback;
  }
  int64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size() || out < 0) {
    return invalid("flag --" + std::string(flag) + " must be a whole number, not \"" + text + "\"");
  }
  return out;
}

SitePaths Invocation::paths() const {
  return site_paths(current_user(), value("state-dir"), value("run-dir"));
}

std::string Invocation::socket() const { return value("socket", paths().socket); }

Result<Invocation> parse_command_line(const std::vector<std::string>& arguments) {
  return Parser(arguments).parse();
}

int usage_error(const Invocation& invocation, const std::string& message) {
  const std::string name(invocation.verb->name);
  std::fprintf(stderr, "error: %s\nSee 'duet help %s'.\n", message.c_str(), name.c_str());
  return kExitUsage;
}

}  // namespace duet::cli
