#!/usr/bin/env python3
"""Whole node: what is wrong is said in words that a Kubernetes user knows, and everything else keeps running."""

import json
import socket
import unittest

from site_fixture import SiteTest, need_root, pod, route, service


class BadInputTest(SiteTest):
    def setUp(self):
        super().setUp()
        self.site.pack("hello_handler", "test.example/hello:v1")
        self.site.write("good.yaml", pod("good", "test.example/hello:v1", {"ports": [{"containerPort": 80}]}),
                        service("good"), route("good", "/", "good"))

    def tearDown(self):
        if self.site.agent is None:
            return
        self.assertEqual(self.site.wait_answer("/", 200)[0], 200, "the good handler must go on")


class Images(BadInputTest):
    def test_images_that_cannot_be_had(self):
        self.site.write("a.yaml",
                        pod("missing", "127.0.0.1:1/none:v1"),
                        pod("never", "127.0.0.1:1/none:v2", {"imagePullPolicy": "Never"}),
                        pod("misnamed", "Not A Name"))
        self.site.start()
        self.site.wait_reason("missing", "ErrImagePull")
        self.site.wait_reason("never", "ErrImageNeverPull")
        self.site.wait_reason("misnamed", "InvalidImageName")
        self.assertIn("Failed", self.site.duet("get", "events"))

    def test_modules_that_cannot_run(self):
        self.site.pack("missing_import", "test.example/missing-import:v1")
        garbage = self.site.root / "garbage.wasm"
        garbage.write_bytes(b"\0asm\1\0\0\0garbage")
        self.site.duet("image", "pack", str(garbage), "test.example/garbage:v1")
        self.site.write("a.yaml", pod("imports", "test.example/missing-import:v1"), pod("garbage", "test.example/garbage:v1"))
        self.site.start()
        self.assertIn("nowhere", self.site.wait_reason("imports", "CreateContainerError"))
        self.site.wait_reason("garbage", "CreateContainerError")

    def test_a_program_that_traps(self):
        self.site.pack("trap", "test.example/trap:v1")
        self.site.write("a.yaml", pod("trap", "test.example/trap:v1"))
        self.site.start()
        self.site.wait_reason("trap", "CrashLoopBackOff")
        self.assertIn("unreachable", self.site.duet("logs", "trap", "--previous", check=False) + self.site.duet("logs", "trap"))


class Containers(BadInputTest):
    def test_a_command_that_does_not_exist(self):
        need_root()
        self.site.import_busybox()
        self.site.write("a.yaml", pod("lost", "test.example/busybox:v1", {"command": ["/no/such/program"]}))
        self.site.start()
        message = self.site.wait_reason("lost", "RunContainerError")
        self.assertIn("/no/such/program", message)
        # The runtime's sentence alone: with its time each try would be an Event of its own.
        self.assertNotIn("time=", message)

    def test_where_nothing_is_restarted_a_failed_start_is_the_end(self):
        need_root()
        self.site.import_busybox()
        self.site.write("a.yaml", pod("lost", "test.example/busybox:v1", {"command": ["/no/such/program"]}, restartPolicy="Never"))
        self.site.start()
        self.site.wait_for("the pod to have failed", lambda: self.site.pod_status("lost").get("phase") == "Failed")
        ended = self.site.pod_status("lost")["containerStatuses"][0]["state"]["terminated"]
        self.assertEqual((ended["reason"], ended["exitCode"]), ("StartError", 128))
        self.assertIn("/no/such/program", ended["message"])

    def test_what_a_container_says_wrong_is_a_configuration_error(self):
        need_root()
        self.site.import_busybox()
        box = lambda name, container, **spec: pod(name, "test.example/busybox:v1", container, **spec)
        self.site.write("a.yaml",
                        box("from", {"envFrom": [{"configMapRef": {"name": "nothing"}}]}),
                        box("root", {"securityContext": {"runAsNonRoot": True}}))
        self.site.start()
        self.assertIn("nothing", self.site.wait_reason("from", "CreateContainerConfigError"))
        self.assertIn("runAsNonRoot", self.site.wait_reason("root", "CreateContainerConfigError"))

    def test_no_oci_runtime_and_no_cni_plugins(self):
        need_root()
        self.site.import_busybox()
        self.site.write("a.yaml", pod("box", "test.example/busybox:v1"))
        self.site.start(containers={"ociRuntimes": ["/no/such/runc"]})
        self.assertIn("/no/such/runc", self.site.wait_reason("box", "RunContainerError"))
        self.site.stop_agent()
        self.site.start(network={"bridge": self.site.name, "subnet": self.site.subnet, "cniPluginDirectories": ["/no/such/folder"]})
        self.site.wait_for("the missing plugins to be told",
                           lambda: "/no/such/folder" in self.site.duet("get", "events"))

    def test_missing_configuration_is_named(self):
        self.site.write("a.yaml", pod("needs", "test.example/hello:v1",
                                      {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "nothing", "key": "x"}}}]}))
        self.site.start()
        self.assertIn("nothing", self.site.wait_reason("needs", "CreateContainerConfigError"))


class Manifests(BadInputTest):
    def test_broken_files_are_told_with_their_place(self):
        self.site.write("not-yaml.yaml", "a: [1, 2\nb: }")
        self.site.write("no-object.yaml", "- just\n- a list\n")
        self.site.write("types.yaml", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\nspec:\n  containers: nothing\n")
        self.site.write("unsupported.yaml", json.dumps(pod("x", "y", hostPID=True)))
        bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        for index, letter in enumerate("bcdefg"):
            before = "abcdefg"[index]
            bomb += f"{letter}: &{letter} [{', '.join(['*' + before] * 10)}]\n"
        self.site.write("bomb.yaml", bomb)
        (self.site.manifests / "huge.yaml").write_bytes(b"# " + b"x" * (100 << 20))
        self.site.start()
        self.site.wait_answer("/", 200)
        for expected in ("not-yaml.yaml:", "no-object.yaml:1:1", "types.yaml:6:", "unsupported.yaml:1:", "hostPID", "bomb.yaml:", "huge.yaml"):
            self.site.wait_for(f"{expected} to be told", lambda: expected in self.site.log.read_text())


class Ports(SiteTest):
    def test_a_port_that_is_taken_is_named(self):
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            self.site.start(listen=[f"127.0.0.1:{port}"])
            self.site.wait_for("the port to be named", lambda: f"127.0.0.1:{port}" in self.site.tail().split("is up;")[-1]
                               or "already in use" in self.site.tail())

    def test_two_agents_do_not_share_folders(self):
        self.site.start()
        done = self.site.try_duet("up", str(self.site.manifests), "--listen", "127.0.0.1:0")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("another agent", done.stderr)


class Store(SiteTest):
    def test_a_foreign_database_is_kept_aside(self):
        state = self.site.root / "state"
        state.mkdir()
        (state / "objects.db").write_bytes(b"this is no database" * 100)
        config = self.site.config()
        done = self.site.try_duet("agent", "--config", config)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("objects.db", done.stderr)
        kept = [path for path in state.iterdir() if path.read_bytes().startswith(b"this is no database")] if state.exists() else []
        self.assertEqual(len(kept), 1)
        self.site.start()


if __name__ == "__main__":
    unittest.main()
