#include <cstdio>

#include "cli/invocation.h"
#include "cli/verbs.h"
#include "object/kind.h"

namespace duet::cli {
namespace {

constexpr Example kExamples[] = {
    {"bash, for this session", "source <(duet completion bash)"},
    {"zsh, for this session", "source <(duet completion zsh)"},
    {"fish, for good", "duet completion fish > ~/.config/fish/completions/duet.fish"},
};

std::string last_word(std::string_view name) {
  return std::string(name.substr(name.rfind(' ') + 1));
}

std::string names_of(std::span<const Verb> verbs) {
  std::string out;
  for (const Verb& verb : verbs) {
    out += (out.empty() ? "" : " ") + last_word(verb.name);
  }
  return out;
}

std::string flags_of(const Verb& verb) {
  std::string out;
  for (const auto flags : {verb.flags, global_flags()}) {
    for (const Flag& flag : flags) {
      out += (out.empty() ? "--" : " --") + std::string(flag.name);
    }
  }
  return out;
}

std::string kinds() {
  std::string out = "all";
  for (const auto& info : object::all_kinds()) {
    out += " " + std::string(info.plural);
  }
  return out;
}

// Shell text whose output are the candidates for the words of a verb; empty: files.
std::string words_of(const Verb& verb) {
  if (!verb.verbs.empty()) {
    return "echo " + names_of(verb.verbs);
  }
  switch (verb.words) {
    case Words::kKinds:
      return "echo " + kinds() + "; [ -n \"$2\" ] && duet get \"$2\" -o name | sed s,.*/,,";
    case Words::kPods:
      return "duet get pods -o name | sed s,.*/,,";
    case Words::kImages:
      return "duet image list -o name";
    case Words::kVerbs:
      return "echo " + names_of(all_verbs());
    case Words::kShells:
      return "echo bash zsh fish";
    case Words::kFiles:
    case Words::kNone:
      return "";
  }
  return "";
}

// One POSIX function that both bash and zsh use: _duet_candidates VERB FIRST_WORD.
std::string candidates_function() {
  std::string out = "_duet_candidates() {\n  case \"$1\" in\n";
  for (const Verb& verb : all_verbs()) {
    out += "    " + std::string(verb.name) + ") case \"$3\" in -*) echo '" + flags_of(verb) +
           "' ;; *) ";
    const std::string words = words_of(verb);
    out += words.empty() ? ":" : "{ " + words + "; } 2>/dev/null";
    out += " ;; esac ;;\n";
  }
  return out + "    *) echo '" + names_of(all_verbs()) + "' ;;\n  esac\n}\n";
}

std::string bash_script() {
  return candidates_function() +
         "_duet() {\n"
         "  local word=\"${COMP_WORDS[COMP_CWORD]}\" verb=\"\" first=\"\"\n"
         "  [ \"$COMP_CWORD\" -gt 1 ] && verb=\"${COMP_WORDS[1]}\"\n"
         "  [ \"$COMP_CWORD\" -gt 2 ] && first=\"${COMP_WORDS[2]}\"\n"
         "  COMPREPLY=($(compgen -W \"$(_duet_candidates \"$verb\" \"$first\" \"$word\")\" -- "
         "\"$word\"))\n"
         "}\n"
         "complete -o default -F _duet duet\n";
}

std::string zsh_script() {
  return "#compdef duet\n" + candidates_function() +
         "_duet() {\n"
         "  local verb=\"\" first=\"\"\n"
         "  (( CURRENT > 2 )) && verb=\"${words[2]}\"\n"
         "  (( CURRENT > 3 )) && first=\"${words[3]}\"\n"
         "  compadd -- $(_duet_candidates \"$verb\" \"$first\" \"${words[CURRENT]}\") || _files\n"
         "}\n"
         "compdef _duet duet\n";
}

std::string fish_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  }
  return out + "'";
}

std::string fish_script() {
  std::string out;
  for (const Verb& verb : all_verbs()) {
    const std::string name(verb.name);
    out += "complete -c duet -n __fish_use_subcommand -a " + name + " -d " +
           fish_quoted(verb.summary) + "\n";
    const std::string seen = "-n '__fish_seen_subcommand_from " + name + "'";
    for (const auto flags : {verb.flags, global_flags()}) {
      for (const Flag& flag : flags) {
        out += "complete -c duet " + seen + " -l " + std::string(flag.name) +
               (flag.letter == 0 ? "" : std::string(" -s ") + flag.letter) +
               (flag.value.empty() ? "" : " -r") + " -d " + fish_quoted(flag.help) + "\n";
      }
    }
    if (const std::string words = words_of(verb); words.starts_with("echo ")) {
      out +=
          "complete -c duet " + seen + " -f -a " +
          fish_quoted(words.substr(
              5, words.find(';') == std::string::npos ? std::string::npos : words.find(';') - 5)) +
          "\n";
    } else if (!words.empty()) {
      out += "complete -c duet " + seen + " -f -a " + fish_quoted("(" + words + ")") + "\n";
    }
  }
  return out;
}

Result<int> run(const Invocation& invocation) {
  const std::string shell = invocation.words.size() == 1 ? invocation.words[0] : "";
  const std::string script = shell == "bash"   ? bash_script()
                             : shell == "zsh"  ? zsh_script()
                             : shell == "fish" ? fish_script()
                                               : "";
  if (script.empty()) {
    return usage_error(invocation, "name the shell: bash, zsh or fish");
  }
  std::fputs(script.c_str(), stdout);
  return 0;
}

}  // namespace

Verb completion_verb() {
  return {.name = "completion",
          .arguments = "(bash | zsh | fish)",
          .summary = "Print a script that lets a shell complete commands",
          .description = "",
          .flags = {},
          .examples = kExamples,
          .run = run,
          .words = Words::kShells};
}

}  // namespace duet::cli
