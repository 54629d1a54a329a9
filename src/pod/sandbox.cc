#include "pod/sandbox.h"

#include <csignal>

#include "pod/resources.h"
#include "sys/file.h"
#include "sys/namespace.h"

namespace duet::pod {

namespace {

constexpr int64_t kKillTimeoutMs = 10'000;
constexpr size_t kEtcBytes = 64 << 10;  // of a file in the containers' /etc

container::CniPod cni_pod(const object::Pod& pod, const PodPaths& paths) {
  container::CniPod out{.id = pod.meta.uid,
                        .network_namespace = paths.network_namespace(),
                        .name = pod.meta.name,
                        .ns = pod.meta.ns,
                        .uid = pod.meta.uid};
  for (const auto& one : pod.spec.containers) {
    for (const auto& port : one.ports) {
      if (port.host_port != 0) {
        out.ports.push_back({.host_port = port.host_port,
                             .container_port = port.container_port,
                             .protocol = port.protocol == "UDP" ? "udp" : "tcp"});
      }
    }
  }
  return out;
}

std::string hostname_of(const object::Pod& pod) {
  constexpr size_t kHostnameLimit = 63;  // of the kernel
  const std::string& name = pod.spec.hostname.empty() ? pod.meta.name : pod.spec.hostname;
  return name.substr(0, kHostnameLimit);
}

// In place, because the files are mounted into containers; and only if something changed, because
// containers may be reading them.
Status keep_file(const std::string& path, const std::string& text) {
  const auto before = sys::read_file(path, kEtcBytes);
  return before.ok() && *before == text ? Status() : sys::write_file(path, text);
}

// What containers see in /etc, all but the content of hosts, which needs the address.
Status write_etc(const object::Pod& pod, const PodPaths& paths) {
  DUET_TRY(sys::make_directories(paths.etc(""), 0755));
  DUET_TRY(keep_file(paths.etc("hostname"), hostname_of(pod) + "\n"));
  const auto resolv = sys::read_file("/etc/resolv.conf", kEtcBytes);
  DUET_TRY(keep_file(paths.etc("resolv.conf"), resolv.value_or("")));
  return sys::file_exists(paths.etc("hosts")) ? Status() : sys::write_file(paths.etc("hosts"), "");
}

Status write_hosts(const object::Pod& pod, const PodPaths& paths, const std::string& ip) {
  std::string hosts = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  hosts += (ip.empty() ? "127.0.0.1" : ip) + "\t" + hostname_of(pod) + "\n";
  return keep_file(paths.etc("hosts"), hosts);
}

}  // namespace

Result<Sandbox> Sandboxes::ensure(const object::Pod& pod, const PodPaths& paths,
                                  const SandboxNeeds& needs) const {
  Sandbox sandbox;
  DUET_TRY(sys::make_directories(paths.run(), 0700));
  if (needs.processes || needs.network) {
    DUET_TRY(write_etc(pod, paths));
  }
  if (needs.network && !pod.spec.host_network) {
    DUET_ASSIGN(sandbox.address, ensure_network(pod, paths));
    sandbox.network_namespace = paths.network_namespace();
  } else {
    sandbox.address = PodAddress(pod.spec.host_network ? options_.host_ip : "");
  }
  if (needs.processes) {
    if (sandbox.address.here() && sandbox.address.get().ok()) {
      DUET_TRY(write_hosts(pod, paths, *sandbox.address.get()));
    }
    DUET_ASSIGN(sandbox.monitor, ensure_monitor(pod, paths));
  }
  return sandbox;
}

Result<monitor::MonitorClient> Sandboxes::ensure_monitor(const object::Pod& pod,
                                                         const PodPaths& paths) const {
  auto running = monitor::MonitorClient::connect(paths.run());
  if (running.ok() || running.error().code() != ErrorCode::kUnavailable) {
    return running;
  }
  monitor::LaunchOptions launch{.executable = options_.monitor_executable,
                                .directory = paths.run()};
  if (options_.cgroups != nullptr) {
    // Whatever a killed monitor left behind has nobody who reaps it or reads its output.
    DUET_TRY(options_.cgroups->kill(paths.cgroup(), kKillTimeoutMs));
    DUET_TRY(options_.cgroups->create(paths.cgroup("monitor")));
    DUET_TRY(limit(pod, paths));
    launch.cgroup_procs_files = options_.cgroups->procs_files(paths.cgroup("monitor"));
  }
  return monitor::MonitorClient::launch(launch);
}

// What the pod has among the other ones; its containers divide it.
Status Sandboxes::limit(const object::Pod& pod, const PodPaths& paths) const {
  if (!options_.cgroups->has_controller("cpu")) {
    return {};
  }
  return options_.cgroups->set_limits(paths.cgroup(), {.cpu_shares = cpu_shares(pod.spec)});
}

Result<PodAddress> Sandboxes::ensure_network(const object::Pod& pod, const PodPaths& paths) const {
  if (options_.cni == nullptr) {
    return options_.network_problem;
  }
  const auto attachment = cni_pod(pod, paths);
  if (sys::network_namespace_exists(paths.network_namespace())) {
    if (const auto known = options_.cni->cached(attachment);
        known.ok() && !known->addresses.empty()) {
      return PodAddress(known->addresses.front().address);
    }
  } else {
    // After a reboot the address of before is still booked.
    DUET_TRY(options_.cni->remove(attachment));
    DUET_TRY(sys::create_network_namespace(paths.network_namespace()));
  }
  return PodAddress::coming([this, &pod, &paths] { return attach(pod, paths); });
}

Result<std::string> Sandboxes::attach(const object::Pod& pod, const PodPaths& paths) const {
  auto added = options_.cni->add(cni_pod(pod, paths));
  if (!added.ok()) {
    return added.error().wrap("pod network " + options_.cni->network());
  }
  if (added->addresses.empty()) {
    return Error(ErrorCode::kUnavailable,
                 "pod network " + options_.cni->network() + ": the plugins gave no address");
  }
  const std::string& ip = added->addresses.front().address;
  DUET_TRY(write_hosts(pod, paths, ip));
  return ip;
}

std::vector<std::string> Sandboxes::attached() const {
  return options_.cni == nullptr ? std::vector<std::string>()
                                 : options_.cni->attached().value_or(std::vector<std::string>());
}

Status Sandboxes::remove(const object::Pod& pod, const PodPaths& paths) const {
  if (options_.cgroups != nullptr) {
    DUET_TRY(options_.cgroups->kill(paths.cgroup(), kKillTimeoutMs));
  } else if (const auto running = monitor::MonitorClient::connect(paths.run()); running.ok()) {
    DUET_TRY(running->quit());
  }
  if (options_.cni != nullptr && !pod.spec.host_network) {
    DUET_TRY(options_.cni->remove(cni_pod(pod, paths)));
  }
  DUET_TRY(sys::remove_network_namespace(paths.network_namespace()));
  if (options_.cgroups != nullptr) {
    DUET_TRY(options_.cgroups->remove(paths.cgroup()));
  }
  return sys::remove_tree(paths.run());
}

}  // namespace duet::pod
