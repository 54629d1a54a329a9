"""The real kubelet with containerd as a peer: a node of a control plane of the tests, in a folder of its own."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile

from containerd_peer import Containerd
from process_use import name_of
from site_environment import BUILD

from control_plane import die_with_parent
from site_fixture import busybox_layout, free_port

PROGRAM = BUILD / "bench/control_plane/kubelet"
HIERARCHIES = pathlib.Path("/sys/fs/cgroup")
CGROUP = "duet-bench-kubelet"


class KubeletNode:
    """A machine with a kubelet and containerd. Close it, always."""

    def __init__(self, plane, node):
        if not PROGRAM.exists():
            raise SystemExit(f"no kubelet; build it: tests/control_plane/build.sh {PROGRAM.parent} go.mod kubelet")
        self.folder = tempfile.TemporaryDirectory(prefix="duet-bench-kubelet-")
        self.root = pathlib.Path(self.folder.name)
        self.containerd = Containerd(self.root, masquerade=False)
        self.kubelet = None
        self.plane, self.node = plane, node

    def bring_image(self, name):
        self.containerd.import_image(busybox_layout(), name)

    def start(self):
        for folder in ("kubelet", "pods", "plugins", "certificates"):
            (self.root / folder).mkdir()
        for top in cgroups():
            top.mkdir(exist_ok=True)
        config = self.root / "kubelet.json"
        config.write_text(json.dumps(self._config()))
        kubeconfig = self.plane.kubeconfig(self.node, f"/O=system:nodes/CN=system:node:{self.node}")
        with open(self.root / "kubelet.log", "wb") as log:
            self.kubelet = subprocess.Popen(
                [str(PROGRAM), "--config", str(config), "--kubeconfig", str(kubeconfig), "--hostname-override", self.node,
                 "--root-dir", str(self.root / "kubelet"), "--cert-dir", str(self.root / "certificates")],
                stdout=log, stderr=subprocess.STDOUT, preexec_fn=die_with_parent)

    def _config(self):
        return {"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
                "containerRuntimeEndpoint": f"unix://{self.containerd.socket}", "cgroupDriver": "cgroupfs", "cgroupRoot": f"/{CGROUP}",
                "failCgroupV1": False, "failSwapOn": False, "enforceNodeAllocatable": [], "address": "127.0.0.1", "port": free_port(),
                "healthzPort": 0, "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False},
                                                     "x509": {"clientCAFile": str(self.plane.ca_file)}},
                "authorization": {"mode": "AlwaysAllow"}, "makeIPTablesUtilChains": False, "podLogsDir": str(self.root / "pods"),
                "volumePluginDir": str(self.root / "plugins"), "resolvConf": "/etc/resolv.conf",
                # Without one it complains of each pod each minute.
                "clusterDNS": ["10.96.0.10"]}

    def processes(self):
        """The kubelet, containerd, the pods' shims, and what runs in the pods."""
        return {pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_ours(pid)}

    def _is_ours(self, pid):
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            cgroups = pathlib.Path(f"/proc/{pid}/cgroup").read_text()
        except OSError:
            return False
        return pid == self.kubelet.pid or str(self.root).encode() in command or f"/{CGROUP}/" in cgroups

    def is_program(self, pid):
        """Whether it is what a pod is there for, and not what is needed to run it."""
        return name_of(pid) in ("sh", "sleep")

    @property
    def agent(self):
        return self.kubelet.pid

    def close(self):
        if self.kubelet is not None:
            self.kubelet.terminate()
            self.kubelet.wait()
            # Shims and programs outlive those that started them.
            for pid in self.processes() - {self.containerd.process.pid}:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        self.containerd.stop()
        for mount in reversed(pathlib.Path("/proc/mounts").read_text().splitlines()):
            if str(self.root) in mount.split()[1]:
                subprocess.run(["umount", mount.split()[1]], check=False)
        for top in cgroups():
            for path, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(path)
        self.folder.cleanup()


def cgroups():
    """What the kubelet puts its pods into: one folder, or with version 1 one in each hierarchy."""
    if (HIERARCHIES / "cgroup.controllers").exists():
        return [HIERARCHIES / CGROUP]
    return [one / CGROUP for one in HIERARCHIES.iterdir() if one.is_dir() and not one.is_symlink()]
