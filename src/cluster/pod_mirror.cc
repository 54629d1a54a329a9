#include "cluster/pod_mirror.h"

#include <algorithm>
#include <iterator>
#include <vector>

#include "cluster/service_account_token.h"
#include "object/source_mark.h"

namespace duet::cluster {
namespace {

bool is_over(const Json& status) {
  const std::string phase = text_of(status, "phase");
  return phase == "Succeeded" || phase == "Failed";
}

constexpr const char* kContainerLists[] = {"containers", "initContainers"};

// Before the container's own variables, which may say something else and refer to these.
void put_variable(Json& container, const char* name, const std::string& value) {
  Json& all = container["env"];
  if (!all.is_array()) {
    all = Json::array();
  }
  const bool own = std::any_of(all.begin(), all.end(),
                               [&](const Json& one) { return text_of(one, "name") == name; });
  if (!own) {
    all.insert(all.begin(), Json{{"name", name}, {"value", value}});
  }
}

void put_server(Json& spec, const Endpoint& server) {
  for (const char* list : kContainerLists) {
    if (!member(spec, list).is_array()) {
      continue;
    }
    for (Json& container : spec[list]) {
      if (container.is_object()) {
        put_variable(container, "KUBERNETES_SERVICE_HOST", server.host);
        put_variable(container, "KUBERNETES_SERVICE_PORT", std::to_string(server.port));
      }
    }
  }
}

std::vector<std::string> images_of(const Json& spec) {
  std::vector<std::string> images;
  for (const char* list : kContainerLists) {
    for (const Json& container : member(spec, list)) {
      images.push_back(text_of(container, "name") + "=" + text_of(container, "image"));
    }
  }
  return images;
}

Json parse(const object::Object& object) { return Json::parse(object.json, nullptr, false); }

// Whether it is worth reading.
bool may_be_of_cluster(const object::Object& stored) {
  return stored.json.find(object::kSourceAnnotation) != std::string::npos;
}

bool is_of_cluster(const Json& json) {
  const Json annotations = member(member(json, "metadata"), "annotations");
  return text_of(annotations, object::kSourceAnnotation) == object::kClusterSource;
}

// Each name that stands under `reference` of an object, as configMapKeyRef has it.
void add_reference(const Json& reference, const char* name, object::Kind kind,
                   const std::string& ns, std::set<object::ObjectKey>& out) {
  const std::string found = text_of(reference, name);
  if (!found.empty()) {
    out.insert({kind, ns, found});
  }
}

void add_container_references(const Json& container, const std::string& ns,
                              std::set<object::ObjectKey>& out) {
  for (const Json& one : member(container, "envFrom")) {
    add_reference(member(one, "configMapRef"), "name", object::Kind::kConfigMap, ns, out);
    add_reference(member(one, "secretRef"), "name", object::Kind::kSecret, ns, out);
  }
  for (const Json& one : member(container, "env")) {
    const Json from = member(one, "valueFrom");
    add_reference(member(from, "configMapKeyRef"), "name", object::Kind::kConfigMap, ns, out);
    add_reference(member(from, "secretKeyRef"), "name", object::Kind::kSecret, ns, out);
  }
}

std::set<object::ObjectKey> references_of(const Json& spec, const std::string& ns) {
  std::set<object::ObjectKey> out;
  for (const char* list : kContainerLists) {
    for (const Json& container : member(spec, list)) {
      add_container_references(container, ns, out);
    }
  }
  for (const Json& volume : member(spec, "volumes")) {
    add_reference(member(volume, "configMap"), "name", object::Kind::kConfigMap, ns, out);
    add_reference(member(volume, "secret"), "secretName", object::Kind::kSecret, ns, out);
    for (const Json& source : member(member(volume, "projected"), "sources")) {
      add_reference(member(source, "configMap"), "name", object::Kind::kConfigMap, ns, out);
      add_reference(member(source, "secret"), "name", object::Kind::kSecret, ns, out);
    }
  }
  return out;
}

// Who else wrote conditions of the pod is not spoken for.
bool is_ours(const Json& condition) { return text_of(condition, "type") != "PodScheduled"; }

// Whether `server` says all that `told` does; it may say more, as lastProbeTime.
bool covers(const Json& server, const Json& told) {
  if (told.is_object()) {
    for (const auto& [name, value] : told.items()) {
      if (!covers(member(server, name.c_str()), value)) {
        return false;
      }
    }
    return true;
  }
  if (!told.is_array()) {
    return server == told;
  }
  if (!server.is_array() || server.size() != told.size()) {
    return false;
  }
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (!covers(server[i], told[i])) {
      return false;
    }
  }
  return true;
}

// The same for a status, whose conditions have no order.
bool says(const Json& server, Json told) {
  const Json theirs = member(server, "conditions");
  const Json ours = member(told, "conditions");
  told.erase("conditions");
  return covers(server, told) && std::all_of(ours.begin(), ours.end(), [&](const Json& one) {
           return std::any_of(theirs.begin(), theirs.end(),
                              [&](const Json& their) { return covers(their, one); });
         });
}

}  // namespace

Result<ClusterPod> read_cluster_pod(Json object) {
  const Json metadata = member(object, "metadata");
  ClusterPod pod;
  pod.key = {object::Kind::kPod, text_of(metadata, "namespace"), text_of(metadata, "name")};
  pod.uid = text_of(metadata, "uid");
  if (pod.key.ns.empty() || pod.key.name.empty() || pod.uid.empty() ||
      !member(object, "spec").is_object()) {
    return Error(ErrorCode::kCorrupt, "the server sent a pod without name, namespace, uid or spec");
  }
  pod.deleting = !text_of(metadata, "deletionTimestamp").empty();
  const Json grace = member(metadata, "deletionGracePeriodSeconds");
  pod.grace_seconds =
      grace.is_number_integer() ? std::max(grace.get<std::int64_t>(), std::int64_t{0}) : 0;
  pod.over = is_over(member(object, "status"));
  pod.references = references_of(member(object, "spec"), pod.key.ns);
  pod.object = std::move(object);
  return pod;
}

object::Object stored_object(const object::ObjectKey& key, Json object) {
  Json& metadata = object["metadata"];
  for (const char* name : {"managedFields", "resourceVersion", "generation", "deletionTimestamp",
                           "deletionGracePeriodSeconds", "finalizers", "selfLink"}) {
    metadata.erase(name);
  }
  if (!member(metadata, "annotations").is_object()) {
    metadata["annotations"] = Json::object();
  }
  metadata["annotations"][object::kSourceAnnotation] = object::kClusterSource;
  object.erase("status");
  const std::string uid = text_of(metadata, "uid");
  return {key, uid, 0, to_text(object)};
}

object::Object stored_pod(const ClusterPod& pod, const object::Object* stored,
                          const Endpoint& server) {
  Json json = pod.object;
  put_server(json["spec"], server);
  put_local_tokens(json["spec"], pod.uid);
  if (stored != nullptr) {
    const Json there = parse(*stored);
    if (images_of(member(there, "spec")) == images_of(json["spec"])) {
      json["spec"] = member(there, "spec");
    }
  }
  return stored_object(pod.key, std::move(json));
}

bool is_of_cluster(const object::Object& stored) {
  return may_be_of_cluster(stored) && is_of_cluster(parse(stored));
}

std::optional<std::string> bound_node(const object::Object& stored) {
  if (!may_be_of_cluster(stored)) {
    return std::nullopt;
  }
  const Json json = parse(stored);
  return is_of_cluster(json) ? std::optional(text_of(member(json, "spec"), "nodeName"))
                             : std::nullopt;
}

std::optional<Json> status_patch(const ClusterPod& pod, const object::Object& stored) {
  return stored.uid == pod.uid ? status_patch(pod, member(parse(stored), "status")) : std::nullopt;
}

std::optional<Json> status_patch(const ClusterPod& pod, Json status) {
  if (!status.is_object() || status.empty()) {
    return std::nullopt;
  }
  if (pod.over && !is_over(status)) {
    return std::nullopt;
  }
  if (status.contains("conditions") && status["conditions"].is_array()) {
    Json ours = Json::array();
    std::copy_if(status["conditions"].begin(), status["conditions"].end(), std::back_inserter(ours),
                 is_ours);
    status["conditions"] = std::move(ours);
  }
  const Json server = member(pod.object, "status");
  if (says(server, status)) {
    return std::nullopt;
  }
  // A reason that is over must be taken back.
  for (const char* name : {"reason", "message"}) {
    if (!status.contains(name) && member(server, name).is_string()) {
      status[name] = nullptr;
    }
  }
  return Json{{"metadata", {{"uid", pod.uid}}}, {"status", std::move(status)}};
}

}  // namespace duet::cluster
