#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "object/object.h"

namespace duet::api {

// A path of the Kubernetes API that names objects: /api/v1/namespaces/NS/pods/NAME/log.
struct ResourcePath {
  object::Kind kind = object::Kind::kPod;
  std::string ns;           // empty: all namespaces, or a cluster-scoped kind
  std::string name;         // empty: the collection
  std::string subresource;  // log, exec, attach; empty: the object itself
  object::ObjectKey key() const { return {kind, ns, name}; }
};

// `path` without its query, still percent-encoded. Nothing: it names no kind that duet knows.
std::optional<ResourcePath> parse_resource_path(std::string_view path);

// The path of a kind's collection (`ns` empty: in all namespaces) or, with a name, of one object.
std::string resource_path(object::Kind kind, std::string_view ns, std::string_view name = "");

// pods, deployments.apps: as Kubernetes names a kind in its messages.
std::string qualified_resource(object::Kind kind);

}  // namespace duet::api
