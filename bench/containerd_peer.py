"""containerd as a peer: Debian's, with runc, in a folder of its own."""

import json
import subprocess
import time


class Containerd:
    """Debian's containerd with runc and a bridge of its own in the folder `work`. Stop it, always."""

    def __init__(self, work, masquerade):
        """`masquerade`: the bridge plugin has a rule for each pod, instead of somebody else one for all."""
        self.work = work
        self.socket = work / "containerd.sock"
        (work / "cni").mkdir()
        (work / "cni/10-bench.conflist").write_text(json.dumps({
            "cniVersion": "0.4.0", "name": "bench", "plugins": [
                {"type": "bridge", "bridge": "benchcri0", "isGateway": True, "ipMasq": masquerade,
                 "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.77.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}], "dataDir": str(work / "ipam")}},
                {"type": "portmap", "capabilities": {"portMappings": True}}]}))
        (work / "config.toml").write_text(f"""version = 2
root = "{work}/root"
state = "{work}/state"
[grpc]
address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "bench.example/pause:v1"
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{work}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
""")
        self.process = subprocess.Popen(["containerd", "-c", str(work / "config.toml")], stdout=open(work / "log", "wb"), stderr=subprocess.STDOUT)
        while not self.socket.exists():
            if self.process.poll() is not None:
                raise SystemExit("containerd ended: " + (work / "log").read_text()[-2000:])
            time.sleep(0.05)
        self.import_image(pause_layout(work), "bench.example/pause:v1")

    def import_image(self, layout, name):
        archive = self.work / "image.tar"
        archive.unlink(missing_ok=True)
        subprocess.run(["skopeo", "copy", "--quiet", f"oci:{layout}:latest", f"oci-archive:{archive}:{name}"], check=True)
        subprocess.run(["ctr", "-a", str(self.socket), "-n", "k8s.io", "images", "import", "--index-name", name, str(archive)], check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        subprocess.run(["ip", "link", "delete", "benchcri0"], check=False, capture_output=True)


def pause_layout(work):
    """An image whose only program waits for ever, without a libc."""
    source = work / "pause.c"
    source.write_text('void _start(void) { for (;;) __asm__ volatile("syscall" : : "a"(34) : "rcx", "r11", "memory"); }\n')
    layout, bundle = work / "pause", work / "pause-bundle"
    run = lambda *command: subprocess.run(command, check=True, capture_output=True)
    run("umoci", "init", "--layout", str(layout))
    run("umoci", "new", "--image", f"{layout}:latest")
    run("umoci", "unpack", "--rootless", "--image", f"{layout}:latest", str(bundle))
    run("gcc", "-Os", "-static", "-nostdlib", "-o", str(bundle / "rootfs/pause"), str(source))
    run("umoci", "repack", "--image", f"{layout}:latest", str(bundle))
    run("umoci", "config", "--image", f"{layout}:latest", "--config.cmd=/pause")
    return layout
