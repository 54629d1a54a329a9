#!/usr/bin/env python3
"""Whole node: Wasm programs and handlers from manifests."""

import os
import pathlib
import shutil
import signal
import unittest

from site_fixture import GUESTS, SOURCE, Site, SiteTest, alive, pod, route, sandboxes_of, service

PRIMER = """apiVersion: v1
kind: Pod
metadata:
  name: hello-wasm
spec:
  containers:
  - name: hello-wasm
    image: webassembly.azurecr.io/hello-wasm:v1
  nodeSelector:
    kubernetes.io/arch: wasm32-wasi
  tolerations:
  - key: "kubernetes.io/arch"
    operator: "Equal"
    value: "wasm32-wasi"
    effect: "NoSchedule"
"""


class Primer(SiteTest):
    def test_runs_byte_for_byte_and_logs(self):
        manifest = SOURCE / "examples/primer/hello-wasm.yaml"
        self.assertEqual(manifest.read_text(), PRIMER)
        self.site.pack("hello-wasm", "webassembly.azurecr.io/hello-wasm:v1")
        shutil.copy(manifest, self.site.manifests / "hello-wasm.yaml")
        self.site.start()
        self.site.wait_ready("hello-wasm")
        self.site.wait_for("its greeting", lambda: "duet" in self.site.duet("logs", "hello-wasm").lower())


class Programs(SiteTest):
    def test_exit_codes_decide_what_becomes_of_a_pod(self):
        self.site.pack("exit", "test.example/exit:v1")
        self.site.write("a.yaml",
                        pod("well", "test.example/exit:v1", {"args": ["0"]}, restartPolicy="Never"),
                        pod("badly", "test.example/exit:v1", {"args": ["3"]}, restartPolicy="Never"),
                        pod("again", "test.example/exit:v1", {"args": ["3"]}, restartPolicy="OnFailure"))
        self.site.start()
        phase = lambda name: self.site.pod_status(name).get("phase")
        self.site.wait_for("well to succeed", lambda: phase("well") == "Succeeded")
        self.site.wait_for("badly to fail", lambda: phase("badly") == "Failed")
        self.assertEqual(self.site.pod_status("badly")["containerStatuses"][0]["state"]["terminated"]["exitCode"], 3)
        self.site.wait_reason("again", "CrashLoopBackOff")
        # The first start may be waited for already.
        restarts = lambda: self.site.pod_status("again")["containerStatuses"][0]["restartCount"]
        self.site.wait_for("again to be started again", lambda: restarts() >= 1)

    def test_arguments_environment_and_volumes(self):
        self.site.pack("args", "test.example/args:v1")
        self.site.pack("file", "test.example/file:v1")
        settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"token": "hidden-token"}}
        args = pod("args", "test.example/args:v1", {
            "args": ["one", "$(COLOUR)"],
            "env": [{"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
                    {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
                    {"name": "WHO", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                    {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        }, restartPolicy="Never")
        self.site.write("a.yaml", settings, secret, args)
        self.site.start(nodeName="edge-7")
        self.site.wait_for("args to end", lambda: self.site.pod_status("args").get("phase") == "Succeeded")
        text = self.site.duet("logs", "args")
        for expected in ("one", "blue", "COLOUR=blue", "TOKEN=hidden-token", "WHO=args", "NODE=edge-7"):
            self.assertIn(expected, text)

    def test_a_name_that_was_packed_again_is_the_new_module(self):
        self.site.pack("hello", "test.example/moving:v1")
        self.site.start()
        self.site.write("a.yaml", pod("first", "test.example/moving:v1", restartPolicy="Never"))
        self.site.wait_for("first to end", lambda: self.site.pod_status("first").get("phase") == "Succeeded")
        self.site.pack("stderr", "test.example/moving:v1")
        self.site.write("b.yaml", pod("second", "test.example/moving:v1", restartPolicy="Never"))
        self.site.wait_for("second to end", lambda: self.site.pod_status("second").get("phase") == "Succeeded")
        self.assertIn("a line for stderr", self.site.duet("logs", "second"))

    def test_a_program_that_must_not_be_root_is_not(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.site.write("a.yaml", pod("root", "test.example/ticker:v1", securityContext={"runAsNonRoot": True, "runAsUser": 0}))
        self.site.start()
        self.assertIn("runAsNonRoot", self.site.wait_reason("root", "CreateContainerConfigError"))

    def test_outlives_a_killed_agent_and_is_found_again(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.site.write("a.yaml", pod("ticker", "test.example/ticker:v1"))
        self.site.start()
        self.site.wait_ready("ticker")
        before = self.site.pod_status("ticker")["containerStatuses"][0]
        self.site.kill_agent()
        self.site.start()
        self.site.wait_ready("ticker")
        after = self.site.pod_status("ticker")["containerStatuses"][0]
        self.assertEqual(after["containerID"], before["containerID"])
        self.assertEqual(after["state"], before["state"])
        self.assertEqual(after["restartCount"], 0)

    def test_an_end_while_no_agent_was_there_is_learned(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.site.write("a.yaml", pod("ticker", "test.example/ticker:v1", restartPolicy="Never"))
        self.site.start()
        self.site.wait_ready("ticker")
        self.site.kill_agent()
        sandbox = sandboxes_of(self.site)
        self.assertEqual(len(sandbox), 1)
        os.kill(sandbox[0], signal.SIGKILL)
        self.site.start()
        self.site.wait_for("the pod to have failed", lambda: self.site.pod_status("ticker").get("phase") == "Failed")
        ended = self.site.pod_status("ticker")["containerStatuses"][0]["state"]["terminated"]
        self.assertEqual(ended["exitCode"], 137)

    def test_after_a_reboot_init_containers_run_again(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.site.pack("exit", "test.example/exit:v1")
        prepare = {"name": "prepare", "image": "test.example/exit:v1", "imagePullPolicy": "IfNotPresent", "args": ["0"]}
        self.site.write("a.yaml", pod("ticker", "test.example/ticker:v1", initContainers=[prepare]))
        self.site.start()
        self.site.wait_ready("ticker")
        init = lambda: self.site.pod_status("ticker")["initContainerStatuses"][0]
        self.assertEqual(init()["restartCount"], 0)
        # An agent that comes back finds what was done.
        self.site.kill_agent()
        self.site.start()
        self.site.wait_ready("ticker")
        self.assertEqual(init()["restartCount"], 0)
        self.site.reboot()
        again = self.site.wait_for("prepare to have run again", lambda: init()["restartCount"] == 1 and init())
        self.assertEqual(again["lastState"]["terminated"]["reason"], "Completed")
        self.site.wait_ready("ticker")
        main = self.site.pod_status("ticker")["containerStatuses"][0]
        self.assertEqual(main["restartCount"], 1)
        self.assertEqual(main["lastState"]["terminated"]["exitCode"], 137)


class Handlers(SiteTest):
    def site_with(self, guest, **container):
        self.site.pack(guest, f"test.example/{guest}:v1")
        self.site.write("h.yaml", pod("web", f"test.example/{guest}:v1", {"ports": [{"containerPort": 80}], **container}),
                        service("web"), route("web", "/", "web"))
        self.site.start()

    def test_answers_and_is_logged(self):
        self.site_with("hello_handler")
        status, _, body = self.site.wait_answer("/", 200)
        self.assertIn("hello", body)
        self.site.wait_for("an access log line", lambda: '"status":200' in (self.site.root / "access.log").read_text().replace(" ", ""))

    def test_no_state_is_shared_between_requests(self):
        self.site_with("counter_handler")
        self.site.wait_answer("/", 200)
        answers = {self.site.request("/")[2] for _ in range(20)}
        self.assertEqual(len(answers), 1, answers)

    def test_a_body_streams_through(self):
        self.site_with("echo_handler")
        self.site.wait_answer("/", 200)
        body = os.urandom(1 << 20).hex()
        self.assertEqual(self.site.request("/", data=body.encode())[2], body)

    def test_budgets_end_a_guest_that_loops(self):
        self.site_with("hostile_handler")
        self.site.wait_answer("/loop", 504)
        self.site.wait_for("the reason in the access log", lambda: "CPU" in (self.site.root / "access.log").read_text())

    def test_the_gateway_outlives_the_agent_and_is_replaced_when_it_dies(self):
        self.site_with("hello_handler")
        self.site.wait_answer("/", 200)
        self.site.kill_agent()
        self.assertEqual(self.site.request("/")[0], 200)
        self.site.start()
        self.assertEqual(self.site.request("/")[0], 200)
        gateway = self._gateway_pid()
        os.kill(gateway, signal.SIGKILL)
        self.site.wait_for("another gateway", lambda: self._gateway_pid() not in (None, gateway))
        self.site.wait_answer("/", 200)

    def _gateway_pid(self):
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "comm").read_text().strip() == "duet-gateway" \
                        and str(self.site.root).encode() in (entry / "cmdline").read_bytes():
                    return int(entry.name)
            except OSError:
                pass
        return None


class Folder(SiteTest):
    def test_files_are_the_site(self):
        self.site.pack("hello_handler", "test.example/hello:v1")
        web = pod("web", "test.example/hello:v1", {"ports": [{"containerPort": 80}]})
        self.site.write("web.yaml", web, service("web"))
        self.site.write("route.yaml", route("web", "/one", "web"))
        self.site.start()
        self.site.wait_answer("/one", 200)
        self.assertEqual(self.site.request("/two")[0], 404)

        self.site.write("route.yaml", route("web", "/two", "web"))
        self.site.wait_answer("/two", 200)
        self.assertEqual(self.site.request("/one")[0], 404)

        broken = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata:\n  name: web\nspec:\n  rulez: []\n"
        self.site.write("route.yaml", broken)
        self.site.wait_for("the problem to be told", lambda: "route.yaml:6:3" in self.site.tail())
        self.assertIn('did you mean "rules"', self.site.tail())
        self.assertEqual(self.site.request("/two")[0], 200)

        (self.site.manifests / "web.yaml").unlink()
        self.site.write("route.yaml", route("web", "/two", "web"))
        self.site.wait_for("the pod to go", lambda: self.site.get("pod", "web") is None)
        self.site.wait_answer("/two", 500)

    def test_a_deployment_is_replaced_without_a_lost_request(self):
        self.site.pack("hello_handler", "test.example/hello:v1")
        self.site.pack("hello_bindings", "test.example/hello:v2")

        def deployment(version):
            template = pod("web", f"test.example/hello:{version}", {"ports": [{"containerPort": 80}]})
            return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
                    "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}},
                             "template": {"metadata": {"labels": {"app": "web"}}, "spec": template["spec"]}}}

        self.site.write("d.yaml", deployment("v1"), service("web"), route("web", "/", "web"))
        self.site.start()
        first = self.site.wait_answer("/", 200)[2]
        self.site.write("d.yaml", deployment("v2"), service("web"), route("web", "/", "web"))
        answers = []

        def replaced():
            answers.append(self.site.request("/"))
            images = {one["spec"]["containers"][0]["image"] for one in self._pods()}
            return images == {"test.example/hello:v2"}

        self.site.wait_for("all pods to be of v2", replaced)
        self.assertEqual({status for status, _, _ in answers}, {200}, answers)
        self.assertIsNotNone(first)

    def _pods(self):
        import json
        return json.loads(self.site.duet("get", "pods", "-o", "json"))["items"]


if __name__ == "__main__":
    unittest.main()
