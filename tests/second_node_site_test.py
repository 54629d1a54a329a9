#!/usr/bin/env python3
"""One machine as two Nodes of a real cluster: the whole node, and beside it one for Wasm with a part of the machine."""

import json
import os
import stat
import unittest

from cluster_fixture import BUSYBOX, ClusterTest, wasm_pod
from site_fixture import SOURCE, free_port, need_root

FIRST = "edge"
SECOND = "edge-wasm"
PERCENT = 25


class SecondNode(ClusterTest):
    kind = "whole"

    def setUp(self):
        need_root()
        super().setUp()
        self.percent = PERCENT
        self.ports = [free_port(), free_port()]
        self.site.import_busybox()
        self.site.pack("hello-wasm", "webassembly.azurecr.io/hello-wasm:v1")
        self.site.pack("ticker", "test.example/ticker:v1")

    def forget_node(self):
        super().forget_node()
        self.plane.kubectl("delete", "node", FIRST, SECOND, "--ignore-not-found")

    def cluster(self):
        request = {"wasmNodePercent": self.percent} if self.percent else {}
        return {**super().cluster(), "kubeletListen": f"0.0.0.0:{self.ports[0]}", "wasmKubeletListen": f"0.0.0.0:{self.ports[1]}", **request}

    def start(self):
        self.site.start(nodeName=FIRST, cluster=self.cluster())

    def join(self):
        self.start()
        for node in (FIRST, SECOND):
            self.plane.wait(f"node/{node}", "create")
            self.plane.wait(f"node/{node}", "condition=Ready")

    def run_one_of_each(self):
        """A container on the first Node and a program on the second; the scheduler says so."""
        self.plane.apply(self.box(), wasm_pod("ticks", "test.example/ticker:v1"))
        for name, node in (("box", FIRST), ("ticks", SECOND)):
            self.plane.wait(f"pod/{name}", "condition=Ready")
            self.assertEqual(self.plane.get("pod", name)["spec"]["nodeName"], node)

    def box(self, **spec):
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "box"},
                "spec": {"containers": [{"name": "main", "image": BUSYBOX, "command": ["sh", "-c", "echo in the box; sleep 1000"]}],
                         "terminationGracePeriodSeconds": 1, **spec}}

    def run_of(self, name):
        """What would be another one, had the pod been begun anew."""
        there, here = self.plane.get("pod", name), self.site.get("pod", name)
        container = here["status"]["containerStatuses"][0]
        return there["metadata"]["uid"], self.start_time(name), container["containerID"], container["restartCount"]

    def milli_cpus(self, node, kind):
        text = self.plane.get("node", node)["status"][kind]["cpu"]
        return int(text[:-1]) if text.endswith("m") else int(text) * 1000

    def proxied_pods(self, node):
        pods = json.loads(self.plane.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/pods"))
        return sorted(one["metadata"]["name"] for one in pods["items"])

    def test_both_are_there_and_share_the_machine(self):
        self.join()
        first, second = self.plane.get("node", FIRST), self.plane.get("node", SECOND)
        self.assertEqual(second["metadata"]["labels"]["kubernetes.io/arch"], "wasm32-wasi")
        self.assertNotEqual(first["metadata"]["labels"]["kubernetes.io/arch"], "wasm32-wasi")
        taint = {"key": "kubernetes.io/arch", "value": "wasm32-wasi", "effect": "NoSchedule"}
        self.assertIn(taint, second["spec"]["taints"])
        self.assertNotIn(taint, first["spec"].get("taints", []))
        for node in (FIRST, SECOND):
            self.plane.wait(f"lease/{node}", "create", namespace="kube-node-lease")
        machine = len(os.sched_getaffinity(0)) * 1000
        self.assertEqual(self.milli_cpus(FIRST, "capacity"), machine)
        self.assertEqual(self.milli_cpus(SECOND, "allocatable"), machine * PERCENT // 100)
        self.assertLessEqual(self.milli_cpus(FIRST, "allocatable") + self.milli_cpus(SECOND, "allocatable"), machine)
        self.assertNotEqual(first["status"]["daemonEndpoints"], second["status"]["daemonEndpoints"])
        # Each is somebody of its own, who may see its own alone.
        kept = self.site.root / "state" / "cluster" / "wasm" / "kubeconfig"
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
        self.assertIn(f"system:node:{SECOND}", self.plane.try_kubectl("auth", "whoami", kubeconfig=kept).stdout)
        refused = self.plane.try_kubectl("label", "node", FIRST, "a=b", kubeconfig=kept)
        self.assertIn("orbidden", refused.stderr)

    def test_the_primers_pod_and_a_container_run_under_one_agent(self):
        self.join()
        self.plane.kubectl("apply", "-f", str(SOURCE / "examples/primer/hello-wasm.yaml"))
        self.plane.apply(self.box())
        for name, node in (("box", FIRST), ("hello-wasm", SECOND)):
            self.plane.wait(f"pod/{name}", "condition=Ready")
            self.assertEqual(self.plane.get("pod", name)["spec"]["nodeName"], node)
        # Logs and exec go to the port that each pod's Node names.
        self.site.wait_for("the greeting", lambda: "duet" in self.plane.kubectl("logs", "hello-wasm").lower())
        self.assertEqual(self.plane.kubectl("logs", "box"), "in the box\n")
        self.assertEqual(self.plane.kubectl("exec", "box", "--", "echo", "hello"), "hello\n")
        self.assertEqual(self.proxied_pods(FIRST), ["box"])
        self.assertEqual(self.proxied_pods(SECOND), ["hello-wasm"])

        def hosts(name):
            uid = self.plane.get("pod", name)["metadata"]["uid"]
            events = self.plane.kubectl("get", "events", "--field-selector", f"involvedObject.uid={uid}", "-o", "json")
            return {one["source"]["host"] for one in json.loads(events)["items"] if one["source"].get("component") == "duet"}
        self.site.wait_for("their events", lambda: hosts("box") == {FIRST} and hosts("hello-wasm") == {SECOND})

    def test_what_is_bound_to_the_second_is_wasm_by_whatever_way_it_came(self):
        self.join()
        astray = self.box(nodeName=SECOND)
        astray["metadata"]["name"] = "astray"
        self.plane.apply(self.box(), astray)
        self.plane.wait("pod/box", "condition=Ready")
        self.site.wait_for("the container to be refused", lambda: "WebAssembly was asked for" in json.dumps(self.site.pod_status("astray")))

    def test_a_drain_of_one_leaves_the_others_pods_alone(self):
        self.join()
        self.run_one_of_each()
        box = self.run_of("box")
        self.plane.kubectl("drain", SECOND, "--force", "--timeout=60s")
        self.assertIsNone(self.site.get("pod", "ticks"))
        self.assertEqual(self.run_of("box"), box)
        self.plane.kubectl("uncordon", SECOND)
        self.run_one_of_each()
        ticks = self.run_of("ticks")
        self.plane.kubectl("drain", FIRST, "--force", "--timeout=60s")
        self.assertIsNone(self.site.get("pod", "box"))
        self.assertEqual(self.run_of("ticks"), ticks)

    def test_a_new_agent_without_line_and_token_replaces_no_pod(self):
        self.join()
        self.run_one_of_each()
        before = [self.run_of(name) for name in ("box", "ticks")]
        self.line.cut()
        self.site.kill_agent()
        self.token_file.unlink()
        self.start()
        self.wait_log(f"node {SECOND}: cluster: https://127.0.0.1")
        for name in ("box", "ticks"):
            self.site.wait_ready(name)
        # What came and went meanwhile does so on return, on each Node.
        self.plane.kubectl("delete", "pod", "box", "--wait=false", "--grace-period=0", "--force")
        self.plane.apply(wasm_pod("comes", "test.example/ticker:v1"))
        self.line.restore()
        self.plane.wait("pod/comes", "condition=Ready")
        self.site.wait_for("box to be gone", lambda: self.site.get("pod", "box") is None)
        self.assertEqual(self.run_of("ticks"), before[1])

    def test_what_the_pods_of_both_name_stays_as_long_as_one_does(self):
        self.join()
        settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}}
        volumes = [{"name": "settings", "configMap": {"name": "settings"}}]
        self.plane.apply(settings, self.box(volumes=volumes), wasm_pod("ticks", "test.example/ticker:v1", volumes=volumes))
        for name in ("box", "ticks"):
            self.plane.wait(f"pod/{name}", "condition=Ready")
        self.plane.kubectl("delete", "pod", "ticks", "--timeout=60s")
        # The next pod of that Node has had what the last one left behind swept up before.
        self.plane.apply(wasm_pod("next", "test.example/ticker:v1"))
        self.plane.wait("pod/next", "condition=Ready")
        self.assertIsNotNone(self.site.get("configmap", "settings"))
        self.plane.kubectl("delete", "pod", "box", "--timeout=60s")
        self.site.wait_for("the settings to go", lambda: self.site.get("configmap", "settings") is None)

    def test_the_second_node_can_be_taken_back_and_wanted_again(self):
        self.join()
        self.run_one_of_each()
        box = self.run_of("box")
        self.site.kill_agent()
        self.percent = 0
        self.start()
        self.site.wait_for("its pod to be stopped", lambda: self.site.get("pod", "ticks") is None)
        self.assertEqual(self.run_of("box"), box)
        self.site.wait_for("the machine to be one Node's",
                           lambda: self.milli_cpus(FIRST, "allocatable") == self.milli_cpus(FIRST, "capacity"))
        self.site.kill_agent()
        self.percent = PERCENT
        self.token_file.unlink()  # the second has its certificate still
        self.start()
        self.site.wait_for("its pod to be back", lambda: self.site.get("pod", "ticks") is not None)
        self.site.wait_ready("ticks")
        self.assertEqual(self.run_of("box"), box)


if __name__ == "__main__":
    unittest.main()
