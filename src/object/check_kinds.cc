#include "object/check_kinds.h"

#include <unordered_set>

#include "object/format.h"
#include "object/kind.h"

namespace duet::object {
namespace {

constexpr size_t kAnnotationsLimitBytes = 256 << 10;

// The sum over all annotations, as Kubernetes bounds it.
void check_annotations(const Place& annotations) {
  size_t size_bytes = 0;
  if (!annotations.present()) {
    return;
  }
  for (const MarkedNode::Member& member : annotations.node()->members) {
    size_bytes += member.key.size() + member.value.text.size();
  }
  if (size_bytes > kAnnotationsLimitBytes) {
    annotations.error("has " + std::to_string(size_bytes) + " bytes; at most " +
                      std::to_string(kAnnotationsLimitBytes) + " are possible");
  }
}

Format name_format(Kind kind) {
  switch (kind) {
    case Kind::kService:
      return Format::kServiceName;
    case Kind::kNamespace:
      return Format::kDnsLabel;
    default:
      return Format::kDnsSubdomain;
  }
}

AnnotatedKind annotated_kind(Kind kind) {
  switch (kind) {
    case Kind::kPod:
      return AnnotatedKind::kPod;
    case Kind::kIngress:
    case Kind::kHttpRoute:
      return AnnotatedKind::kRoute;
    case Kind::kService:
      return AnnotatedKind::kService;
    default:
      return AnnotatedKind::kOther;
  }
}

}  // namespace

void check_unique(const Place& list, std::string_view member, std::string_view what) {
  std::unordered_set<std::string> seen;
  list.each([&](const Place& item) {
    const Place name = item[member];
    const std::string value = name.text();
    if (!value.empty() && !seen.insert(value).second) {
      name.error(std::string(what) + " " + quote(value) + " is there twice");
    }
  });
}

void check_meta(const Place& object, Kind kind) {
  const Place meta = object["metadata"];
  const Place name = meta["name"];
  const bool given = name.present() && name.text("of another type") != "";
  if (meta.present() && meta.node()->is(MarkedNode::Type::kMap) && !given) {
    meta.findings().error(meta.mark(), name.path(),
                          "is required and missing; give the object a name");
  } else if (name.present() && name_format(kind) != Format::kDnsSubdomain) {
    if (auto problem = format_problem(name_format(kind), name.text())) {
      name.error(*problem);
    }
  }
  const Place ns = meta["namespace"];
  if (!kind_info(kind).namespaced && !ns.text().empty()) {
    ns.error("a " + std::string(kind_info(kind).name) + " is in no namespace; leave it out");
  }
  check_annotations(meta["annotations"]);
  check_duet_annotations(meta["annotations"], annotated_kind(kind));
}

void check_kind(const Place& object, Kind kind) {
  check_meta(object, kind);
  switch (kind) {
    case Kind::kPod:
      return check_pod(object);
    case Kind::kDeployment:
      return check_deployment(object);
    case Kind::kService:
      return check_service(object);
    case Kind::kConfigMap:
      return check_config_map(object);
    case Kind::kSecret:
      return check_secret(object);
    case Kind::kIngress:
      return check_ingress(object);
    case Kind::kHttpRoute:
      return check_http_route(object);
    case Kind::kEndpointSlice:
      return check_endpoint_slice(object);
    case Kind::kEvent:
      return object["kind"].error("events are written by the node, not by manifests");
    case Kind::kNamespace:
      return;
  }
}

}  // namespace duet::object
