#include "pod/handlers.h"

namespace duet::pod {

void Handlers::put(HandlerInstance instance) {
  {
    const std::lock_guard lock(mutex_);
    auto key = std::pair(instance.uid, instance.container);
    instances_.insert_or_assign(std::move(key), std::move(instance));
  }
  changed_();
}

void Handlers::remove(const std::string& uid) {
  size_t removed = 0;
  {
    const std::lock_guard lock(mutex_);
    removed =
        std::erase_if(instances_, [&](const auto& entry) { return entry.first.first == uid; });
  }
  if (removed > 0) {
    changed_();
  }
}

bool Handlers::has(const std::string& uid, const std::string& container) const {
  const std::lock_guard lock(mutex_);
  return instances_.contains({uid, container});
}

std::vector<HandlerInstance> Handlers::list() const {
  const std::lock_guard lock(mutex_);
  std::vector<HandlerInstance> out;
  out.reserve(instances_.size());
  for (const auto& [key, instance] : instances_) {
    out.push_back(instance);
  }
  return out;
}

}  // namespace duet::pod
