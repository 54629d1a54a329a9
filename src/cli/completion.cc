#include <cstdio>

#include "cli/candidates.h"
#include "cli/invocation.h"
#include "cli/verbs.h"

namespace duet::cli {
namespace {

constexpr Example kExamples[] = {
    {"bash, for this session", "source <(duet completion bash)"},
    {"zsh, for this session", "source <(duet completion zsh)"},
    {"fish, for good", "duet completion fish > ~/.config/fish/completions/duet.fish"},
};

// All three ask `duet completion -- WORD...`, whose first line is "files" or "words" and whose
// others are candidates, each with a tab and its help.

// Readline breaks words at ":" and "=" and replaces only what stands behind them, so the line is
// split anew and what stands before is cut off again.
constexpr const char* kBash = R"sh(_duet() {
  local line="${COMP_LINE:0:COMP_POINT}" kind typed words
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  typed="${words[${#words[@]} - 1]}"
  { read -r kind; mapfile -t COMPREPLY; } < <("${words[0]}" completion -- "${words[@]:1}" 2>/dev/null)
  COMPREPLY=("${COMPREPLY[@]%%$'\t'*}")
  COMPREPLY=("${COMPREPLY[@]#"${typed%"${typed##*[:=]}"}"}")
  if [[ $kind == files ]]; then compopt -o default; fi
}
complete -F _duet duet
)sh";

constexpr const char* kZsh = R"sh(#compdef duet
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
_duet() {
  local -a lines
  lines=("${(@f)$(${words[1]} completion -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  local kind=$lines[1]
  shift lines
  lines=("${(@)lines%%$'\t'*}")
  (( $#lines )) && compadd -- "${(@)lines}"
  if [[ $kind == files ]]; then _files; fi
}
compdef _duet duet
)sh";

constexpr const char* kFish = R"sh(function __duet_candidates
    set -l words (commandline -opc) (commandline -ct)
    set -l lines ($words[1] completion -- $words[2..] 2>/dev/null)
    test (count $lines) -gt 1; and printf '%s\n' $lines[2..]
    test "$lines[1]" = files; and __fish_complete_path (commandline -ct)
end
complete -c duet -f -a '(__duet_candidates)'
)sh";

int print_candidates(const std::vector<std::string>& words) {
  const Candidates found = find_candidates(words, names_on_node);
  std::puts(found.files ? "files" : "words");
  for (const Candidate& one : found.words) {
    std::printf("%s%s%s\n", one.word.c_str(), one.help.empty() ? "" : "\t", one.help.c_str());
  }
  return 0;
}

Result<int> run(const Invocation& invocation) {
  if (invocation.has_trailing && invocation.words.empty()) {
    return print_candidates(invocation.trailing);
  }
  const std::string shell = invocation.words.size() == 1 ? invocation.words[0] : "";
  const char* script = shell == "bash"   ? kBash
                       : shell == "zsh"  ? kZsh
                       : shell == "fish" ? kFish
                                         : nullptr;
  if (script == nullptr) {
    return usage_error(invocation, "name the shell: bash, zsh or fish");
  }
  std::fputs(script, stdout);
  return 0;
}

}  // namespace

Verb completion_verb() {
  return {.name = "completion",
          .arguments = "(bash | zsh | fish | -- WORD...)",
          .summary = "Print a script that lets a shell complete commands",
          .description =
              "Commands, flags, kinds, and the names of what is on the node. The scripts ask\n"
              "with -- and the words so far; the last one is being typed and may be empty.",
          .flags = {},
          .examples = kExamples,
          .run = run,
          .words = Words::kShells};
}

}  // namespace duet::cli
