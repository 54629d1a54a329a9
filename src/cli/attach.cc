#include "api/resource_path.h"
#include "cli/pod_choice.h"
#include "cli/stream_session.h"
#include "cli/verbs.h"
#include "net/http_target.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"stdin", 'i', "", "Pass on stdin; the container must have stdin: true"},
    {"tty", 't', "", "stdin is a terminal; the container must have tty: true"},
    {"container", 'c', "NAME", "Which container; by default the pod's first"},
};
constexpr Example kExamples[] = {
    {"See what a pod prints from now on", "duet attach till"},
    {"Use a container's own terminal", "duet attach -it console"},
};

Result<int> run(const Invocation& invocation) {
  if (invocation.words.size() != 1) {
    return usage_error(invocation, "say where to attach, as in: duet attach POD");
  }
  DUET_ASSIGN(auto api, ApiClient::connect(invocation));
  DUET_ASSIGN(const std::string pod, choose_pod(api, invocation, invocation.words[0]));
  const std::string target =
      api::resource_path(object::Kind::kPod, invocation.ns(), pod) +
      "/attach?container=" + net::percent_encode(invocation.value("container"));
  return run_stream_session(api, target,
                            {.stdin_open = invocation.has("stdin"), .tty = invocation.has("tty")});
}

}  // namespace

Verb attach_verb() {
  return {
      .name = "attach",
      .arguments = "(POD | KIND/NAME)",
      .summary = "Join a running container's output and input",
      .description = "Ends when the container ends. Interrupting it leaves the container alone.",
      .flags = kFlags,
      .examples = kExamples,
      .run = run,
      .words = Words::kPods};
}

}  // namespace duet::cli
