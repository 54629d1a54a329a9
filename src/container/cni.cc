#include "container/cni.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "container/cni_config.h"
#include "container/run.h"
#include "sys/fd.h"
#include "sys/file.h"
#include "sys/namespace.h"
#include "sys/replace_file.h"
#include "sys/run_command.h"

namespace duet::container {

using nlohmann::json;

struct Cni::Attachment {
  CniPod pod;
  std::string list;    // the configuration it was attached by
  std::string result;  // of the last plugin; empty: it was never attached as a whole
};

namespace {

constexpr size_t kCacheLimitBytes = 4 << 20;
constexpr size_t kResultLimitBytes = 1 << 20;
constexpr char kRecordSuffix[] = ".json";  // of the file that says how a pod is attached

std::string join(const std::vector<std::string>& parts, const char* separator) {
  std::string text;
  for (const auto& part : parts) {
    text += (text.empty() ? "" : separator) + part;
  }
  return text;
}

// CNI_CONTAINERID (spec, section 2), which also names files here.
Status check_id(const std::string& id) {
  constexpr char kAlphanumeric[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  if (id.empty() || id.size() > 128 ||
      id.find_first_not_of(std::string(kAlphanumeric) + "._-") != std::string::npos ||
      std::string(kAlphanumeric).find(id[0]) == std::string::npos) {
    return invalid("CNI: \"" + id + "\" cannot be the id of a pod");
  }
  return {};
}

// Holds the lock of one pod. The file goes when the pod does, so that a lock is only good if its
// file is still the one at `path`.
Result<sys::Fd> lock_pod(const std::string& path) {
  for (;;) {
    DUET_ASSIGN(sys::Fd fd, sys::open_file(path, O_RDWR | O_CREAT, 0600));
    struct flock wanted{};
    wanted.l_type = F_WRLCK;
    wanted.l_whence = SEEK_SET;
    while (::fcntl(fd.get(), F_OFD_SETLKW, &wanted) != 0) {
      if (errno != EINTR) {
        return Error::from_errno("lock " + path, errno);
      }
    }
    struct stat held{};
    struct stat there{};
    if (::fstat(fd.get(), &held) == 0 && ::stat(path.c_str(), &there) == 0 &&
        held.st_ino == there.st_ino && held.st_dev == there.st_dev) {
      return fd;
    }
  }
}

json pod_to_json(const CniPod& pod) {
  json ports = json::array();
  for (const auto& port : pod.ports) {
    ports.push_back(json{{"hostPort", port.host_port},
                         {"containerPort", port.container_port},
                         {"protocol", port.protocol},
                         {"hostIP", port.host_ip}});
  }
  return {{"id", pod.id},     {"netns", pod.network_namespace},
          {"name", pod.name}, {"namespace", pod.ns},
          {"uid", pod.uid},   {"ports", std::move(ports)}};
}

std::string text_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

int number_in(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<int>() : 0;
}

CniPod pod_from_json(const json& from) {
  CniPod pod{text_in(from, "id"),        text_in(from, "netns"), text_in(from, "name"),
             text_in(from, "namespace"), text_in(from, "uid"),   {}};
  const auto ports = from.find("ports");
  if (ports != from.end() && ports->is_array()) {
    for (const auto& port : *ports) {
      if (port.is_object()) {
        pod.ports.push_back({number_in(port, "hostPort"), number_in(port, "containerPort"),
                             text_in(port, "protocol"), text_in(port, "hostIP")});
      }
    }
  }
  return pod;
}

// portmap without ports hands the result through and, at DEL, finds nothing: not worth a process.
bool has_nothing_to_do(const std::string& type, const CniPod& pod) {
  return type == "portmap" && pod.ports.empty();
}

}  // namespace

Result<std::vector<Cni::Plugin>> Cni::find_plugins(const std::string& text) const {
  DUET_ASSIGN(const CniList list, parse_conflist(text));
  std::vector<Plugin> plugins;
  std::vector<std::string> missing;
  for (size_t i = 0; i < list.types.size(); ++i) {
    std::string path = find_program(list.types[i], options_.plugin_directories);
    if (path.empty()) {
      missing.push_back(list.types[i]);
    }
    plugins.push_back({list.types[i], std::move(path), list.plugins[i]});
  }
  if (!missing.empty()) {
    return not_found("CNI network \"" + list.name + "\": no plugin " + join(missing, ", ") +
                     " in " + join(options_.plugin_directories, ", ") +
                     " (the package containernetworking-plugins has the usual ones)");
  }
  return plugins;
}

Result<Cni> Cni::load(Options options) {
  Cni cni;
  cni.options_ = std::move(options);
  DUET_ASSIGN(const CniList list, parse_conflist(cni.options_.conflist));
  cni.name_ = list.name;
  DUET_TRY(cni.find_plugins(cni.options_.conflist));
  DUET_TRY(sys::make_directories(cni.options_.cache_directory, 0700));
  DUET_TRY(cni.remove_half_written());
  return cni;
}

// What sys::write_file_atomic has beside the file until it is whole, left by an agent that was
// killed then.
Status Cni::remove_half_written() const {
  DUET_ASSIGN(const auto names, sys::list_directory(options_.cache_directory));
  for (const auto& name : names) {
    if (name.find(".json.") != std::string::npos) {
      DUET_TRY(sys::remove_tree(options_.cache_directory + "/" + name));
    }
  }
  return {};
}

// By the pod alone: one that an agent with another network has attached keeps that attachment.
std::string Cni::pod_file(const CniPod& pod, const char* suffix) const {
  return options_.cache_directory + "/" + pod.id + suffix;
}

Result<std::vector<std::string>> Cni::attached() const {
  DUET_ASSIGN(const auto names, sys::list_directory(options_.cache_directory));
  std::vector<std::string> ids;
  for (const auto& name : names) {
    if (name.ends_with(kRecordSuffix)) {
      ids.push_back(name.substr(0, name.size() - std::string_view(kRecordSuffix).size()));
    }
  }
  return ids;
}

Result<Cni::Attachment> Cni::read_attachment(const CniPod& pod) const {
  const std::string path = pod_file(pod, kRecordSuffix);
  DUET_ASSIGN(const std::string text, sys::read_file(path, kCacheLimitBytes));
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("pod") || !parsed["pod"].is_object()) {
    // Spoiled by a power cut, as it is not synced: the pod may have been attached, and by now all
    // that is left of it is the booked address.
    return Attachment{pod, options_.conflist, ""};
  }
  return Attachment{pod_from_json(parsed["pod"]), text_in(parsed, "list"),
                    text_in(parsed, "result")};
}

Status Cni::write_attachment(const Attachment& attachment) const {
  const json whole = {{"pod", pod_to_json(attachment.pod)},
                      {"list", attachment.list},
                      {"result", attachment.result}};
  // Not synced: namespaces and interfaces do not survive the machine either.
  return sys::replace_file(pod_file(attachment.pod, kRecordSuffix),
                           whole.dump(-1, ' ', false, json::error_handler_t::replace), 0600);
}

Result<std::string> Cni::execute(const Plugin& plugin, const std::string& command,
                                 const Attachment& attachment) const {
  const CniPod& pod = attachment.pod;
  DUET_ASSIGN(const CniList list, parse_conflist(attachment.list));
  DUET_ASSIGN(const std::string input,
              execution_config(list, plugin.config, attachment.result, pod.ports));
  const bool gone = command == "DEL" && !sys::network_namespace_exists(pod.network_namespace);
  sys::Command run;
  run.argv = {plugin.path};
  run.env = {
      "CNI_COMMAND=" + command,
      "CNI_CONTAINERID=" + pod.id,
      "CNI_NETNS=" + (gone ? std::string() : pod.network_namespace),
      "CNI_IFNAME=" + options_.interface_name,
      "CNI_ARGS=IgnoreUnknown=1;K8S_POD_NAMESPACE=" + pod.ns + ";K8S_POD_NAME=" + pod.name +
          ";K8S_POD_INFRA_CONTAINER_ID=" + pod.id + ";K8S_POD_UID=" + pod.uid,
      "CNI_PATH=" + join(options_.plugin_directories, ":"),
      "PATH=" + join(program_directories(), ":"),
  };
  DUET_ASSIGN(const auto output, sys::run(run, input, options_.timeout_ms, kResultLimitBytes));
  if (!output.status.ok()) {
    return Error(ErrorCode::kUnavailable,
                 "CNI network \"" + name_ + "\": " + plugin.type + " " + command +
                     " failed: " + cni_error_message(output.out, output.err));
  }
  return output.out;
}

Status Cni::add_all(Attachment& attachment) const {
  DUET_ASSIGN(const auto plugins, find_plugins(attachment.list));
  for (const auto& plugin : plugins) {
    if (has_nothing_to_do(plugin.type, attachment.pod)) {
      continue;
    }
    DUET_ASSIGN(attachment.result, execute(plugin, "ADD", attachment));
  }
  DUET_TRY(parse_cni_result(attachment.result));
  return write_attachment(attachment);
}

// Goes on after a failure, so that as much as can be is taken back, and gives the first one.
Status Cni::remove_all(const Attachment& attachment) const {
  DUET_ASSIGN(const auto plugins, find_plugins(attachment.list));
  Status first;
  for (auto plugin = plugins.rbegin(); plugin != plugins.rend(); ++plugin) {
    if (has_nothing_to_do(plugin->type, attachment.pod)) {
      continue;
    }
    const auto done = execute(*plugin, "DEL", attachment);
    if (!done.ok() && first.ok()) {
      first = done.error();
    }
  }
  return first;
}

// The lock's file goes last, while the lock is held.
Status Cni::forget(const CniPod& pod) const {
  for (const char* suffix : {kRecordSuffix, ".lock"}) {
    const std::string path = pod_file(pod, suffix);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      return Error::from_errno("remove " + path, errno);
    }
  }
  return {};
}

Result<CniResult> Cni::add(const CniPod& pod) const {
  DUET_TRY(check_id(pod.id));
  DUET_ASSIGN(const CniList list, parse_conflist(options_.conflist));
  bool maps_ports = pod.ports.empty();
  for (const auto& plugin : list.plugins) {
    maps_ports = maps_ports || takes_port_mappings(plugin);
  }
  if (!maps_ports) {
    return Error(ErrorCode::kUnsupported, "hostPort: no plugin of the CNI network \"" + name_ +
                                              "\" maps ports (portmap does, and needs iptables)");
  }
  DUET_ASSIGN(const sys::Fd lock, lock_pod(pod_file(pod, ".lock")));
  if (sys::file_exists(pod_file(pod, kRecordSuffix))) {
    DUET_ASSIGN(const Attachment before, read_attachment(pod));
    if (!before.result.empty()) {
      return Error(ErrorCode::kAlreadyExists,
                   "CNI network \"" + name_ + "\": pod " + pod.id + " is attached already");
    }
    DUET_TRY(remove_all(before));  // we were killed in the midst of it
  }
  Attachment attachment{pod, options_.conflist, ""};
  DUET_TRY(write_attachment(attachment));  // so that it is taken back if we are killed now
  const auto added = add_all(attachment);
  if (!added.ok()) {
    if (remove_all(attachment).ok()) {
      (void)forget(pod);
    }
    return added.error();
  }
  return parse_cni_result(attachment.result);
}

Result<CniResult> Cni::cached(const CniPod& pod) const {
  DUET_TRY(check_id(pod.id));
  DUET_ASSIGN(const Attachment attachment, read_attachment(pod));
  if (attachment.result.empty()) {
    return not_found("CNI network \"" + name_ + "\": pod " + pod.id + " is not attached");
  }
  return parse_cni_result(attachment.result);
}

Status Cni::check(const CniPod& pod) const {
  DUET_TRY(check_id(pod.id));
  DUET_ASSIGN(const sys::Fd lock, lock_pod(pod_file(pod, ".lock")));
  DUET_ASSIGN(const Attachment attachment, read_attachment(pod));
  DUET_ASSIGN(const CniList list, parse_conflist(attachment.list));
  if (list.disable_check || !cni_version_at_least(list.version, "0.4.0")) {
    return {};
  }
  DUET_ASSIGN(const auto plugins, find_plugins(attachment.list));
  for (const auto& plugin : plugins) {
    if (!has_nothing_to_do(plugin.type, attachment.pod)) {
      DUET_TRY(execute(plugin, "CHECK", attachment));
    }
  }
  return {};
}

Status Cni::remove(const CniPod& pod) const {
  DUET_TRY(check_id(pod.id));
  if (!sys::file_exists(pod_file(pod, kRecordSuffix))) {
    return {};
  }
  DUET_ASSIGN(const sys::Fd lock, lock_pod(pod_file(pod, ".lock")));
  auto attachment = read_attachment(pod);
  if (!attachment.ok() && attachment.error().code() != ErrorCode::kNotFound) {
    return attachment.error();
  }
  if (attachment.ok()) {
    DUET_TRY(remove_all(*attachment));
  }
  return forget(pod);
}

}  // namespace duet::container
