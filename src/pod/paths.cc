#include "pod/paths.h"

#include <charconv>

#include "sys/file.h"

namespace duet::pod {

PodPaths::PodPaths(const NodePaths& node, const object::ObjectKey& key, const std::string& uid)
    : run_(node.run + "/pods/" + uid),
      state_(node.state + "/pods/" + uid),
      logs_(node.logs + "/" + key.ns + "_" + key.name + "_" + uid),
      cgroup_("/duet/pod" + uid) {}

std::string PodPaths::log(const std::string& container, int attempt) const {
  return logs_ + "/" + container + "/" + std::to_string(attempt) + ".log";
}

object::ObjectKey key_of_logs(const NodePaths& node, const std::string& uid) {
  const auto names = sys::list_directory(node.logs);
  for (const auto& name : names.value_or({})) {
    const size_t border = name.find('_');  // neither a namespace nor a name has one
    if (name.ends_with("_" + uid) && border + uid.size() + 1 < name.size()) {
      return {object::Kind::kPod, name.substr(0, border),
              name.substr(border + 1, name.size() - border - uid.size() - 2)};
    }
  }
  return {object::Kind::kPod, "", ""};
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

std::string container_of(const std::string& id, const std::string& uid) {
  const size_t begin = uid.size() + 1;
  const size_t end = id.rfind('-');
  const bool has_name = id.starts_with(uid + "-") && end != std::string::npos && end > begin;
  const std::string name = has_name ? id.substr(begin, end - begin) : "";
  return attempt_of(id, uid, name) >= 0 ? name : "";
}

}  // namespace duet::pod
