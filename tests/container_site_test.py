#!/usr/bin/env python3
"""Whole node: containers, with the real OCI runtime and CNI plugins."""

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
