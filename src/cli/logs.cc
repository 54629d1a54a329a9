#include <cstdio>

#include "api/query.h"
#include "api/resource_path.h"
#include "cli/api_client.h"
#include "cli/duration.h"
#include "cli/json_text.h"
#include "cli/pod_choice.h"
#include "cli/verbs.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"follow", 'f', "", "Go on printing until the container ends"},
    {"container", 'c', "NAME", "Which container; by default the pod's first"},
    {"all-containers", 0, "", "The logs of all containers, one after the other"},
    {"previous", 'p', "", "The log of the container's last start before this one"},
    {"tail", 0, "LINES", "Only the last lines"},
    {"since", 0, "DURATION", "Only what was written since: 30s, 5m, 2h"},
    {"since-time", 0, "TIME", "Only what was written since a time in RFC 3339"},
    {"limit-bytes", 0, "BYTES", "Stop after so many bytes"},
    {"timestamps", 0, "", "Begin each line with its time"},
};
constexpr Example kExamples[] = {
    {"What a pod has printed", "duet logs hello-wasm"},
    {"Follow one container of a pod, from the last ten lines on",
     "duet logs -f --tail=10 web -c proxy"},
    {"Why it crashed", "duet logs --previous till"},
    {"A pod of a Deployment", "duet logs deploy/front"},
};

Result<std::string> log_query(const Invocation& invocation, const std::string& container) {
  std::string out = "?container=" + api::percent_encode(container);
  for (const auto& [flag, parameter] :
       {std::pair("follow", "follow"), std::pair("previous", "previous"),
        std::pair("timestamps", "timestamps")}) {
    out += invocation.has(flag) ? std::string("&") + parameter + "=true" : "";
  }
  for (const auto& [flag, parameter] :
       {std::pair("tail", "tailLines"), std::pair("limit-bytes", "limitBytes")}) {
    DUET_ASSIGN(const int64_t number, invocation.number(flag, -1));
    out += number < 0 ? "" : std::string("&") + parameter + "=" + std::to_string(number);
  }
  if (const std::string text = invocation.value("since"); !text.empty()) {
    DUET_ASSIGN(const auto since, parse_duration(text));
    const int64_t seconds = std::chrono::ceil<std::chrono::seconds>(since).count();
    out += "&sinceSeconds=" + std::to_string(std::max<int64_t>(1, seconds));
  }
  if (const std::string time = invocation.value("since-time"); !time.empty()) {
    out += "&sinceTime=" + api::percent_encode(time);
  }
  return out;
}

Status print_log(ApiClient& api, const std::string& target) {
  return api.stream(target, [](std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    return std::fflush(stdout) == 0 && written;
  });
}

Result<int> run(const Invocation& invocation) {
  if (invocation.words.empty() || invocation.words.size() > 2) {
    return usage_error(invocation, "say whose log to print, for example: duet logs POD");
  }
  std::vector<std::string> containers = {
      invocation.words.size() == 2 ? invocation.words[1] : invocation.value("container")};
  if (const auto query = log_query(invocation, ""); !query.ok()) {
    return usage_error(invocation, query.error().message());
  }
  DUET_ASSIGN(auto api, ApiClient::connect(invocation));
  DUET_ASSIGN(const std::string pod, choose_pod(api, invocation, invocation.words[0]));
  const std::string path = api::resource_path(object::Kind::kPod, invocation.ns(), pod);
  if (invocation.has("all-containers")) {
    DUET_ASSIGN(containers, containers_of(api, path));
  }
  for (const auto& container : containers) {
    DUET_ASSIGN(const std::string query, log_query(invocation, container));
    DUET_TRY(print_log(api, path + "/log" + query));
  }
  return 0;
}

}  // namespace

Verb logs_verb() {
  return {.name = "logs",
          .arguments = "(POD | KIND/NAME) [CONTAINER]",
          .summary = "Print what a container or Wasm program has written",
          .description =
              "Prints stdout and stderr of a container, a Wasm program or a Wasm handler. With\n"
              "-f it goes on, over restarts of the agent and rotated files, until the container\n"
              "ends.",
          .flags = kFlags,
          .examples = kExamples,
          .run = run,
          .words = Words::kPods};
}

}  // namespace duet::cli
