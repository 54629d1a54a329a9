#include "cluster/needed_objects.h"

#include <algorithm>
#include <optional>

#include "cluster/local_objects.h"
#include "cluster/pod_mirror.h"

namespace duet::cluster {

void NeededObjects::set(const std::string& node, std::set<object::ObjectKey> objects) {
  const std::lock_guard lock(mutex_);
  needed_.insert_or_assign(node, std::move(objects));
}

Status NeededObjects::remove_others() {
  const std::lock_guard lock(mutex_);
  if (needed_.size() < nodes_.size()) {
    return {};
  }
  for (const object::Kind kind : {object::Kind::kConfigMap, object::Kind::kSecret}) {
    DUET_ASSIGN(const store::Listing all, store_.list(kind));
    for (const object::Object& one : all.objects) {
      if (!is_needed(one.key) && is_of_cluster(one)) {
        DUET_TRY(remove_stored(store_, one, std::nullopt));
      }
    }
  }
  return {};
}

bool NeededObjects::is_needed(const object::ObjectKey& key) const {
  return std::any_of(needed_.begin(), needed_.end(),
                     [&](const auto& of_node) { return of_node.second.contains(key); });
}

}  // namespace duet::cluster
