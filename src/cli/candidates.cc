#include "cli/candidates.h"

#include <algorithm>
#include <span>

#include "api/resource_path.h"
#include "cli/api_client.h"
#include "cli/image_options.h"
#include "cli/json_text.h"
#include "cli/targets.h"
#include "cli/verbs.h"
#include "object/kind.h"

namespace duet::cli {
namespace {

using object::Kind;

std::string last_word(std::string_view name) {
  return std::string(name.substr(name.rfind(' ') + 1));
}

// Reads the words before the one that is typed, as far as they can be understood.
class Line {
 public:
  explicit Line(std::span<const std::string> words) {
    for (const std::string& word : words) {
      take(word);
    }
  }

  Invocation invocation;       // verb, words and flags so far
  const Flag* open = nullptr;  // a flag that waits for its value
  bool of_program = false;     // what follows belongs to a program

  const Flag* find(std::string_view word) const {
    const Verb* verb = invocation.verb;
    for (const auto flags :
         {verb == nullptr ? std::span<const Flag>() : verb->flags, global_flags()}) {
      for (const Flag& flag : flags) {
        const bool by_letter = word.size() == 2 && flag.letter == word[1];
        if (by_letter || word == "--" + std::string(flag.name)) {
          return &flag;
        }
      }
    }
    return nullptr;
  }

 private:
  void take(const std::string& word) {
    if (open != nullptr) {
      invocation.add(open->name, word);
      open = nullptr;
    } else if (word == "--") {
      of_program = true;
    } else if (word.starts_with('-') && word.size() > 1) {
      take_flag(word);
    } else if (!take_verb(word)) {
      invocation.words.push_back(word);
      of_program = of_program || (invocation.verb != nullptr && invocation.verb->stops_at_word);
    }
  }

  void take_flag(const std::string& word) {
    const size_t equals = word.find('=');
    const Flag* flag = find(word.substr(0, equals));
    if (flag == nullptr) {
      return;
    }
    if (equals != std::string::npos) {
      invocation.add(flag->name, word.substr(equals + 1));
    } else if (!flag->value.empty()) {
      open = flag;
    }
  }

  bool take_verb(const std::string& word) {
    const Verb* now = invocation.verb;
    if (now != nullptr && now->verbs.empty()) {
      return false;
    }
    const std::string name = now == nullptr ? word : std::string(now->name) + " " + word;
    const Verb* found = find_verb(now == nullptr ? all_verbs() : now->verbs, name);
    invocation.verb = found == nullptr ? now : found;
    return found != nullptr;
  }
};

void add_verbs(std::span<const Verb> verbs, Candidates& out) {
  for (const Verb& verb : verbs) {
    out.words.push_back({last_word(verb.name), std::string(verb.summary)});
  }
}

void add_names(const std::vector<std::string>& names, const std::string& prefix, Candidates& out) {
  for (const std::string& name : names) {
    out.words.push_back({prefix + name, ""});
  }
}

void add_kinds(Candidates& out) {
  for (const auto& info : object::all_kinds()) {
    out.words.push_back({std::string(info.plural), ""});
  }
  out.words.push_back({"all", "pods, services and deployments"});
}

// KIND/NAME where a slash is typed already.
bool add_slashed(const std::string& typed, const NamesOnNode& names, const std::string& ns,
                 Candidates& out) {
  const size_t slash = typed.find('/');
  if (slash == std::string::npos) {
    return false;
  }
  if (const auto kind = object::kind_from_word(typed.substr(0, slash))) {
    add_names(names.objects(*kind, ns), typed.substr(0, slash + 1), out);
  }
  return true;
}

void add_words(const Invocation& line, const std::string& typed, const NamesOnNode& names,
               Candidates& out) {
  const Verb& verb = *line.verb;
  switch (verb.words) {
    case Words::kKinds:
      if (add_slashed(typed, names, line.ns(), out)) {
        return;
      }
      if (line.words.empty()) {
        add_kinds(out);
      } else if (const auto kind = object::kind_from_word(line.words[0])) {
        add_names(names.objects(*kind, line.ns()), "", out);
      }
      return;
    case Words::kPods:
      if (line.words.empty() && !add_slashed(typed, names, line.ns(), out)) {
        add_names(names.objects(Kind::kPod, line.ns()), "", out);
      }
      return;
    case Words::kImages:
      add_names(names.images(), "", out);
      return;
    case Words::kFilesAndImages:
      add_names(names.images(), "", out);
      out.files = true;
      return;
    case Words::kFiles:
      out.files = true;
      return;
    case Words::kVerbs:
      add_verbs(all_verbs(), out);
      return;
    case Words::kShells:
      add_names({"bash", "zsh", "fish"}, "", out);
      return;
    case Words::kNone:
      return;
  }
}

void add_flags(std::span<const Flag> flags, Candidates& out) {
  for (const Flag& flag : flags) {
    out.words.push_back({"--" + std::string(flag.name), std::string(flag.help)});
  }
}

// `prefix` is what stands before the value in the same word: "--output=", or nothing.
void add_values(const Flag& flag, const std::string& prefix, const NamesOnNode& names,
                Candidates& out) {
  std::string_view left = flag.choices;
  while (!left.empty()) {
    const size_t bar = std::min(left.find('|'), left.size());
    out.words.push_back({prefix + std::string(left.substr(0, bar)), ""});
    left.remove_prefix(std::min(bar + 1, left.size()));
  }
  if (flag.name == "namespace") {
    add_names(names.objects(Kind::kNamespace, ""), prefix, out);
  }
  out.files = flag.value == "PATH" || flag.value == "FILE";
}

std::vector<std::string> names_of(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : at(list, "/items")) {
    out.push_back(text_at(item, "/metadata/name"));
  }
  return out;
}

}  // namespace

NamesOnNode names_on_node(const Invocation& invocation) {
  return {.objects =
              [invocation](Kind kind, const std::string& ns) {
                auto api = ApiClient::connect(invocation);
                if (!api.ok()) {
                  return std::vector<std::string>();
                }
                const auto list = api->get(api::resource_path(kind, ns));
                return list.ok() ? names_of(*list) : std::vector<std::string>();
              },
          .images =
              [invocation] {
                std::vector<std::string> out;
                const auto store = open_images(invocation);
                const auto images = store.ok() ? store->list() : store.error();
                for (const auto& image : images.value_or({})) {
                  out.push_back(image.name);
                }
                return out;
              }};
}

Candidates find_candidates(const std::vector<std::string>& words,
                           const std::function<NamesOnNode(const Invocation&)>& ask) {
  Candidates out;
  if (words.empty()) {
    return out;
  }
  const std::string& typed = words.back();
  const Line line(std::span<const std::string>(words).first(words.size() - 1));
  const Invocation& before = line.invocation;
  const size_t equals = typed.find('=');
  const NamesOnNode names = ask(before);
  if (line.of_program) {
    out.files = true;
  } else if (line.open != nullptr) {
    add_values(*line.open, "", names, out);
  } else if (typed.starts_with('-') && equals != std::string::npos) {
    if (const Flag* flag = line.find(typed.substr(0, equals))) {
      add_values(*flag, typed.substr(0, equals + 1), names, out);
    }
  } else if (typed.starts_with('-')) {
    add_flags(before.verb == nullptr ? std::span<const Flag>() : before.verb->flags, out);
    add_flags(global_flags(), out);
  } else if (before.verb == nullptr) {
    add_verbs(all_verbs(), out);
  } else if (!before.verb->verbs.empty()) {
    add_verbs(before.verb->verbs, out);
  } else {
    add_words(before, typed, names, out);
  }
  std::erase_if(out.words, [&](const Candidate& one) {
    return one.word.empty() || !one.word.starts_with(typed);
  });
  return out;
}

}  // namespace duet::cli
