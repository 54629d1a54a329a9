#include <unistd.h>

#include <cstdio>

#include "api/resource_path.h"
#include "cli/pod_choice.h"
#include "cli/stream_session.h"
#include "cli/verbs.h"
#include "net/http_target.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"stdin", 'i', "", "Pass on stdin"},
    {"tty", 't', "", "Give the command a terminal"},
    {"container", 'c', "NAME", "Which container; by default the pod's first"},
};
constexpr Example kExamples[] = {
    {"One command", "duet exec till -- ls /data"},
    {"A shell", "duet exec -it till -- sh"},
    {"A file into a container", "duet exec -i till -- tee /data/in < file"},
};

Result<int> run(const Invocation& invocation) {
  // kubectl once took the command without "--", and people still write it so.
  std::vector<std::string> command = invocation.trailing;
  if (!invocation.has_trailing && invocation.words.size() > 1) {
    command.assign(invocation.words.begin() + 1, invocation.words.end());
  }
  if (invocation.words.empty() || command.empty()) {
    return usage_error(invocation, "say where and what to run, as in: duet exec POD -- COMMAND");
  }
  const bool stdin_open = invocation.has("stdin");
  bool tty = invocation.has("tty");
  if (tty && stdin_open && isatty(0) == 0) {
    std::fputs("Unable to use a TTY - input is not a terminal\n", stderr);
    tty = false;
  }
  DUET_ASSIGN(auto api, ApiClient::connect(invocation));
  DUET_ASSIGN(const std::string pod, choose_pod(api, invocation, invocation.words[0]));
  std::string target = api::resource_path(object::Kind::kPod, invocation.ns(), pod) +
                       "/exec?stdout=true&stderr=true&container=" +
                       net::percent_encode(invocation.value("container"));
  target += stdin_open ? "&stdin=true" : "";
  target += tty ? "&tty=true" : "";
  for (const auto& word : command) {
    target += "&command=" + net::percent_encode(word);
  }
  return run_stream_session(api, target, {.stdin_open = stdin_open, .tty = tty});
}

}  // namespace

Verb exec_verb() {
  return {.name = "exec",
          .arguments = "(POD | KIND/NAME) -- COMMAND [ARGUMENT...]",
          .summary = "Run a command in a container",
          .description =
              "Runs a command beside what a container runs already, and passes on its exit\n"
              "code. With -it the command gets a terminal that follows the size of this one.",
          .flags = kFlags,
          .examples = kExamples,
          .run = run,
          .words = Words::kPods};
}

}  // namespace duet::cli
