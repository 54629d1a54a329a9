#include "pod/paths.h"

#include <charconv>

namespace duet::pod {

PodPaths::PodPaths(const NodePaths& node, const object::ObjectKey& key, const std::string& uid)
    : run_(node.run + "/pods/" + uid),
      state_(node.state + "/pods/" + uid),
      logs_(node.logs + "/" + key.ns + "_" + key.name + "_" + uid),
      cgroup_("/duet/pod" + uid) {}

std::string PodPaths::log(const std::string& container, int attempt) const {
  return logs_ + "/" + container + "/" + std::to_string(attempt) + ".log";
}

std::string container_id(const std::string& uid, const std::string& container, int attempt) {
  return uid + "-" + container + "-" + std::to_string(attempt);
}

int attempt_of(const std::string& id, const std::string& uid, const std::string& container) {
  const std::string prefix = uid + "-" + container + "-";
  int attempt = -1;
  if (!id.starts_with(prefix)) {
    return -1;
  }
  const char* end = id.data() + id.size();
  const auto parsed = std::from_chars(id.data() + prefix.size(), end, attempt);
  return parsed.ec == std::errc() && parsed.ptr == end ? attempt : -1;
}

}  // namespace duet::pod
