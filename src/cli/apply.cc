#include <cstdio>

#include "api/resource_path.h"
#include "cli/api_client.h"
#include "cli/columns.h"
#include "cli/json_text.h"
#include "cli/manifest_files.h"
#include "cli/verbs.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"filename", 'f', "PATH", "File or folder of manifests, or - for stdin; may be given again"},
    {"recursive", 'R', "", "Take the folders within folders too"},
    {"dry-run", 0, "", "Let the node check the objects without changing anything",
     "server|client|none"},
};
constexpr Example kExamples[] = {
    {"One file", "duet apply -f shop.yaml"},
    {"A folder of manifests", "duet apply -f site/"},
    {"What another command writes", "kustomize build | duet apply -f -"},
};

const char* change_of(int status, const Json& after, const Result<Json>& before) {
  if (status == 201 || !before.ok()) {
    return "created";
  }
  return text_at(*before, "/metadata/resourceVersion") ==
                 text_at(after, "/metadata/resourceVersion")
             ? "unchanged"
             : "configured";
}

Status apply_one(ApiClient& api, const object::Object& one, bool dry_run) {
  const std::string path = api::resource_path(one.key.kind, one.key.ns, one.key.name);
  const auto before = api.get(path);
  if (!before.ok() && before.error().code() != ErrorCode::kNotFound) {
    return before.error();
  }
  DUET_ASSIGN(const auto answer,
              api.send({.method = "PATCH",
                        .target = path + "?fieldManager=duet" + (dry_run ? "&dryRun=All" : ""),
                        .fields = {{"Content-Type", "application/apply-patch+yaml"}},
                        .body = one.json}));
  const Json after = Json::parse(answer.body, nullptr, false);
  std::printf("%s/%s %s%s\n", kind_prefix(one.key.kind).c_str(), one.key.name.c_str(),
              change_of(answer.status, after, before), dry_run ? " (dry run)" : "");
  return {};
}

Result<int> run(const Invocation& invocation) {
  if (invocation.values("filename").empty() || !invocation.words.empty()) {
    return usage_error(invocation, "say what to apply, for example: duet apply -f site.yaml");
  }
  DUET_ASSIGN(const auto objects, manifests_of(invocation));
  DUET_ASSIGN(auto api, ApiClient::connect(invocation));
  const bool dry_run = invocation.has("dry-run") && invocation.value("dry-run") != "none";
  int code = 0;
  for (const auto& one : objects) {
    if (const Status done = apply_one(api, one.object, dry_run); !done.ok()) {
      std::fprintf(stderr, "%s\n", done.error().message().c_str());
      code = kExitFailure;
    }
  }
  return code;
}

}  // namespace

Verb apply_verb() {
  return {.name = "apply",
          .arguments = "-f PATH...",
          .summary = "Create or change objects as manifests say",
          .description =
              "Checks all manifests first; if one has an error, it is reported with file, line\n"
              "and field, and nothing is changed. An object that exists is replaced by what\n"
              "the manifest says, its status excepted. A node that keeps a folder of manifests\n"
              "(duet up, duet agent) does this by itself for the files there.",
          .flags = kFlags,
          .examples = kExamples,
          .run = run,
          .words = Words::kFiles};
}

}  // namespace duet::cli
