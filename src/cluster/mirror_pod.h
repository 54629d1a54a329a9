#pragma once

#include <string>

#include "cluster/json_field.h"
#include "object/object.h"

// Mirror pods: how a cluster sees pods that a node has from elsewhere (a kubelet's static pods).
// They are pictures: nothing that happens to one touches the pod itself. Pure functions,
// thread-safe.
namespace duet::cluster {

// Whether a pod of the API server is one.
bool is_mirror(const Json& pod);

// The name of the mirror of `pod`, in the same namespace.
std::string mirror_name(const std::string& pod, const std::string& node);

// What changes when the mirror is to be made anew: the pod is another one, or its spec is.
std::string mirror_mark(const object::Object& stored);
std::string mirror_mark(const Json& mirror);

// The mirror of `stored`, owned by the Node. It has containers, images, ports and resources, and
// what a node may not send is left out: variables and volumes, which name objects of this site
// alone.
Json mirror_pod(const object::Object& stored, const std::string& node, const std::string& node_uid);

}  // namespace duet::cluster
