#include "pod/references.h"

#include <string>

namespace duet::pod {

std::set<object::ObjectKey> references_of(const object::Pod& pod) {
  std::set<object::ObjectKey> out;
  const auto add = [&](object::Kind kind, const std::string& name) {
    if (!name.empty()) {
      out.insert({kind, pod.meta.ns, name});
    }
  };
  for (const auto* list : {&pod.spec.init_containers, &pod.spec.containers}) {
    for (const auto& container : *list) {
      for (const auto& from : container.env_from) {
        add(object::Kind::kConfigMap, from.config_map);
        add(object::Kind::kSecret, from.secret);
      }
      for (const auto& one : container.env) {
        add(object::Kind::kConfigMap, one.config_map_key ? one.config_map_key->name : "");
        add(object::Kind::kSecret, one.secret_key ? one.secret_key->name : "");
      }
    }
  }
  for (const auto& volume : pod.spec.volumes) {
    for (const auto& source : volume.sources) {
      const bool secret = source.type == object::ProjectionSource::Type::kSecret;
      add(secret ? object::Kind::kSecret : object::Kind::kConfigMap, source.name);
    }
  }
  return out;
}

}  // namespace duet::pod
