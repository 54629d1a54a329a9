#include <sys/utsname.h>

#include <nlohmann/json.hpp>
#include <set>

#include "api/handlers.h"
#include "object/kind.h"

// What kubectl and client libraries ask for before anything else.
namespace duet::api {
namespace {

using Json = nlohmann::json;

// The Kubernetes API that the objects are of.
constexpr int kKubernetesMinor = 36;

std::string group_of(std::string_view api_version) {
  const size_t slash = api_version.find('/');
  return slash == std::string_view::npos ? "" : std::string(api_version.substr(0, slash));
}

std::string version_of(std::string_view api_version) {
  const size_t slash = api_version.find('/');
  return std::string(slash == std::string_view::npos ? api_version : api_version.substr(slash + 1));
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  return out;
}

Json verbs_of(object::Kind kind) {
  if (kind == object::Kind::kEvent) {
    return {"delete", "get", "list", "watch"};
  }
  return {"create", "delete", "get", "list", "patch", "update", "watch"};
}

void add_resource(Json& list, const object::KindInfo& info) {
  Json one = {{"name", info.plural},
              {"singularName", lower(info.name)},
              {"namespaced", info.namespaced},
              {"kind", info.name},
              {"verbs", verbs_of(info.kind)}};
  if (!info.short_name.empty()) {
    one["shortNames"] = {info.short_name};
  }
  list.push_back(std::move(one));
  if (info.kind != object::Kind::kPod) {
    return;
  }
  for (const char* sub : {"attach", "exec", "log"}) {
    list.push_back({{"name", std::string("pods/") + sub},
                    {"singularName", ""},
                    {"namespaced", true},
                    {"kind", std::string_view(sub) == "log" ? "Pod" : "PodExecOptions"},
                    {"verbs", {"get"}}});
  }
}

}  // namespace

void handle_version(Exchange& exchange) {
  utsname machine{};
  uname(&machine);
  exchange.answer_json(
      200, Json{{"major", "1"},
                {"minor", std::to_string(kKubernetesMinor)},
                {"gitVersion", "v1." + std::to_string(kKubernetesMinor) + ".0+duet." DUET_VERSION},
                {"compiler", "gcc"},
                {"platform", std::string("linux/") + machine.machine}}
               .dump());
}

void handle_health(Exchange& exchange) { exchange.answer_text(200, "ok"); }

void handle_api_versions(Exchange& exchange) {
  exchange.answer_json(
      200, Json{{"kind", "APIVersions"}, {"apiVersion", "v1"}, {"versions", {"v1"}}}.dump());
}

void handle_api_groups(Exchange& exchange) {
  std::set<std::string_view> versions;
  for (const object::KindInfo& info : object::all_kinds()) {
    if (!group_of(info.api_version).empty()) {
      versions.insert(info.api_version);
    }
  }
  Json groups = Json::array();
  for (const std::string_view version : versions) {
    const Json entry = {{"groupVersion", version}, {"version", version_of(version)}};
    groups.push_back({{"name", group_of(version)},
                      {"versions", Json::array({entry})},
                      {"preferredVersion", entry}});
  }
  exchange.answer_json(
      200,
      Json{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(groups)}}.dump());
}

void handle_resources(Exchange& exchange) {
  const std::string& path = exchange.request.path;
  const std::string version = path.substr(path.find('/', 1) + 1);
  Json list = Json::array();
  for (const object::KindInfo& info : object::all_kinds()) {
    if (info.api_version == version &&
        path.starts_with(group_of(version).empty() ? "/api/" : "/apis/")) {
      add_resource(list, info);
    }
  }
  if (list.empty()) {
    return exchange.answer({.http_status = 404,
                            .reason = "NotFound",
                            .message = "the server could not find the requested resource"});
  }
  exchange.answer_json(200, Json{{"kind", "APIResourceList"},
                                 {"apiVersion", "v1"},
                                 {"groupVersion", version},
                                 {"resources", std::move(list)}}
                                .dump());
}

}  // namespace duet::api
