#!/usr/bin/env python3
"""Whole node: containers, with the real OCI runtime and CNI plugins."""

import json
import os
import pathlib
import signal
import subprocess
import unittest

from site_fixture import SiteTest, alive, need_root, pod, route, service

IMAGE = "test.example/busybox:v1"


class ContainerTest(SiteTest):
    def setUp(self):
        need_root()
        super().setUp()
        self.site.import_busybox()

    def shell(self, name, script, container=None, **spec):
        return pod(name, IMAGE, {"command": ["sh", "-c", script], **(container or {})}, **spec)

    def init_pid(self, name):
        """The pid of the container's first process, as its own cgroup shows it."""
        uid = self.site.get("pod", name)["metadata"]["uid"]
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and f"pod{uid}/main" in (entry / "cgroup").read_text():
                    return int(entry.name)
            except OSError:
                pass
        return None


class Life(ContainerTest):
    def test_a_service_answers_through_the_front_door(self):
        self.site.write("a.yaml",
                        pod("web", IMAGE, {"command": ["httpd", "-f", "-p", "8080", "-h", "/www"],
                                           "ports": [{"name": "http", "containerPort": 8080}],
                                           "readinessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 1}}),
                        service("web", 80, "http"), route("web", "/", "web"))
        self.site.start()
        self.assertEqual(self.site.wait_answer("/", 200)[2], "hello from a container\n")
        self.assertTrue(self.site.pod_status("web")["podIP"].startswith("10."))

    def test_volumes_environment_and_user(self):
        self.site.write("a.yaml",
                        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a.conf": "colour=blue"}},
                        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "aGlkZGVu"}},
                        self.shell("all", "cat /etc/c/a.conf; echo; cat /etc/s/key; echo; cat /host/file; id -u; echo $FROM_IMAGE $FROM_POD;"
                                          "echo x > /empty/x && cat /empty/x; echo x > /etc/c/x || echo read-only",
                                   {"env": [{"name": "FROM_POD", "value": "also"}],
                                    "volumeMounts": [{"name": "c", "mountPath": "/etc/c"}, {"name": "s", "mountPath": "/etc/s"},
                                                     {"name": "e", "mountPath": "/empty"}, {"name": "h", "mountPath": "/host"}]},
                                   restartPolicy="Never", securityContext={"runAsUser": 1000},
                                   volumes=[{"name": "c", "configMap": {"name": "c"}}, {"name": "s", "secret": {"secretName": "s"}},
                                            {"name": "e", "emptyDir": {}}, {"name": "h", "hostPath": {"path": str(self.site.root / "host")}}]))
        (self.site.root / "host").mkdir()
        (self.site.root / "host/file").write_text("from the host\n")
        self.site.root.chmod(0o755)
        self.site.start()
        self.site.wait_for("the pod to end", lambda: self.site.pod_status("all").get("phase") in ("Succeeded", "Failed"))
        lines = self.site.duet("logs", "all").splitlines()
        for expected in ("colour=blue", "hidden", "from the host", "1000", "yes also", "x", "read-only"):
            self.assertIn(expected, lines)

    def test_the_first_program_finds_its_address(self):
        """Though the network is made while the container is created."""
        field = lambda name, path: {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}
        script = "cat /etc/hosts; echo env $IP; cat /proc/net/fib_trie"
        self.site.write("a.yaml",
                        self.shell("plain", script, restartPolicy="Never"),
                        self.shell("asks", script, {"env": [field("IP", "status.podIP")]}, restartPolicy="Never"),
                        self.shell("begins", "true", restartPolicy="Never",
                                   initContainers=[{"name": "first", "image": IMAGE, "imagePullPolicy": "IfNotPresent",
                                                    "command": ["sh", "-c", script]}]))
        self.site.start()
        for name, container in (("plain", "main"), ("asks", "main"), ("begins", "first")):
            self.site.wait_for(f"{name} to end", lambda: self.site.pod_status(name).get("phase") == "Succeeded")
            address = self.site.pod_status(name)["podIP"]
            lines = self.site.duet("logs", name, "-c", container)
            self.assertIn(f"{address}\t{name}\n", lines)
            self.assertEqual(f"env {address}\n" in lines, name == "asks", lines)
            self.assertGreaterEqual(lines.count(address), 2, "the address is on an interface")

    def test_an_agent_killed_while_pods_start_finds_them_again(self):
        """Whatever step of its start each pod was at."""
        names = [f"p{number}" for number in range(8)]
        self.site.write("a.yaml", *[self.shell(name, "echo up; sleep 1000") for name in names])
        for kills in range(1, 5):
            self.site.start()
            # Each time a little later in the row of starts: by then that many pods have a monitor.
            monitors = self.site.root / "run/pods"
            self.site.wait_for("some pods to be under way",
                               lambda: len(list(monitors.glob("*/monitor.sock"))) >= kills if monitors.exists() else False)
            self.site.kill_agent()
        self.site.start()
        addresses = set()
        for name in names:
            self.site.wait_ready(name)
            status = self.site.pod_status(name)
            self.assertEqual(status["containerStatuses"][0]["restartCount"], 0, status)
            self.site.wait_for(f"a word of {name}", lambda: self.site.duet("logs", name))
            self.assertEqual(self.site.duet("logs", name).splitlines(), ["up"])
            addresses.add(status["podIP"])
        self.assertEqual(len(addresses), len(names))
        leases = [one for one in (self.site.root / "state/cni/addresses" / self.site.name).iterdir() if one.name[0].isdigit()]
        self.assertEqual(len(leases), len(names), "no address is lost")

    def test_killing_the_agent_disturbs_nothing(self):
        self.site.write("a.yaml", self.shell("tick", "i=0; while true; do i=$((i+1)); echo line $i; sleep 0.1; done"))
        self.site.start()
        self.site.wait_ready("tick")
        pid = self.init_pid("tick")
        before = self.site.pod_status("tick")
        self.site.kill_agent()
        self.assertTrue(alive(pid))
        self.site.start()
        self.site.wait_ready("tick")
        self.assertEqual(self.init_pid("tick"), pid)
        after = self.site.pod_status("tick")
        self.assertEqual(after["containerStatuses"], before["containerStatuses"])
        self.assertEqual(after["podIP"], before["podIP"])
        # No line was lost while nobody was there.
        numbers = [int(line.split()[1]) for line in self.site.duet("logs", "tick").splitlines()]
        self.assertEqual(numbers, list(range(1, len(numbers) + 1)))

    def test_stops_within_its_grace_period(self):
        stubborn = "trap '' TERM; echo ready; while true; do sleep 1; done"
        kind = "trap 'echo bye > /out/bye; exit 0' TERM; echo ready; while true; do sleep 0.1; done"
        out = self.site.root / "out"
        out.mkdir()
        mount = {"volumeMounts": [{"name": "out", "mountPath": "/out"}]}
        volumes = [{"name": "out", "hostPath": {"path": str(out)}}]
        self.site.write("a.yaml", self.shell("stubborn", stubborn), self.shell("kind", kind, mount, volumes=volumes))
        self.site.start()
        self.site.wait_ready("stubborn")
        self.site.wait_ready("kind")
        pids = [self.init_pid("stubborn"), self.init_pid("kind")]
        (self.site.manifests / "a.yaml").unlink()
        for name in ("stubborn", "kind"):
            self.site.wait_for(f"{name} to go", lambda: self.site.get("pod", name) is None)
        self.assertFalse(any(alive(pid) for pid in pids))
        self.assertEqual((out / "bye").read_text(), "bye\n")
        left = subprocess.run(["mount"], capture_output=True, text=True, check=True).stdout
        self.assertNotIn(str(self.site.root), left)

    def test_restart_policies_and_memory_limits(self):
        self.site.write("a.yaml",
                        self.shell("never", "exit 7", restartPolicy="Never"),
                        self.shell("crash", "exit 1"),
                        self.shell("hungry", "x=a; while true; do x=$x$x; done", {"resources": {"limits": {"memory": "16Mi"}}}, restartPolicy="Never"))
        self.site.start()
        self.site.wait_for("never to fail", lambda: self.site.pod_status("never").get("phase") == "Failed")
        self.assertEqual(self.site.pod_status("never")["containerStatuses"][0]["state"]["terminated"]["exitCode"], 7)
        self.site.wait_reason("crash", "CrashLoopBackOff")
        self.site.wait_for("hungry to fail", lambda: self.site.pod_status("hungry").get("phase") == "Failed")
        self.assertEqual(self.site.pod_status("hungry")["containerStatuses"][0]["state"]["terminated"]["reason"], "OOMKilled")


    def test_a_first_start_knows_its_address_and_node(self):
        fields = {"IP": "status.podIP", "HOST": "status.hostIP", "NODE": "spec.nodeName", "NAME": "metadata.name"}
        env = [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()]
        self.site.write("a.yaml", self.shell("down", "echo $IP,$HOST,$NODE,$NAME; while true; do sleep 1; done", {"env": env}))
        self.site.start(nodeName="till-7")
        self.site.wait_ready("down")
        status = self.site.pod_status("down")
        self.assertEqual(status["containerStatuses"][0]["restartCount"], 0)
        self.site.wait_for("its line", lambda: self.site.duet("logs", "down"))
        self.assertEqual(self.site.duet("logs", "down"), f"{status['podIP']},{status['hostIP']},till-7,down\n")

    def test_a_deadline_leaves_the_end_in_the_status(self):
        self.site.write("a.yaml", self.shell("late", "trap 'exit 3' TERM; while true; do sleep 0.1; done", activeDeadlineSeconds=15))
        self.site.start()
        ended = lambda: self.site.pod_status("late").get("containerStatuses", [{}])[0].get("state", {}).get("terminated")
        self.assertEqual(self.site.wait_for("the end of its container", ended)["exitCode"], 3)
        status = self.site.pod_status("late")
        self.assertEqual((status["phase"], status["reason"], status["containerStatuses"][0]["ready"]), ("Failed", "DeadlineExceeded", False))

    def test_containers_of_a_pod_stop_side_by_side(self):
        # Each preStop waits for the other one: one after the other would never end.
        meet = "touch /e/{}; while [ ! -e /e/{} ]; do sleep 0.1; done; echo {} >> /out/met"
        hook = lambda own, other: {"preStop": {"exec": {"command": ["sh", "-c", meet.format(own, other, own)]}}}
        out = self.site.root / "out"
        out.mkdir()
        mounts = [{"name": "e", "mountPath": "/e"}, {"name": "out", "mountPath": "/out"}]
        forever = "while true; do sleep 0.1; done"
        two = self.shell("two", forever, {"lifecycle": hook("a", "b"), "volumeMounts": mounts}, terminationGracePeriodSeconds=600,
                         volumes=[{"name": "e", "emptyDir": {}}, {"name": "out", "hostPath": {"path": str(out)}}])
        trap = ["sh", "-c", f"trap 'exit 0' TERM; {forever}"]
        two["spec"]["containers"][0]["command"] = trap
        two["spec"]["containers"].append({"name": "other", "image": IMAGE, "command": trap, "lifecycle": hook("b", "a"), "volumeMounts": mounts})
        self.site.write("a.yaml", two)
        self.site.start()
        self.site.wait_ready("two")
        (self.site.manifests / "a.yaml").unlink()
        self.site.wait_for("two to go", lambda: self.site.get("pod", "two") is None)
        self.assertEqual(sorted((out / "met").read_text().split()), ["a", "b"])


class Leftovers(ContainerTest):
    """What a pod used is taken away, also when nobody remembers what that was."""

    def left_of(self, uid):
        mounts = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines() if uid in line]
        groups = [str(path) for path in pathlib.Path("/sys/fs/cgroup").glob(f"*/duet/pod{uid}")]
        folders = [str(path) for path in (self.site.root / "state/pods", self.site.root / "run/pods", self.site.logs)
                   if path.exists() for path in path.iterdir() if uid in path.name]
        state = [str(path) for path in (self.site.root / "run/oci").glob(f"*/{uid}*")]
        return mounts + groups + folders + state

    def test_a_container_that_was_renamed(self):
        forever = "while true; do sleep 1; done"
        manifest = self.shell("box", forever)
        path = self.site.root / "box.json"
        path.write_text(json.dumps(manifest))
        self.site.start()
        self.site.duet("apply", "-f", str(path))
        self.site.wait_ready("box")
        uid = self.site.get("pod", "box")["metadata"]["uid"]
        manifest["spec"]["containers"][0]["name"] = "renamed"
        path.write_text(json.dumps(manifest))
        self.site.duet("apply", "-f", str(path))
        self.site.wait_for("the new container", lambda: self.site.pod_status("box").get("containerStatuses", [{}])[0].get("name") == "renamed")
        self.site.wait_ready("box")
        self.assertEqual([one for one in self.left_of(uid) if f"{uid}-main" in one], [])
        self.site.duet("delete", "pod", "box")
        self.assertEqual(self.left_of(uid), [])

    def test_pods_that_the_store_has_forgotten(self):
        self.site.write("a.yaml", self.shell("box", "while true; do sleep 1; done", {"volumeMounts": [
            {"name": "e", "mountPath": "/e", "subPath": "part"}, {"name": "m", "mountPath": "/m"}]},
            volumes=[{"name": "e", "emptyDir": {}}, {"name": "m", "emptyDir": {"medium": "Memory"}}]))
        self.site.start()
        self.site.wait_ready("box")
        uid = self.site.get("pod", "box")["metadata"]["uid"]
        pid = self.init_pid("box")
        self.assertTrue(self.left_of(uid))
        self.site.kill_agent()
        for path in (self.site.root / "state").glob("objects.db*"):
            path.unlink()
        self.site.start()
        self.site.wait_for("the forgotten pod to be gone", lambda: not self.left_of(uid))
        self.assertFalse(alive(pid))
        self.site.wait_ready("box")


class Exec(ContainerTest):
    def test_exec_passes_streams_and_exit_codes(self):
        self.site.write("a.yaml", self.shell("box", "while true; do sleep 1; done"))
        self.site.start()
        self.site.wait_ready("box")
        self.assertEqual(self.site.duet("exec", "box", "--", "echo", "inside"), "inside\n")
        self.assertEqual(self.site.duet("exec", "-i", "box", "--", "cat", input="through\n"), "through\n")
        done = self.site.try_duet("exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 5")
        self.assertEqual((done.returncode, done.stdout, done.stderr.splitlines()[0]), (5, "out\n", "err"))
        done = self.site.try_duet("exec", "box", "--", "/no/such/program")
        self.assertNotEqual(done.returncode, 0)
        done = self.site.try_duet("exec", "-i", "box", "--", "sh", "-c", "exit 4", input="x" * 1_000_000)
        self.assertEqual(done.returncode, 4, done.stderr)


class Mixed(ContainerTest):
    def test_wasm_and_container_in_one_pod(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        both = self.shell("both", "while true; do sleep 1; done")
        both["spec"]["containers"].append({"name": "wasm", "image": "test.example/ticker:v1"})
        self.site.write("a.yaml", both)
        self.site.start()
        self.site.wait_ready("both")
        self.assertEqual(len(self.site.pod_status("both")["containerStatuses"]), 2)
        self.site.wait_for("lines", lambda: self.site.duet("logs", "both", "-c", "wasm"))


if __name__ == "__main__":
    unittest.main()
