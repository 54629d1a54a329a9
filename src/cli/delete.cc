#include <cstdio>

#include "api/resource_path.h"
#include "cli/api_client.h"
#include "cli/columns.h"
#include "cli/duration.h"
#include "cli/manifest_files.h"
#include "cli/targets.h"
#include "cli/verbs.h"
#include "net/http_target.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"filename", 'f', "PATH", "Delete what these manifests name; - for stdin"},
    {"recursive", 'R', "", "Take the folders within folders too"},
    {"all", 0, "", "All objects of the kind"},
    {"selector", 'l', "SELECTOR", "The kind's objects with these labels"},
    {"grace-period", 0, "SECONDS", "Time a pod gets to end; 0 kills it. By default the pod's own"},
    {"force", 0, "", "Do not give pods time to end; the same as --grace-period=0"},
    {"wait", 0, "", "Return when the objects are gone; --wait=false returns at once"},
    {"timeout", 0, "DURATION", "How long to wait at most; 0: as long as it takes"},
    {"ignore-not-found", 0, "", "Succeed when a named object does not exist"},
};
constexpr Example kExamples[] = {
    {"One pod", "duet delete pod hello-wasm"},
    {"Several objects", "duet delete deploy/front svc/front"},
    {"What a folder of manifests made", "duet delete -f site/"},
    {"All pods of an application, at once", "duet delete pods -l app=shop --force"},
};

struct Doomed {
  object::ObjectKey key;
  std::string uid;
};

struct DeleteSettings {
  int64_t grace_seconds = -1;  // -1: the pod's own
  bool force = false;
  bool wait = true;
  bool tolerant = false;
  int64_t timeout_seconds = 0;  // 0: none
};

Result<DeleteSettings> read_settings(const Invocation& invocation) {
  DeleteSettings out{.force = invocation.has("force"),
                     .wait = invocation.value("wait", "true") != "false",
                     .tolerant = invocation.has("ignore-not-found")};
  DUET_ASSIGN(out.grace_seconds, invocation.number("grace-period", -1));
  if (out.force && out.grace_seconds > 0) {
    return invalid("--force and --grace-period cannot be combined");
  }
  out.grace_seconds = out.force ? 0 : out.grace_seconds;
  DUET_ASSIGN(const auto timeout, parse_duration(invocation.value("timeout", "0")));
  out.timeout_seconds = std::chrono::ceil<std::chrono::seconds>(timeout).count();
  return out;
}

// The objects of a kind that --all or a selector means.
Result<std::vector<object::ObjectKey>> list_keys(ApiClient& api, const Invocation& invocation,
                                                 object::Kind kind) {
  std::string query;
  if (const std::string selector = invocation.value("selector"); !selector.empty()) {
    query = "?labelSelector=" + net::percent_encode(selector);
  }
  DUET_ASSIGN(const Json list, api.get(api::resource_path(kind, invocation.ns()) + query));
  std::vector<object::ObjectKey> out;
  for (const Json& item : at(list, "/items")) {
    out.push_back({kind, text_at(item, "/metadata/namespace"), text_at(item, "/metadata/name")});
  }
  return out;
}

Result<std::vector<object::ObjectKey>> keys_of(ApiClient& api, const Invocation& invocation,
                                               const std::vector<Target>& targets) {
  std::vector<object::ObjectKey> out;
  if (!invocation.values("filename").empty()) {
    DUET_ASSIGN(const auto objects, manifests_of(invocation));
    // The last first: what was made for others goes after them.
    for (auto it = objects.rbegin(); it != objects.rend(); ++it) {
      out.push_back(it->object.key);
    }
  }
  for (const Target& target : targets) {
    if (target.name.empty()) {
      DUET_ASSIGN(auto keys, list_keys(api, invocation, target.kind));
      out.insert(out.end(), keys.begin(), keys.end());
    } else {
      out.push_back({target.kind, invocation.ns(), target.name});
    }
  }
  return out;
}

Status delete_one(ApiClient& api, const object::ObjectKey& key, const DeleteSettings& settings,
                  std::vector<Doomed>& doomed) {
  std::string target = api::resource_path(key.kind, key.ns, key.name);
  if (settings.grace_seconds >= 0) {
    target += "?gracePeriodSeconds=" + std::to_string(settings.grace_seconds);
  }
  const auto answer = api.send({.method = "DELETE", .target = target});
  if (!answer.ok()) {
    return settings.tolerant && answer.error().code() == ErrorCode::kNotFound
               ? Status()
               : Status(answer.error());
  }
  std::printf("%s \"%s\" %s\n", kind_prefix(key.kind).c_str(), key.name.c_str(),
              settings.force ? "force deleted" : "deleted");
  std::fflush(stdout);
  const Json left = Json::parse(answer->body, nullptr, false);
  if (left.is_object() && text_at(left, "/kind") != "Status") {
    doomed.push_back({key, text_at(left, "/metadata/uid")});
  }
  return {};
}

// Waits until the object is gone or another one has its name.
Status wait_gone(ApiClient& api, const Doomed& one, int64_t timeout_seconds) {
  const auto now = api.get(api::resource_path(one.key.kind, one.key.ns, one.key.name));
  if (!now.ok()) {
    return now.error().code() == ErrorCode::kNotFound ? Status() : Status(now.error());
  }
  if (text_at(*now, "/metadata/uid") != one.uid) {
    return {};
  }
  std::string target = api::resource_path(one.key.kind, one.key.ns) +
                       "?watch=1&resourceVersion=" + text_at(*now, "/metadata/resourceVersion") +
                       "&fieldSelector=" + net::percent_encode("metadata.name=" + one.key.name);
  if (timeout_seconds > 0) {
    target += "&timeoutSeconds=" + std::to_string(timeout_seconds);
  }
  bool gone = false;
  DUET_TRY(api.watch(target, [&](std::string_view type, const Json& object) {
    gone = type == "DELETED" && text_at(object, "/metadata/uid") == one.uid;
    return !gone;
  }));
  return gone ? Status()
              : Error(ErrorCode::kTimeout, "error: timed out waiting for " +
                                               kind_prefix(one.key.kind) + "/" + one.key.name +
                                               " to be gone");
}

Result<int> run(const Invocation& invocation) {
  const auto targets = parse_targets(invocation.words);
  if (!targets.ok()) {
    return usage_error(invocation, targets.error().message());
  }
  const auto settings = read_settings(invocation);
  if (!settings.ok()) {
    return usage_error(invocation, settings.error().message());
  }
  const bool many = invocation.has("all") || !invocation.value("selector").empty();
  if (targets->empty() == invocation.values("filename").empty()) {
    return usage_error(invocation, "say what to delete, either by kind and name or with -f");
  }
  for (const Target& target : *targets) {
    if (target.name.empty() != many) {
      return usage_error(invocation, many ? "names cannot be combined with --all or a selector"
                                          : "name what to delete, or give --all or a selector");
    }
  }
  DUET_ASSIGN(auto api, ApiClient::connect(invocation));
  DUET_ASSIGN(const auto keys, keys_of(api, invocation, *targets));
  int code = 0;
  std::vector<Doomed> doomed;
  for (const auto& key : keys) {
    if (const Status done = delete_one(api, key, *settings, doomed); !done.ok()) {
      std::fprintf(stderr, "%s\n", done.error().message().c_str());
      code = kExitFailure;
    }
  }
  if (keys.empty() && code == 0) {
    std::fputs("No resources found\n", stdout);
  }
  for (const Doomed& one : doomed) {
    if (settings->wait) {
      DUET_TRY(wait_gone(api, one, settings->timeout_seconds));
    }
  }
  return code;
}

}  // namespace

Verb delete_verb() {
  return {.name = "delete",
          .arguments = "(KIND NAME... | KIND/NAME... | KIND --all | -f PATH)",
          .summary = "Delete objects",
          .description =
              "Deletes objects and waits until they are gone. Pods get their grace period to\n"
              "end. What a Deployment or a folder of manifests wants comes back: delete or\n"
              "change those.",
          .flags = kFlags,
          .examples = kExamples,
          .run = run,
          .words = Words::kKinds};
}

}  // namespace duet::cli
