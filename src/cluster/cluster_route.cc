#include "cluster/cluster_route.h"

#include <utility>
#include <vector>

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

}  // namespace

ClusterRoute cluster_route(const object::Object& said, const GatewayName& name,
                           const Json& gateway) {
  Json route = Json::parse(said.json, nullptr, false);
  const std::vector<Json> parents = parents_named(route, name);
  const Attachment attachment = attach(gateway, parents, route);
  if (!attachment.accepted()) {
    return {std::nullopt, attachment.message};
  }
  // Its other parents are others' business.
  route["spec"]["parentRefs"] = parents;
  if (std::string wrong = wrong_in_spec(said.key, route); !wrong.empty()) {
    return {std::nullopt, std::move(wrong)};
  }
  if (std::string foreign = foreign_backend(said.key.ns, route); !foreign.empty()) {
    return {std::nullopt, std::move(foreign)};
  }
  route["spec"]["hostnames"] = attachment.hostnames;
  object::Object object = said;
  object.json = to_text(route);
  return {std::move(object), ""};
}

}  // namespace duet::cluster
