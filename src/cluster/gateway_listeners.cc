#include "cluster/gateway_listeners.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "object/format.h"

namespace duet::cluster {
namespace {

constexpr const char* kNameLabel = "kubernetes.io/metadata.name";

// What stands there, or what the API server puts there.
std::string text_or(const Json& object, const char* name, const char* otherwise) {
  return member(object, name).is_string() ? text_of(object, name) : otherwise;
}

std::string namespace_of(const Json& object) {
  return text_of(member(object, "metadata"), "namespace");
}

// By sectionName and port, where the reference has them.
bool is_meant(const Json& listener, const Json& parent) {
  const std::string section = text_of(parent, "sectionName");
  const Json& port = member(parent, "port");
  return (section.empty() || section == text_of(listener, "name")) &&
         (port.is_null() || port == member(listener, "port"));
}
bool is_meant(const Json& listener, const std::vector<Json>& parents) {
  return std::any_of(parents.begin(), parents.end(),
                     [&](const Json& one) { return is_meant(listener, one); });
}

bool takes_http_routes(const Json& listener) {
  const std::string protocol = text_of(listener, "protocol");
  const Json& kinds = member(member(listener, "allowedRoutes"), "kinds");
  return (protocol == "HTTP" || protocol == "HTTPS") &&
         (kinds.empty() || std::any_of(kinds.begin(), kinds.end(), [](const Json& one) {
            return text_of(one, "kind") == "HTTPRoute" &&
                   text_or(one, "group", kGatewayGroup) == kGatewayGroup;
          }));
}

bool has_text(const Json& texts, const std::string& text) {
  return std::find(texts.begin(), texts.end(), Json(text)) != texts.end();
}

// One requirement of a selector, of a namespace's only label that is known.
bool holds(const Json& requirement, const std::string& name) {
  const std::string how = text_of(requirement, "operator");
  const Json& values = member(requirement, "values");
  return text_of(requirement, "key") == kNameLabel &&
         (how == "Exists" || (how == "In" && has_text(values, name)) ||
          (how == "NotIn" && !has_text(values, name)));
}

bool selects(const Json& selector, const std::string& name) {
  const Json& labels = member(selector, "matchLabels");
  const Json& expressions = member(selector, "matchExpressions");
  return selector.is_object() &&
         std::all_of(labels.items().begin(), labels.items().end(),
                     [&](const auto& one) {
                       return one.key() == kNameLabel && one.value() == Json(name);
                     }) &&
         std::all_of(expressions.begin(), expressions.end(),
                     [&](const Json& one) { return holds(one, name); });
}

bool takes_namespace(const Json& listener, const std::string& own, const std::string& asking) {
  const Json& namespaces = member(member(listener, "allowedRoutes"), "namespaces");
  const std::string from = text_or(namespaces, "from", "Same");
  return from == "All" || (from == "Same" && own == asking) ||
         (from == "Selector" && selects(member(namespaces, "selector"), asking));
}

// Whether `wide` stands for `narrow` as well: "*.example.com" for names below it, with any number
// of labels, and for narrower wildcards.
bool covers(const std::string& wide, const std::string& narrow) {
  return wide == narrow || (wide.starts_with("*.") && narrow.size() >= wide.size() &&
                            narrow.ends_with(wide.substr(1)));
}

std::optional<std::string> narrower(const std::string& one, const std::string& other) {
  if (covers(one, other)) {
    return other;
  }
  return covers(other, one) ? std::optional(one) : std::nullopt;
}

void add_once(std::vector<std::string>& to, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::find(to.begin(), to.end(), name) == to.end()) {
      to.push_back(name);
    }
  }
}

// Of what the route asks for, what the listener is for. Nothing: they have no name in common; no
// names: all.
std::optional<std::vector<std::string>> common_names(const Json& listener, const Json& route) {
  const std::string own = text_of(listener, "hostname");
  const Json& asked = member(member(route, "spec"), "hostnames");
  std::vector<std::string> names;
  if (asked.empty()) {
    return own.empty() ? names : std::vector<std::string>{own};
  }
  for (const Json& one : asked) {
    const std::string name = one.is_string() ? one.get<std::string>() : "";
    if (const auto both = own.empty() ? std::optional(name) : narrower(own, name)) {
      add_once(names, {*both});
    }
  }
  return names.empty() ? std::nullopt : std::optional(names);
}

// How far a listener lets a route come; the furthest of all listeners counts.
enum class Step { kNone, kNotAllowed, kNoHostname, kAccepted };

Step step_at(const Json& listener, const std::vector<Json>& parents, const std::string& own,
             const std::string& asking) {
  if (!is_meant(listener, parents)) {
    return Step::kNone;
  }
  return takes_http_routes(listener) && takes_namespace(listener, own, asking) ? Step::kAccepted
                                                                               : Step::kNotAllowed;
}

// The reason of the condition Accepted, and in words; no words: it is.
struct Outcome {
  const char* reason;
  const char* message;
};

Outcome outcome_of(Step step) {
  switch (step) {
    case Step::kNone:
      return {"NoMatchingParent",
              "the Gateway has no listener of the sectionName and port that parentRefs names"};
    case Step::kNotAllowed:
      return {"NotAllowedByListeners",
              "the Gateway's listeners take no HTTPRoutes of this namespace (allowedRoutes)"};
    case Step::kNoHostname:
      return {"NoMatchingListenerHostname",
              "the Gateway's listeners are for none of the route's hostnames"};
    case Step::kAccepted:
      break;
  }
  return {"Accepted", ""};
}

}  // namespace

Result<GatewayName> parse_gateway_name(const std::string& text) {
  const std::size_t slash = std::min(text.find('/'), text.size());
  GatewayName out{text.substr(0, slash), text.substr(std::min(slash + 1, text.size()))};
  if (object::format_problem(object::Format::kDnsLabel, out.ns) ||
      object::format_problem(object::Format::kDnsSubdomain, out.name)) {
    return invalid(object::quote(text) + " names no Gateway: write NAMESPACE/NAME");
  }
  return out;
}

bool names(const Json& parent, const std::string& own, const GatewayName& gateway) {
  return text_or(parent, "group", kGatewayGroup) == kGatewayGroup &&
         text_or(parent, "kind", "Gateway") == "Gateway" &&
         text_or(parent, "namespace", own.c_str()) == gateway.ns &&
         text_of(parent, "name") == gateway.name;
}

std::vector<Json> parents_named(const Json& route, const GatewayName& gateway) {
  std::vector<Json> named;
  const std::string own = namespace_of(route);
  for (const Json& parent : member(member(route, "spec"), "parentRefs")) {
    if (names(parent, own, gateway)) {
      named.push_back(parent);
    }
  }
  return named;
}

Attachment attach(const Json& gateway, const std::vector<Json>& parents, const Json& route) {
  Step furthest = Step::kNone;
  std::vector<std::string> hostnames;
  bool for_all = false;
  for (const Json& listener : member(member(gateway, "spec"), "listeners")) {
    const auto names = common_names(listener, route);
    const Step step = step_at(listener, parents, namespace_of(gateway), namespace_of(route));
    furthest = std::max(furthest, step == Step::kAccepted && !names ? Step::kNoHostname : step);
    if (step == Step::kAccepted && names) {
      for_all = for_all || names->empty();
      add_once(hostnames, *names);
    }
  }
  if (for_all) {
    hostnames.clear();
  }
  const Outcome outcome = outcome_of(furthest);
  return {outcome.reason, outcome.message, std::move(hostnames)};
}

}  // namespace duet::cluster
