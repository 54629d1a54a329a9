#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "object/object.h"

// core/v1 Pod, as far as duet carries it out. Field meanings are those of the Kubernetes API
// reference; quantities are already numbers (cpu in millicores, memory in bytes). src/object/schema
// says which fields exist beyond these.
namespace duet::object {

struct KeyReference {  // configMapKeyRef, secretKeyRef
  std::string name;
  std::string key;
  bool optional = false;
};

struct EnvVar {
  std::string name;
  std::string value;  // may hold $(NAME) references
  std::optional<KeyReference> config_map_key;
  std::optional<KeyReference> secret_key;
  std::string field_path;  // fieldRef: metadata.name, status.podIP, ...; empty: none
};

struct EnvFrom {
  std::string prefix;
  std::string config_map;  // one of the two is set
  std::string secret;
  bool optional = false;
};

struct ContainerPort {
  std::string name;
  int container_port = 0;
  int host_port = 0;
  std::string protocol = "TCP";
};

struct VolumeMount {
  std::string name;
  std::string mount_path;
  std::string sub_path;
  bool read_only = false;
};

struct Resources {
  std::optional<int64_t> cpu_limit_millis;
  std::optional<int64_t> memory_limit_bytes;
  std::optional<int64_t> cpu_request_millis;
  std::optional<int64_t> memory_request_bytes;
};

struct HttpGetAction {
  std::string path = "/";
  std::string port;  // number or name
  std::string host;
  std::string scheme = "HTTP";
  std::vector<std::pair<std::string, std::string>> headers;
};

// An httpGet, tcpSocket or exec action of a probe or lifecycle hook; which one is set says what it
// is.
struct Handler {
  using HttpGet = HttpGetAction;
  std::optional<HttpGet> http_get;
  std::string tcp_port;  // number or name; empty: none
  std::vector<std::string> exec_command;
};

struct Probe {
  Handler handler;
  int initial_delay_seconds = 0;
  int timeout_seconds = 1;
  int period_seconds = 10;
  int success_threshold = 1;
  int failure_threshold = 3;
};

struct SecurityContext {
  std::optional<int64_t> run_as_user;
  std::optional<int64_t> run_as_group;
  std::optional<bool> run_as_non_root;
  bool read_only_root_filesystem = false;
  bool privileged = false;
  std::optional<bool> allow_privilege_escalation;
  std::vector<std::string> add_capabilities;   // without CAP_
  std::vector<std::string> drop_capabilities;  // without CAP_, or ALL
  std::string seccomp_type;                    // RuntimeDefault (the default), Unconfined
};

struct Container {
  std::string name;
  std::string image;
  std::string image_pull_policy;  // Always, IfNotPresent, Never; defaulted by the tag
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::string working_dir;
  std::vector<EnvVar> env;
  std::vector<EnvFrom> env_from;
  std::vector<ContainerPort> ports;
  std::vector<VolumeMount> volume_mounts;
  Resources resources;
  SecurityContext security;
  std::optional<Probe> liveness_probe;
  std::optional<Probe> readiness_probe;
  std::optional<Probe> startup_probe;
  std::optional<Handler> pre_stop;
  std::optional<Handler> post_start;
  bool stdin_open = false;
  bool tty = false;
};

struct KeyToPath {
  std::string key;
  std::string path;
  std::optional<int> mode;
};

// Where files of a volume come from that only the node writes.
struct ProjectionSource {
  enum class Type { kConfigMap, kSecret, kDownwardApi };
  Type type = Type::kConfigMap;
  std::string name;              // of the ConfigMap or Secret
  std::vector<KeyToPath> items;  // a key is one of the object's, or a field's path; empty: all keys
  bool optional = false;
};

struct Volume {
  enum class Type { kEmptyDir, kHostPath, kProjected };
  std::string name;
  Type type = Type::kEmptyDir;
  std::string host_path;
  std::string host_path_type;  // "", Directory, DirectoryOrCreate, File, FileOrCreate, Socket, ...
  std::vector<ProjectionSource> sources;  // a path of a later one replaces an earlier one's
  std::optional<int> default_mode;
  bool memory_medium = false;               // emptyDir.medium: Memory
  std::optional<int64_t> size_limit_bytes;  // emptyDir.sizeLimit
};

struct Toleration {
  std::string key;
  std::string op;  // Equal (default), Exists
  std::string value;
  std::string effect;
};

struct PodSpec {
  std::vector<Container> init_containers;
  std::vector<Container> containers;
  std::vector<Volume> volumes;
  std::string restart_policy = "Always";  // Always, OnFailure, Never
  int64_t termination_grace_period_seconds = 30;
  std::optional<int64_t> active_deadline_seconds;
  StringMap node_selector;
  std::vector<Toleration> tolerations;
  std::string node_name;
  std::string service_account_name = "default";
  std::string runtime_class_name;
  std::string hostname;
  bool host_network = false;
  bool enable_service_links = true;
  SecurityContext security;  // the pod's: run_as_user, run_as_group, run_as_non_root, seccomp_type
  std::optional<int64_t> fs_group;
  std::vector<int64_t> supplemental_groups;
};

struct ContainerState {
  enum class Type { kWaiting, kRunning, kTerminated };
  Type type = Type::kWaiting;
  std::string reason;  // waiting: ContainerCreating, CrashLoopBackOff, ...; terminated: Completed,
                       // Error, OOMKilled
  std::string message;
  int exit_code = 0;
  int signal = 0;
  std::string started_at;   // RFC 3339
  std::string finished_at;  // RFC 3339
  std::string container_id;
  bool operator==(const ContainerState&) const = default;
};

struct ContainerStatus {
  std::string name;
  std::string image;
  std::string image_id;
  std::string container_id;  // duet://<id>
  ContainerState state;
  std::optional<ContainerState> last_state;
  int restart_count = 0;
  bool ready = false;
  bool started = false;
  bool operator==(const ContainerStatus&) const = default;
};

struct PodCondition {
  std::string type;    // Initialized, Ready, ContainersReady, PodScheduled
  std::string status;  // True, False
  std::string reason;
  std::string message;
  std::string last_transition_time;  // RFC 3339
  bool operator==(const PodCondition&) const = default;
};

struct PodStatus {
  std::string phase = "Pending";  // Pending, Running, Succeeded, Failed
  std::string reason;
  std::string message;
  std::string host_ip;
  std::string pod_ip;
  std::string start_time;  // RFC 3339
  std::vector<PodCondition> conditions;
  std::vector<ContainerStatus> init_container_statuses;
  std::vector<ContainerStatus> container_statuses;
  bool operator==(const PodStatus&) const = default;
};

struct Pod {
  Meta meta;
  PodSpec spec;
  PodStatus status;
};

// metadata and spec of a pod yet to be made, as a Deployment holds it.
struct PodTemplate {
  StringMap labels;
  StringMap annotations;
  PodSpec spec;
};

}  // namespace duet::object
