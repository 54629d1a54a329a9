#!/usr/bin/env python3
"""Whole node in a cluster: a real control plane schedules onto it, the line between them is cut and mended."""

import json
import os
import random
import signal
import stat
import unittest

from cluster_fixture import BUSYBOX, NODE, ClusterTest, wasm_pod
from control_plane import TOKEN
from site_fixture import SOURCE, need_root, sandboxes_of


class Joining(ClusterTest):
    def test_a_bootstrap_token_makes_a_wasm_node(self):
        self.join()
        node = self.plane.get("node", NODE)
        self.assertEqual(node["metadata"]["labels"]["kubernetes.io/arch"], "wasm32-wasi")
        self.assertIn({"key": "kubernetes.io/arch", "value": "wasm32-wasi", "effect": "NoSchedule"}, node["spec"]["taints"])
        self.assertEqual(node["status"]["capacity"]["cpu"], str(len(os.sched_getaffinity(0))))
        self.plane.wait(f"lease/{NODE}", "create", namespace="kube-node-lease")
        kept = self.site.root / "state" / "cluster" / "kubeconfig"
        self.assertEqual(stat.S_IMODE(kept.stat().st_mode), 0o600)
        self.assertNotIn(TOKEN, kept.read_text())
        # What the node may do is what its certificate is good for.
        mine = self.plane.try_kubectl("get", "node", NODE, kubeconfig=kept)
        self.assertEqual(mine.returncode, 0, mine.stderr)
        others = self.plane.try_kubectl("get", "secrets", "-A", kubeconfig=kept)
        self.assertIn("Forbidden", others.stderr)

    def test_the_node_says_which_images_it_has(self):
        self.join()
        self.site.pack("ticker", "test.example/ticker:v1")

        def names():
            return [name for image in self.plane.get("node", NODE)["status"].get("images", []) for name in image["names"]]
        self.site.wait_for("the image on the Node", lambda: "test.example/ticker:v1" in names())
        self.assertTrue(any(name.startswith("test.example/ticker@sha256:") for name in names()), names())
        self.site.duet("image", "rm", "test.example/ticker:v1")
        self.site.wait_for("the image to go", lambda: "test.example/ticker:v1" not in names())

    def test_the_next_agent_needs_no_token(self):
        self.join()
        self.site.kill_agent()
        self.token_file.unlink()
        requests = self.plane.kubectl("get", "csr", "-o", "name")
        lease = self.plane.get("lease", NODE, "kube-node-lease")["spec"]["renewTime"]
        self.start()
        self.site.wait_for("the lease to be renewed",
                           lambda: self.plane.get("lease", NODE, "kube-node-lease")["spec"]["renewTime"] != lease)
        self.assertEqual(self.plane.kubectl("get", "csr", "-o", "name"), requests)

    def test_a_wrong_token_is_said_and_the_site_lives(self):
        self.token_file.write_text("abcdef.0000000000000000\n")
        self.site.pack("ticker", "test.example/ticker:v1")
        self.site.write("a.yaml", {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "local"},
                                   "spec": {"containers": [{"name": "main", "image": "test.example/ticker:v1"}],
                                            "terminationGracePeriodSeconds": 1}})
        self.start()
        self.wait_log("401")
        self.site.wait_ready("local")
        # The right one is taken as soon as it is there.
        self.token_file.write_text(TOKEN)
        self.plane.wait(f"node/{NODE}", "create")


class Pods(ClusterTest):
    def test_the_primers_pod_is_bound_runs_and_goes(self):
        self.site.pack("hello-wasm", "webassembly.azurecr.io/hello-wasm:v1")
        self.join()
        self.plane.kubectl("apply", "-f", str(SOURCE / "examples/primer/hello-wasm.yaml"))
        self.plane.wait("pod/hello-wasm", "condition=Ready")
        shown = self.plane.kubectl("get", "pod", "hello-wasm", "-o", "wide")
        self.assertIn("Running", shown)
        self.assertIn(NODE, shown)
        self.site.wait_for("its greeting", lambda: "duet" in self.site.duet("logs", "hello-wasm").lower())
        there, here = self.plane.get("pod", "hello-wasm"), self.site.get("pod", "hello-wasm")
        self.assertEqual(here["metadata"]["uid"], there["metadata"]["uid"])
        self.assertEqual(here["status"]["containerStatuses"], there["status"]["containerStatuses"])
        self.plane.kubectl("delete", "pod", "hello-wasm", "--timeout=60s")
        self.assertIsNone(self.plane.get("pod", "hello-wasm"))
        self.assertIsNone(self.site.get("pod", "hello-wasm"))

    def test_exit_codes_configuration_and_ends_are_told(self):
        self.site.pack("args", "test.example/args:v1")
        self.site.pack("exit", "test.example/exit:v1")
        self.join()
        self.plane.apply(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"token": "hidden-token"}},
            wasm_pod("args", "test.example/args:v1", {
                "env": [{"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "colour"}}},
                        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}}]},
                     restartPolicy="Never"),
            wasm_pod("badly", "test.example/exit:v1", {"args": ["3"]}, restartPolicy="Never"))
        self.plane.wait("pod/args", "jsonpath={.status.phase}=Succeeded")
        text = self.site.duet("logs", "args")
        self.assertIn("COLOUR=blue", text)
        self.assertIn("TOKEN=hidden-token", text)
        self.plane.wait("pod/badly", "jsonpath={.status.phase}=Failed")
        ended = self.plane.get("pod", "badly")["status"]["containerStatuses"][0]["state"]["terminated"]
        self.assertEqual(ended["exitCode"], 3)
        self.plane.kubectl("delete", "pod", "args", "--timeout=60s")
        self.site.wait_for("the secret to go", lambda: self.site.get("secret", "keys") is None)

    def test_a_deployment_rolls_over(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.site.pack("ticker", "test.example/ticker:v2")
        self.join()
        pod = wasm_pod("x", "test.example/ticker:v1")
        self.plane.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ticker"},
                          "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "ticker"}},
                                   "template": {"metadata": {"labels": {"app": "ticker"}}, "spec": pod["spec"]}}})
        self.plane.kubectl("rollout", "status", "deployment/ticker", "--timeout=60s")
        self.plane.kubectl("set", "image", "deployment/ticker", "main=test.example/ticker:v2")
        self.plane.kubectl("rollout", "status", "deployment/ticker", "--timeout=60s")
        images = self.plane.kubectl("get", "pods", "-l", "app=ticker", "-o", "jsonpath={.items[*].spec.containers[0].image}")
        self.assertIn("test.example/ticker:v2", images)

    def test_a_runtime_class_is_as_good_as_selector_and_toleration(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        self.plane.kubectl("apply", "-f", str(SOURCE / "examples/cluster/runtime-class.yaml"))
        self.plane.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "classy"},
                          "spec": {"runtimeClassName": "wasm", "terminationGracePeriodSeconds": 2,
                                   "containers": [{"name": "main", "image": "test.example/ticker:v1"}]}})
        self.plane.wait("pod/classy", "condition=Ready")
        self.assertEqual(self.plane.get("pod", "classy")["spec"]["nodeName"], NODE)

    def test_what_goes_wrong_is_an_event_of_the_cluster(self):
        self.site.pack("exit", "test.example/exit:v1")
        self.join()
        self.plane.apply(wasm_pod("crashing", "test.example/exit:v1", {"args": ["3"]}))
        uid = self.plane.get("pod", "crashing")["metadata"]["uid"]

        def reasons():
            events = self.plane.kubectl("get", "events", "--field-selector", f"involvedObject.uid={uid}", "-o", "json")
            return {one["reason"]: one for one in json.loads(events)["items"] if one["source"].get("component") == "duet"}
        self.site.wait_for("its events", lambda: {"Started", "BackOff"} <= reasons().keys())
        self.assertEqual(reasons()["BackOff"]["source"]["host"], NODE)
        self.assertIn("BackOff", self.plane.kubectl("describe", "pod", "crashing"))


    def test_daemon_sets_jobs_and_stateful_sets_run(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.site.pack("args", "test.example/args:v1")
        self.join()
        ticker, args = (wasm_pod("x", f"test.example/{name}:v1")["spec"] for name in ("ticker", "args"))
        template = lambda app, spec: {"metadata": {"labels": {"app": app}}, "spec": spec}
        workload = lambda kind, name, spec, group="apps/v1": {"apiVersion": group, "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.plane.apply(
            workload("DaemonSet", "each", {"selector": {"matchLabels": {"app": "each"}}, "template": template("each", ticker)}),
            workload("StatefulSet", "row", {"replicas": 2, "serviceName": "row", "selector": {"matchLabels": {"app": "row"}},
                                            "template": template("row", ticker)}),
            workload("Job", "once", {"completions": 3, "parallelism": 2, "template": template("once", {**args, "restartPolicy": "Never"})},
                     "batch/v1"))
        self.plane.wait("job/once", "condition=Complete")
        self.plane.kubectl("rollout", "status", "statefulset/row", "--timeout=60s")
        self.plane.kubectl("rollout", "status", "daemonset/each", "--timeout=60s")
        self.plane.kubectl("delete", "daemonset/each", "statefulset/row", "job/once", "--timeout=60s")
        self.site.wait_for("their pods to go", lambda: not self.pods())

    def test_cordon_drain_and_back(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        pod = wasm_pod("x", "test.example/ticker:v1")
        self.plane.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ticker"},
                          "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "ticker"}},
                                   "template": {"metadata": {"labels": {"app": "ticker"}}, "spec": pod["spec"]}}})
        self.plane.kubectl("rollout", "status", "deployment/ticker", "--timeout=60s")
        self.plane.kubectl("drain", NODE, "--timeout=60s")  # cordons, then evicts
        self.site.wait_for("the node to be empty", lambda: not self.pods())
        self.plane.kubectl("uncordon", NODE)
        self.plane.kubectl("rollout", "status", "deployment/ticker", "--timeout=60s")
        self.assertEqual(len(self.pods()), 2)


class Mirrors(ClusterTest):
    def test_pods_of_the_site_are_shown_and_nothing_there_touches_them(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        own = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "own", "labels": {"app": "own"}},
               "spec": {"containers": [{"name": "main", "image": "test.example/ticker:v1", "env": [{"name": "A", "value": "hidden"}]}],
                        "terminationGracePeriodSeconds": 1}}
        self.site.write("own.yaml", own)
        self.join()
        mirror = f"own-{NODE}"
        self.plane.wait(f"pod/{mirror}", "create")
        self.plane.wait(f"pod/{mirror}", "condition=Ready")
        shown = self.plane.get("pod", mirror)
        self.assertEqual(shown["metadata"]["ownerReferences"][0]["kind"], "Node")
        self.assertEqual(shown["spec"]["containers"][0]["image"], "test.example/ticker:v1")
        self.assertNotIn("hidden", json.dumps(shown))
        self.assertEqual(shown["status"]["containerStatuses"][0]["containerID"],
                         self.site.pod_status("own")["containerStatuses"][0]["containerID"])
        self.assertEqual([one["metadata"]["name"] for one in self.pods()], ["own"])
        # Deleted in the cluster, it is there again, and the pod has not noticed.
        self.plane.kubectl("delete", "pod", mirror, "--wait=false")
        self.plane.wait_replaced("pod", mirror, shown["metadata"]["uid"])
        self.plane.wait(f"pod/{mirror}", "condition=Ready")
        self.assertEqual(self.site.pod_status("own")["containerStatuses"][0]["restartCount"], 0)
        (self.site.manifests / "own.yaml").unlink()
        self.plane.wait(f"pod/{mirror}", "delete")
        self.assertEqual(self.pods(), [])


class WholeNode(ClusterTest):
    """The machine as one node: containers too."""

    kind = "whole"

    def setUp(self):
        need_root()
        super().setUp()
        self.site.import_busybox()

    def container_pod(self, name, script, **spec):
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
                "spec": {"containers": [{"name": "main", "image": BUSYBOX, "command": ["sh", "-c", script]}],
                         "terminationGracePeriodSeconds": 1, **spec}}

    def test_it_has_the_machines_architecture_and_no_taint(self):
        self.join()
        node = self.plane.get("node", NODE)
        self.assertEqual(node["metadata"]["labels"]["kubernetes.io/os"], "linux")
        self.assertEqual(node["metadata"]["labels"]["kubernetes.io/arch"], node["status"]["nodeInfo"]["architecture"])
        self.assertNotIn("wasm32", node["status"]["nodeInfo"]["architecture"])
        self.assertEqual([one for one in node["spec"].get("taints", []) if "node.kubernetes.io" not in one["key"]], [])

    def test_a_pod_shows_the_api_server_its_token(self):
        """As the clients in containers do it: the authority, the token and the namespace are files."""
        self.join()
        folder = "/var/run/secrets/kubernetes.io/serviceaccount"
        self.plane.apply(self.container_pod("client", f"cat {folder}/namespace; echo; cat {folder}/ca.crt; cat {folder}/token",
                                            restartPolicy="Never"))
        self.plane.wait("pod/client", "jsonpath={.status.phase}=Succeeded")
        lines = self.site.duet("logs", "client").splitlines()
        self.assertEqual(lines[0], "default")
        self.assertIn(self.plane.ca_file.read_text().splitlines()[1], lines)
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": lines[-1]}}
        status = json.loads(self.plane.kubectl("create", "-o", "json", "-f", "-", input=json.dumps(review)))["status"]
        self.assertEqual(status["user"]["username"], "system:serviceaccount:default:default")
        self.assertEqual(status["user"]["extra"]["authentication.kubernetes.io/pod-name"], ["client"])

    def test_a_config_map_that_changes_reaches_the_pod(self):
        self.join()
        settings = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"colour": "blue"}}
        reader = self.container_pod("reader", "while true; do cat /etc/s/colour; echo; sleep 0.2; done",
                                    volumes=[{"name": "s", "configMap": {"name": "settings"}}])
        reader["spec"]["containers"][0]["volumeMounts"] = [{"name": "s", "mountPath": "/etc/s"}]
        self.plane.apply(settings, reader)
        self.site.wait_for("the first colour", lambda: "blue" in self.site.duet("logs", "reader", check=False))
        self.plane.apply({**settings, "data": {"colour": "green"}})
        self.site.wait_for("the second", lambda: "green" in self.site.duet("logs", "reader"))
        self.assertEqual(self.plane.get("pod", "reader")["status"]["containerStatuses"][0]["restartCount"], 0)

    def test_a_mixed_pod_runs_in_one(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        mixed = self.container_pod("mixed", "sleep 1000")
        mixed["spec"]["containers"].append({"name": "wasm", "image": "test.example/ticker:v1"})
        self.plane.apply(mixed)
        self.plane.wait("pod/mixed", "condition=Ready")
        self.assertEqual(len(self.plane.get("pod", "mixed")["status"]["containerStatuses"]), 2)


class LineCuts(ClusterTest):
    def test_pods_live_through_a_cut_and_a_new_agent(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        self.plane.apply(wasm_pod("stays", "test.example/ticker:v1"), wasm_pod("goes", "test.example/ticker:v1"))
        for name in ("stays", "goes"):
            self.plane.wait(f"pod/{name}", "condition=Ready")
        before = self.start_time("stays")
        container = self.site.pod_status("stays")["containerStatuses"][0]["containerID"]
        self.line.cut()
        self.site.kill_agent()
        self.start()
        self.wait_log("cluster: https://127.0.0.1")
        self.site.wait_ready("stays")
        self.site.wait_ready("goes")
        self.plane.kubectl("delete", "pod", "goes", "--grace-period=0", "--force", "--wait=false")
        self.plane.apply(wasm_pod("comes", "test.example/ticker:v1"))
        self.line.restore()
        self.plane.wait("pod/comes", "condition=Ready")
        self.site.wait_for("goes to be gone", lambda: self.site.get("pod", "goes") is None)
        self.assertEqual(self.start_time("stays"), before)
        self.assertEqual(self.site.pod_status("stays")["containerStatuses"][0]["containerID"], container)
        self.assertEqual(self.plane.get("pod", "stays")["status"]["containerStatuses"][0]["restartCount"], 0)

    def test_a_line_with_latency_and_loss_is_enough(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.line.worsen(delay_s=0.15, loss=0.05)
        self.join()
        names = [f"far-{number}" for number in range(5)]
        self.plane.apply(*(wasm_pod(name, "test.example/ticker:v1") for name in names))
        for name in names:
            self.plane.wait(f"pod/{name}", "condition=Ready")
        before = {name: self.start_time(name) for name in names}
        self.line.cut()
        self.plane.kubectl("delete", "pod", names[0], "--wait=false")
        self.line.restore()
        self.plane.wait(f"pod/{names[0]}", "delete")
        self.site.wait_for("the deleted pod to go", lambda: len(self.pods()) == len(names) - 1)
        for name in names[1:]:
            self.plane.wait(f"pod/{name}", "condition=Ready")
            self.assertEqual(self.start_time(name), before[name], name)

    def test_a_node_that_is_away_is_not_ready_and_comes_back(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        self.plane.apply(wasm_pod("stays", "test.example/ticker:v1"))
        self.plane.wait("pod/stays", "condition=Ready")
        before = self.start_time("stays")
        self.line.cut()
        self.plane.wait(f"node/{NODE}", "condition=Ready=Unknown")
        self.line.restore()
        self.plane.wait(f"node/{NODE}", "condition=Ready")
        self.plane.wait("pod/stays", "condition=Ready")
        self.assertEqual(self.start_time("stays"), before)

    def test_after_many_cuts_cluster_and_node_agree(self):
        """A day of them from a seed, without its pauses."""
        chance = random.Random(20261126)
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        wanted, first_start = {}, {}
        for number in range(12):
            name = f"pod-{number}"
            if chance.random() < 0.6:
                self.line.cut()
            for gone in [one for one in wanted if chance.random() < 0.25]:
                wanted.pop(gone)
                first_start.pop(gone, None)
                self.plane.kubectl("delete", "pod", gone, "--wait=false", "--grace-period=1")
            self.plane.apply(wasm_pod(name, "test.example/ticker:v1"))
            wanted[name] = self.plane.get("pod", name)["metadata"]["uid"]
            if chance.random() < 0.3:
                self.site.kill_agent()
                self.start()
            if chance.random() < 0.7:
                self.line.restore()
                self.plane.wait(f"pod/{name}", "condition=Ready")
                first_start[name] = self.start_time(name)
        self.line.restore()
        for name in wanted:
            self.plane.wait(f"pod/{name}", "condition=Ready")
        self.site.wait_for("the node to have what the cluster has",
                           lambda: {one["metadata"]["name"]: one["metadata"]["uid"] for one in self.pods()} == wanted)
        there = json.loads(self.plane.kubectl("get", "pods", "-o", "json"))["items"]
        self.assertEqual({one["metadata"]["name"]: one["metadata"]["uid"] for one in there}, wanted)
        for name, start in first_start.items():
            self.assertEqual(self.start_time(name), start, name)
        for one in there:
            self.assertEqual(one["status"]["containerStatuses"][0]["restartCount"], 0)

    def test_a_status_of_the_time_without_a_line_is_told_afterwards(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        self.plane.apply(wasm_pod("ends", "test.example/ticker:v1", restartPolicy="Never"))
        self.plane.wait("pod/ends", "condition=Ready")
        self.line.cut()
        self.site.kill_agent()
        for pid in sandboxes_of(self.site):
            os.kill(pid, signal.SIGKILL)
        self.start()
        self.site.wait_for("the pod to have failed", lambda: self.site.pod_status("ends").get("phase") == "Failed")
        self.assertEqual(self.plane.get("pod", "ends")["status"]["phase"], "Running")
        self.line.restore()
        self.plane.wait("pod/ends", "jsonpath={.status.phase}=Failed")


if __name__ == "__main__":
    unittest.main()
