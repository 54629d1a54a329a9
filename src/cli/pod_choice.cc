#include "cli/pod_choice.h"

#include "api/resource_path.h"
#include "cli/json_text.h"
#include "cli/targets.h"
#include "net/http_target.h"

namespace duet::cli {
namespace {

// Where a kind keeps the labels of its pods; nullptr: it has no pods.
const char* selector_of(object::Kind kind) {
  switch (kind) {
    case object::Kind::kDeployment:
      return "/spec/selector/matchLabels";
    case object::Kind::kService:
      return "/spec/selector";
    default:
      return nullptr;
  }
}

}  // namespace

Result<std::string> choose_pod(ApiClient& api, const Invocation& invocation,
                               const std::string& word) {
  if (word.find('/') == std::string::npos) {
    return word;
  }
  auto targets = parse_targets({word});
  if (!targets.ok()) {
    return Error(targets.error().code(), "error: " + targets.error().message());
  }
  const Target target = (*targets)[0];
  if (target.kind == object::Kind::kPod) {
    return target.name;
  }
  const char* selector = selector_of(target.kind);
  if (selector == nullptr) {
    return invalid("error: " + word + " has no pods of its own");
  }
  DUET_ASSIGN(const Json owner,
              api.get(api::resource_path(target.kind, invocation.ns(), target.name)));
  const std::string labels = join_map(at(owner, selector), "");
  if (labels.empty()) {
    return not_found("error: " + word + " selects no pods");
  }
  DUET_ASSIGN(const Json pods, api.get(api::resource_path(object::Kind::kPod, invocation.ns()) +
                                       "?labelSelector=" + net::percent_encode(labels)));
  std::string any;
  for (const Json& pod : at(pods, "/items")) {
    any = text_at(pod, "/metadata/name");
    if (text_at(pod, "/status/phase") == "Running" &&
        text_at(pod, "/metadata/deletionTimestamp").empty()) {
      return any;
    }
  }
  return any.empty() ? Result<std::string>(not_found("error: " + word + " has no pods")) : any;
}

Result<std::vector<std::string>> containers_of(ApiClient& api, const std::string& path) {
  DUET_ASSIGN(const Json pod, api.get(path));
  std::vector<std::string> out;
  for (const char* list : {"/spec/initContainers", "/spec/containers"}) {
    for (const Json& one : at(pod, list)) {
      out.push_back(text_at(one, "/name"));
    }
  }
  return out;
}

}  // namespace duet::cli
