#include "cluster/cluster_route.h"

#include <utility>
#include <vector>

#include "cluster/pod_mirror.h"
#include "object/kind.h"
#include "object/manifest.h"

namespace duet::cluster {
namespace {

constexpr std::size_t kProblemLimit = 10;

// What the checks of manifests say of the spec; empty: nothing. Annotations are left to the routes,
// which go on without one that is wrong.
std::string wrong_in_spec(const object::ObjectKey& key, const Json& route) {
  const object::KindInfo& info = object::kind_info(object::Kind::kHttpRoute);
  const Json checked = {{"apiVersion", info.api_version},
                        {"kind", info.name},
                        {"metadata", {{"name", key.name}, {"namespace", key.ns}}},
                        {"spec", member(route, "spec")}};
  const object::Manifest manifest =
      object::parse_object(to_text(checked), key.ns, {.problem_limit = kProblemLimit});
  std::string text;
  for (const object::Problem& problem : manifest.problems) {
    if (problem.severity == object::Problem::Severity::kError) {
      text += (text.empty() ? "" : "; ") + problem.describe();
    }
  }
  return text;
}

// A backend in another namespace; empty: there is none.
std::string foreign_backend(const std::string& own, const Json& route) {
  for (const Json& rule : member(member(route, "spec"), "rules")) {
    for (const Json& backend : member(rule, "backendRefs")) {
      const std::string ns = text_of(backend, "namespace");
      if (!ns.empty() && ns != own) {
        return "backendRefs names the service " + ns + "/" + text_of(backend, "name") +
               ", and no ReferenceGrant is looked at: name Services of the route's own namespace";
      }
    }
  }
  return "";
}

// A route that a listener takes may still have something wrong.
std::vector<ParentVerdict> verdicts_of(const Json& gateway, const std::vector<Json>& parents,
                                       const Json& route, const std::string& wrong) {
  std::vector<ParentVerdict> out;
  for (const Json& parent : parents) {
    const Attachment one = attach(gateway, {parent}, route);
    out.push_back(one.accepted() && !wrong.empty()
                      ? ParentVerdict{parent, "UnsupportedValue", wrong}
                      : ParentVerdict{parent, one.reason, one.message});
  }
  return out;
}

}  // namespace

ClusterRoute cluster_route(const object::ObjectKey& key, Json route, const GatewayName& name,
                           const Json& gateway) {
  const std::vector<Json> parents = parents_named(route, name);
  if (parents.empty()) {
    return {std::nullopt, "its parentRefs do not name the Gateway", {}};
  }
  const Attachment attachment = attach(gateway, parents, route);
  // Its other parents are others' business.
  route["spec"]["parentRefs"] = parents;
  std::string wrong = wrong_in_spec(key, route);
  if (wrong.empty()) {
    wrong = foreign_backend(key.ns, route);
  }
  ClusterRoute out;
  out.verdicts = verdicts_of(gateway, parents, route, wrong);
  out.problem = attachment.accepted() ? wrong : attachment.message;
  if (out.problem.empty()) {
    route["spec"]["hostnames"] = attachment.hostnames;
    out.object = stored_object(key, std::move(route));
  }
  return out;
}

}  // namespace duet::cluster
