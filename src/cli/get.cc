#include <cstdio>
#include <map>

#include "api/resource_path.h"
#include "cli/api_client.h"
#include "cli/columns.h"
#include "cli/targets.h"
#include "cli/verbs.h"
#include "net/http_target.h"
#include "object/kind.h"
#include "object/manifest.h"

namespace duet::cli {
namespace {

constexpr Flag kFlags[] = {
    {"output", 'o', "FORMAT", "How to print: wide, yaml, json or name", "wide|yaml|json|name"},
    {"watch", 'w', "", "After the list, print every change until interrupted"},
    {"watch-only", 0, "", "Print changes only, not what is there first"},
    {"selector", 'l', "SELECTOR", "Only objects with these labels: app=web,tier!=db"},
    {"field-selector", 0, "SELECTOR", "Only objects with these fields: status.phase=Running"},
    {"all-namespaces", 'A', "", "Objects of all namespaces"},
    {"show-labels", 0, "", "Add a column with the labels"},
    {"no-headers", 0, "", "Leave out the line of titles"},
    {"ignore-not-found", 0, "", "Succeed when a named object does not exist"},
};
constexpr Example kExamples[] = {
    {"The pods of the namespace default", "duet get pods"},
    {"Pods and services with more columns", "duet get pods,svc -o wide"},
    {"One object as it is stored", "duet get deployment/web -o yaml"},
    {"What happens to the pods of an application", "duet get pods -l app=shop -w"},
    {"The node's own remarks, in all namespaces", "duet get events -A"},
};

struct Wanted {
  std::vector<Target> targets;
  std::string ns;  // empty: all
  std::string query;
  std::string output;
  TableStyle style;
  bool headers = true;
  bool tolerant = false;
};

std::string query_of(const Invocation& invocation) {
  std::string out;
  for (const auto& [flag, parameter] :
       {std::pair("selector", "labelSelector"), std::pair("field-selector", "fieldSelector")}) {
    if (const std::string value = invocation.value(flag); !value.empty()) {
      out += std::string(out.empty() ? "?" : "&") + parameter + "=" + net::percent_encode(value);
    }
  }
  return out;
}

Result<Wanted> read_wanted(const Invocation& invocation) {
  Wanted out;
  DUET_ASSIGN(out.targets, parse_targets(invocation.words));
  const bool everywhere = invocation.has("all-namespaces");
  out.ns = everywhere ? "" : invocation.ns();
  out.query = query_of(invocation);
  out.output = invocation.value("output");
  bool several_kinds = false;
  for (const Target& target : out.targets) {
    several_kinds = several_kinds || target.kind != out.targets[0].kind;
    if (!target.name.empty() && (everywhere || !out.query.empty())) {
      return invalid("names cannot be combined with --all-namespaces or selectors");
    }
  }
  out.style = {.wide = out.output == "wide",
               .with_namespace = everywhere,
               .with_kind = several_kinds,
               .show_labels = invocation.has("show-labels")};
  out.headers = !invocation.has("no-headers");
  out.tolerant = invocation.has("ignore-not-found");
  return out;
}

// The objects of one target, and the version of the list.
struct Found {
  std::vector<Json> objects;
  std::string version;
};

Result<Found> fetch(ApiClient& api, const Wanted& wanted, const Target& target) {
  Found out;
  const std::string path = api::resource_path(target.kind, wanted.ns, target.name);
  auto answer = api.get(path + (target.name.empty() ? wanted.query : ""));
  if (!answer.ok()) {
    if (wanted.tolerant && answer.error().code() == ErrorCode::kNotFound) {
      return out;
    }
    return answer.error();
  }
  out.version = text_at(*answer, "/metadata/resourceVersion");
  if (!target.name.empty()) {
    out.objects.push_back(std::move(*answer));
    return out;
  }
  for (Json& item : (*answer)["items"]) {
    out.objects.push_back(std::move(item));
  }
  return out;
}

void print_document(const std::string& output, const Json& document) {
  const std::string text = document.dump(4, ' ', false, Json::error_handler_t::replace);
  const std::string shown = output == "yaml" ? object::to_yaml(text) : text;
  std::fputs(shown.c_str(), stdout);
  if (!shown.ends_with('\n')) {
    std::fputc('\n', stdout);
  }
}

std::string full_name(object::Kind kind, const Json& object) {
  return kind_prefix(kind) + "/" + text_at(object, "/metadata/name");
}

// One table a kind.
void print_tables(const Wanted& wanted, const std::vector<std::pair<object::Kind, Json>>& objects,
                  sys::WallTime now) {
  size_t at = 0;
  while (at < objects.size()) {
    const object::Kind kind = objects[at].first;
    std::vector<Row> rows;
    if (wanted.headers) {
      rows.push_back(header_row(kind, wanted.style));
    }
    for (; at < objects.size() && objects[at].first == kind; ++at) {
      rows.push_back(object_row(kind, objects[at].second, wanted.style, now));
    }
    std::fputs(format_table(rows).c_str(), stdout);
    if (at < objects.size()) {
      std::fputc('\n', stdout);
    }
  }
}

void print_nothing(const Wanted& wanted) {
  if (wanted.tolerant) {
    return;
  }
  if (wanted.ns.empty()) {
    std::fputs("No resources found\n", stderr);
  } else {
    std::fprintf(stderr, "No resources found in %s namespace.\n", wanted.ns.c_str());
  }
}

void print_all(const Wanted& wanted, const std::vector<std::pair<object::Kind, Json>>& objects) {
  if (wanted.output == "name") {
    for (const auto& [kind, object] : objects) {
      std::printf("%s\n", full_name(kind, object).c_str());
    }
    return;
  }
  if (wanted.output != "yaml" && wanted.output != "json") {
    return objects.empty() ? print_nothing(wanted)
                           : print_tables(wanted, objects, sys::SystemClock().now());
  }
  const bool single = wanted.targets.size() == 1 && !wanted.targets[0].name.empty();
  if (single && objects.size() == 1) {
    return print_document(wanted.output, objects[0].second);
  }
  Json list = {{"apiVersion", "v1"},
               {"kind", "List"},
               {"metadata", {{"resourceVersion", ""}}},
               {"items", Json::array()}};
  for (const auto& [kind, object] : objects) {
    list["items"].push_back(object);
  }
  print_document(wanted.output, list);
}

Result<int> list_once(ApiClient& api, const Wanted& wanted) {
  std::vector<std::pair<object::Kind, Json>> objects;
  int code = 0;
  for (const Target& target : wanted.targets) {
    auto found = fetch(api, wanted, target);
    if (!found.ok()) {
      // The other names are still shown.
      std::fprintf(stderr, "%s\n", found.error().message().c_str());
      code = kExitFailure;
      continue;
    }
    for (Json& object : found->objects) {
      objects.emplace_back(target.kind, std::move(object));
    }
  }
  if (code == 0 || !objects.empty()) {
    print_all(wanted, objects);
  }
  return code;
}

// Prints objects as they come, a row or a document each.
class WatchPrinter {
 public:
  explicit WatchPrinter(const Wanted& wanted) : wanted_(wanted), kind_(wanted.targets[0].kind) {}

  // What is there first: its columns are as wide as all of it needs.
  void print_present(const std::vector<Json>& objects) {
    const auto now = sys::SystemClock().now();
    for (const Json& object : objects) {
      table_.widen(object_row(kind_, object, wanted_.style, now));
    }
    for (const Json& object : objects) {
      print(object);
    }
  }

  void print(const Json& object) {
    if (wanted_.output == "json" || wanted_.output == "yaml") {
      if (wanted_.output == "yaml") {
        std::fputs("---\n", stdout);
      }
      print_document(wanted_.output, object);
    } else if (wanted_.output == "name") {
      std::printf("%s\n", full_name(kind_, object).c_str());
    } else {
      if (first_ && wanted_.headers) {
        std::fputs(table_.format(header_row(kind_, wanted_.style)).c_str(), stdout);
      }
      first_ = false;
      const Row row = object_row(kind_, object, wanted_.style, sys::SystemClock().now());
      std::fputs(table_.format(row).c_str(), stdout);
    }
    std::fflush(stdout);
  }

 private:
  const Wanted& wanted_;
  object::Kind kind_;
  GrowingTable table_;
  bool first_ = true;
};

Result<int> watch_on(ApiClient& api, const Wanted& wanted, bool only_changes) {
  const Target& target = wanted.targets[0];
  WatchPrinter printer(wanted);
  DUET_ASSIGN(const Found present, fetch(api, wanted, target));
  if (!only_changes) {
    printer.print_present(present.objects);
  }
  std::string query = wanted.query;
  if (!target.name.empty()) {
    query = "?fieldSelector=" + net::percent_encode("metadata.name=" + target.name);
  }
  query +=
      (query.empty() ? "?watch=1&resourceVersion=" : "&watch=1&resourceVersion=") + present.version;
  DUET_TRY(api.watch(api::resource_path(target.kind, wanted.ns) + query,
                     [&](std::string_view, const Json& object) {
                       printer.print(object);
                       return true;
                     }));
  return 0;
}

Result<int> run(const Invocation& invocation) {
  const auto wanted = read_wanted(invocation);
  if (!wanted.ok()) {
    return usage_error(invocation, wanted.error().message());
  }
  if (wanted->targets.empty()) {
    return usage_error(invocation, "say what to get, for example: duet get pods");
  }
  const bool watch = invocation.has("watch") || invocation.has("watch-only");
  if (watch && wanted->targets.size() != 1) {
    return usage_error(invocation, "one kind or one object can be watched at a time");
  }
  DUET_ASSIGN(auto api, ApiClient::connect(invocation));
  return watch ? watch_on(api, *wanted, invocation.has("watch-only")) : list_once(api, *wanted);
}

}  // namespace

Verb get_verb() {
  return {.name = "get",
          .arguments = "(KIND[,KIND...] [NAME...] | KIND/NAME... | all)",
          .summary = "List objects, or print one",
          .description =
              "Prints objects of the node as a table, as YAML or as JSON. Kinds are written as\n"
              "in kubectl: pods (po), deployments (deploy), services (svc), configmaps (cm),\n"
              "secrets, namespaces (ns), ingresses (ing), httproutes, endpointslices, events\n"
              "(ev). \"all\" is pods, services and deployments.",
          .flags = kFlags,
          .examples = kExamples,
          .run = run,
          .words = Words::kKinds};
}

}  // namespace duet::cli
