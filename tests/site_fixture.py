"""A node of its own for a test: real programs, real runc, CNI and registries, in folders and names that nobody else uses."""

import atexit
import contextlib
import fcntl
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

BUILD = pathlib.Path(os.environ["DUET_BUILD_DIR"])
SOURCE = pathlib.Path(os.environ["DUET_SOURCE_DIR"])
DUET = str(BUILD / "duet")
GUESTS = BUILD / "guests"
TIMEOUT_S = 60


def need_root():
    if os.geteuid() != 0:
        raise AssertionError("whole-node tests with containers need root: run `make test` as root")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def busybox_layout():
    """An OCI layout with a busybox image, made once a build folder by umoci from Debian's busybox-static."""
    layout = BUILD / "test-images" / "busybox"
    layout.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{layout}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test programs may run side by side
        if not (layout / "done").exists():
            make_busybox_layout(layout)
    return layout


def make_busybox_layout(layout):
    shutil.rmtree(layout, ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        image = f"{layout}:latest"
        run = lambda *command: subprocess.run(command, check=True, capture_output=True)
        run("umoci", "init", "--layout", str(layout))
        run("umoci", "new", "--image", image)
        run("umoci", "unpack", "--rootless", "--image", image, f"{work}/bundle")
        root = pathlib.Path(work, "bundle", "rootfs")
        for folder in ("bin", "tmp", "etc", "www", "data"):
            (root / folder).mkdir()
        shutil.copy("/bin/busybox", root / "bin/busybox")
        for applet in ("sh", "cat", "echo", "sleep", "httpd", "ls", "id", "env", "wget", "stat", "mount", "true", "false"):
            (root / "bin" / applet).symlink_to("busybox")
        (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\nweb:x:1000:1000:web:/:/bin/sh\n")
        (root / "etc/group").write_text("root:x:0:\nweb:x:1000:\n")
        (root / "www/index.html").write_text("hello from a container\n")
        run("umoci", "repack", "--image", image, f"{work}/bundle")
        run("umoci", "config", "--image", image, "--config.cmd=/bin/sh", "--config.env=PATH=/bin", "--config.env=FROM_IMAGE=yes")
    (layout / "done").touch()


class Site:
    """One node's folders, and its agent. Stop it, always."""

    count = 0

    def __init__(self):
        Site.count += 1
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="duet-site-"))
        self.manifests = self.root / "manifests"
        self.manifests.mkdir()
        self.port = free_port()
        self.name = f"dt{os.getpid() % 100000}n{Site.count}"  # 15 characters at most, for the bridge
        # A subnet by process and site, so that test programs that run side by side do not meet.
        self.subnet = f"10.{90 + os.getpid() % 100}.{Site.count % 250}.0/24"
        self.log = self.root / "agent.log"
        self.agent = None
        self.watch = None
        self.flags = ["--state-dir", str(self.root / "state"), "--run-dir", str(self.root / "run")]
        self.logs = self.root / "logs"
        atexit.register(self.close)

    # --- the command line ---

    def duet(self, *words, check=True, input=None, env=None):
        """Runs a verb; gives its standard output."""
        done = self.try_duet(*words, input=input, env=env)
        if check and done.returncode != 0:
            raise AssertionError(f"duet {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}\n{self.tail()}")
        return done.stdout

    def try_duet(self, *words, input=None, env=None):
        words = list(words)
        at = 2 if words[0] == "image" else 1
        command = [DUET] + words[:at] + self.flags + words[at:]
        return subprocess.run(command, capture_output=True, text=True, input=input, timeout=TIMEOUT_S, env=env)

    def pack(self, guest, name):
        self.duet("image", "pack", str(GUESTS / f"{guest}.wasm"), name)

    def import_busybox(self, name="test.example/busybox:v1"):
        self.duet("image", "import", str(busybox_layout()), "--name", name)

    # --- the agent ---

    def config(self, **more):
        config = {
            "stateDirectory": str(self.root / "state"),
            "runDirectory": str(self.root / "run"),
            "logDirectory": str(self.logs),
            "accessLog": str(self.root / "access.log"),
            "manifests": [str(self.manifests)],
            "listen": [f"127.0.0.1:{self.port}"],
            "network": {"bridge": self.name, "subnet": self.subnet},
        }
        config.update(more)
        path = self.root / "duet.yaml"
        path.write_text(json.dumps(config))
        return str(path)

    def machine_network(self):
        """A pod network as a machine has it beside a kubelet; gives the configuration that names it, and where its addresses are booked."""
        folder, leases = self.root / "net.d", self.root / "leases"
        folder.mkdir(exist_ok=True)
        (folder / "10-machine.conflist").write_text(json.dumps({
            "cniVersion": "1.0.0", "name": "machine",
            "plugins": [{"type": "bridge", "bridge": self.name, "isGateway": True, "hairpinMode": True,
                         "ipam": {"type": "host-local", "dataDir": str(leases), "ranges": [[{"subnet": self.subnet}]],
                                  "routes": [{"dst": "0.0.0.0/0"}]}}]}))
        return {"cniConfigDirectory": str(folder)}, leases / "machine"

    def start(self, verb="agent", **more):
        """Starts `duet agent` (or `up`) and returns when its API answers."""
        self.agent = subprocess.Popen([DUET, verb, "--config", self.config(**more)], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True)
        ready = threading.Event()
        threading.Thread(target=self._copy_log, args=(self.agent.stdout, ready), daemon=True).start()
        if not ready.wait(TIMEOUT_S):
            raise AssertionError(f"the agent did not start\n{self.tail()}")
        if self.agent.poll() is not None:
            raise AssertionError(f"the agent ended with {self.agent.returncode}\n{self.tail()}")

    def _copy_log(self, stream, ready):
        with stream, open(self.log, "a", encoding="utf-8") as log:
            for line in stream:
                log.write(line)
                log.flush()
                if "is up; the local API is" in line:
                    ready.set()
        ready.set()

    def kill_agent(self):
        self.agent.kill()
        self.agent.wait()

    def stop_agent(self, signal_number=signal.SIGTERM):
        self.agent.send_signal(signal_number)
        return self.agent.wait(timeout=TIMEOUT_S)

    def reboot(self):
        """What a reboot leaves of a site: nothing that runs, and nothing of the run directory. For sites of Wasm alone."""
        self.kill_agent()
        # The gateway before its workers, the monitors before what they watch: nobody replaces anybody.
        for name in ("duet-gateway", "duet-monitor", "duet-sandbox"):
            for pid in processes_of(self, name):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root / "run")
        self.start()

    def tail(self):
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    # --- objects ---

    def write(self, name, *objects):
        """Writes a manifest file as an editor does: another file, renamed."""
        text = "\n---\n".join(one if isinstance(one, str) else json.dumps(one) for one in objects)
        temporary = self.manifests / f".{name}.new"
        temporary.write_text(text)
        temporary.rename(self.manifests / name)

    def get(self, kind, name, namespace="default"):
        done = self.try_duet("get", kind, name, "-n", namespace, "-o", "json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait_for(self, what, holds, kinds="pods,deployments,events"):
        """Returns what `holds()` returns as soon as it is true; it is asked again with every change of an object."""
        for _ in self.changes():
            result = holds()
            if result:
                return result
        raise AssertionError(f"waited {TIMEOUT_S} s for: {what}\n{self.duet('get', 'pods', '-A', '-o', 'yaml', check=False)[-3000:]}\n{self.tail()}")

    def changes(self):
        """Yields at once, and then whenever a pod or event changed, until the time is up."""
        watcher = subprocess.Popen([DUET, "get", "events", "-A", "-w"] + self.flags, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        pods = subprocess.Popen([DUET, "get", "pods", "-A", "-w"] + self.flags, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        changed = threading.Condition()
        state = {"count": 1, "over": False}

        def follow(stream):
            with stream:
                while stream.read1(65536):
                    with changed:
                        state["count"] += 1
                        changed.notify()

        def end():
            with changed:
                state["over"] = True
                changed.notify()

        timer = threading.Timer(TIMEOUT_S, end)
        timer.start()
        for process in (watcher, pods):
            threading.Thread(target=follow, args=(process.stdout,), daemon=True).start()
        seen = 0
        try:
            while not state["over"]:
                with changed:
                    # Not everything that is waited for is an object: look again once a second at the latest.
                    changed.wait_for(lambda: state["count"] != seen or state["over"], timeout=1)
                    seen = state["count"]
                yield
        finally:
            timer.cancel()
            for process in (watcher, pods):
                process.kill()
                process.wait()

    def pod_status(self, name, namespace="default"):
        pod = self.get("pod", name, namespace)
        return pod["status"] if pod and "status" in pod else {}

    def wait_ready(self, name, namespace="default"):
        def ready():
            conditions = self.pod_status(name, namespace).get("conditions", [])
            return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
        self.wait_for(f"pod {name} to be ready", ready)

    def wait_reason(self, name, reason, container=0):
        """Waits until a container waits for that reason; gives its message."""
        def waits():
            statuses = self.pod_status(name).get("containerStatuses", [])
            state = statuses[container]["state"] if statuses else {}
            waiting = state.get("waiting", {})
            return waiting if waiting.get("reason") == reason else None
        return self.wait_for(f"pod {name} to wait for {reason}", waits).get("message", "")

    # --- requests ---

    def request(self, path, data=None, headers=None, method=None):
        """(status, headers, body) of a request to the front door; no redirect is followed."""
        class NoRedirect(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, headers=headers or {}, method=method)
        try:
            with opener.open(request, timeout=TIMEOUT_S) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, dict(answer.headers), answer.read().decode()
        except urllib.error.URLError as problem:
            return 0, {}, str(problem)  # nobody listens (yet)

    def request_api(self, path):
        """(status, headers, body) of a GET to the local API, asked as curl --unix-socket does."""
        connection = http.client.HTTPConnection("localhost", timeout=TIMEOUT_S)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.root / "run" / "duet.sock"))
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read().decode()

    def wait_answer(self, path, status, **more):
        def answers():
            got = self.request(path, **more)
            return got if got[0] == status else None
        return self.wait_for(f"{path} to answer {status}", answers)

    # --- the end ---

    def close(self):
        """Ends everything of this site, whatever state it is in."""
        atexit.unregister(self.close)
        if self.agent is not None:
            if self.agent.poll() is None:
                self.stop_agent()
            # `up` ends the site when it is stopped.
            self.start_to_stop()
        subprocess.run(["ip", "link", "delete", self.name], capture_output=True, check=False)
        left = self.mounts()
        for path in reversed(left):
            subprocess.run(["umount", path], capture_output=True, check=False)
        shutil.rmtree(self.root, ignore_errors=True)
        if left:
            raise AssertionError(f"the site is stopped and left mounts behind: {left}")

    def mounts(self):
        """What is mounted in the site's folder, in the order in which it was."""
        lines = pathlib.Path("/proc/self/mounts").read_text().splitlines()
        return [line.split()[1] for line in lines if line.split()[1].startswith(f"{self.root}/")]

    def start_to_stop(self):
        for file in self.manifests.iterdir():
            file.unlink()
        self.start(verb="up")
        self.stop_agent(signal.SIGINT)
        self.duet("version", "--client")


class SiteTest(unittest.TestCase):
    """Tests on one node each."""

    verb = "agent"

    def setUp(self):
        self.site = Site()
        self.addCleanup(self.site.close)


def pod(name, image, container=None, **spec):
    """A pod with one container."""
    one = {"name": "main", "image": image, "imagePullPolicy": "IfNotPresent"}
    one.update(container or {})
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"containers": [one], "terminationGracePeriodSeconds": 2, **spec}}


def service(name, port=80, target=None, **metadata):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, **metadata},
            "spec": {"selector": {"app": name}, "ports": [{"port": port, "targetPort": target or port}]}}


def route(name, path, backend, port=80, **rule):
    return {"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": name},
            "spec": {"parentRefs": [{"name": "duet"}],
                     "rules": [{"matches": [{"path": {"type": "PathPrefix", "value": path}}],
                                "backendRefs": [{"name": backend, "port": port}], **rule}]}}


def alive(pid):
    return pathlib.Path(f"/proc/{pid}").exists()


def processes_of(site, name):
    """Pids of the processes called `name` whose command line names the site's folder or that live under its monitors."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if (entry / "comm").read_text().strip() == name[:15] and str(site.root) in command:
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


def sandboxes_of(site):
    """Pids of the sandboxes whose parents are monitors of the site."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
                if (entry / "comm").read_text().strip() == "duet-sandbox" and \
                        str(site.root).encode() in pathlib.Path("/proc", parent, "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found
