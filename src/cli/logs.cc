#include <cstdio>

#include "api/resource_path.h"
#include "cli/api_client.h"
#include "cli/duration.h"
#include "cli/json_text.h"
#include "cli/pod_choice.h"
#include "cli/verbs.h"
#include "net/http_target.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"follow", 'f', "", "Go on printing until the container ends"},
    {"container", 'c', "NAME", "Which container; by default the pod's first"},
    {"all-containers", 0, "", "The logs of all containers, one after the other"},
    {"selector", 'l', "SELECTOR", "The logs of all pods with these labels, one after the other"},
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
    {"All pods of an application", "duet logs -l app=shop --tail=10"},
};

Result<std::string> log_query(const Invocation& invocation, const std::string& container) {
  std::string out = "?container=" + net::percent_encode(container);
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
    out += "&sinceTime=" + net::percent_encode(time);
  }
  return out;
}

Status print_log(ApiClient& api, const std::string& target) {
  return api.stream(target, [](std::string_view text) {
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    return std::fflush(stdout) == 0 && written;
  });
}

// The pods that the command line means, by name.
Result<std::vector<std::string>> pods_of(ApiClient& api, const Invocation& invocation) {
  const std::string selector = invocation.value("selector");
  std::vector<std::string> out;
  if (selector.empty()) {
    DUET_ASSIGN(std::string pod, choose_pod(api, invocation, invocation.words[0]));
    out.push_back(std::move(pod));
    return out;
  }
  DUET_ASSIGN(const Json list, api.get(api::resource_path(object::Kind::kPod, invocation.ns()) +
                                       "?labelSelector=" + net::percent_encode(selector)));
  for (const Json& item : at(list, "/items")) {
    out.push_back(text_at(item, "/metadata/name"));
  }
  return out;
}

// What is wrong with the command line; empty: nothing.
std::string misuse(const Invocation& invocation) {
  const bool selected = !invocation.value("selector").empty();
  if (selected && !invocation.words.empty()) {
    return "a name cannot be combined with a selector";
  }
  if ((!selected && invocation.words.empty()) || invocation.words.size() > 2) {
    return "say whose log to print, for example: duet logs POD";
  }
  const auto query = log_query(invocation, "");
  return query.ok() ? "" : query.error().message();
}

Status print_pod(ApiClient& api, const Invocation& invocation, const std::string& pod) {
  const std::string path = api::resource_path(object::Kind::kPod, invocation.ns(), pod);
  std::vector<std::string> containers = {
      invocation.words.size() == 2 ? invocation.words[1] : invocation.value("container")};
  if (invocation.has("all-containers")) {
    DUET_ASSIGN(containers, containers_of(api, path));
  }
  for (const auto& container : containers) {
    DUET_ASSIGN(const std::string query, log_query(invocation, container));
    DUET_TRY(print_log(api, path + "/log" + query));
  }
  return {};
}

Result<int> run(const Invocation& invocation) {
  if (const std::string wrong = misuse(invocation); !wrong.empty()) {
    return usage_error(invocation, wrong);
  }
  DUET_ASSIGN(auto api, ApiClient::connect(invocation));
  DUET_ASSIGN(const auto pods, pods_of(api, invocation));
  if (pods.size() > 1 && invocation.has("follow")) {
    return usage_error(invocation, "one log can be followed at a time, the selector fits " +
                                       std::to_string(pods.size()) + " pods");
  }
  if (pods.empty()) {
    std::fprintf(stderr, "No resources found in %s namespace.\n", invocation.ns().c_str());
  }
  for (const auto& pod : pods) {
    DUET_TRY(print_pod(api, invocation, pod));
  }
  return 0;
}

}  // namespace

Verb logs_verb() {
  return {.name = "logs",
          .arguments = "(POD | KIND/NAME | -l SELECTOR) [CONTAINER]",
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
