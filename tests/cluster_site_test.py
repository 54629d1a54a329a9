#!/usr/bin/env python3
"""Whole node in a cluster: a real control plane schedules onto it, the line between them is cut and mended."""

import contextlib
import http.server
import json
import os
import random
import signal
import stat
import subprocess
import threading
import unittest
import urllib.request

from control_plane import TOKEN, ControlPlane, Line
from site_fixture import SOURCE, SiteTest, need_root, route, sandboxes_of

NODE = "edge-wasm"
BUSYBOX = "test.example/busybox:v1"
WASM = {"nodeSelector": {"kubernetes.io/arch": "wasm32-wasi"},
        "tolerations": [{"key": "kubernetes.io/arch", "operator": "Equal", "value": "wasm32-wasi", "effect": "NoSchedule"}]}


def wasm_pod(name, image, container=None, **spec):
    one = {"name": "main", "image": image, **(container or {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [one], "terminationGracePeriodSeconds": 2, **WASM, **spec}}


class ClusterTest(SiteTest):
    """One cluster for all tests of a class; a node of its own for each."""

    kind = "wasm"
    more_cluster = {}

    @classmethod
    def setUpClass(cls):
        cls.plane = ControlPlane()
        cls.addClassCleanup(cls.plane.close)

    def setUp(self):
        super().setUp()
        self.line = Line(self.plane.port)
        self.addCleanup(self.line.close)
        self.addCleanup(self.forget_node)
        self.token_file = self.site.root / "token"
        self.token_file.write_text(TOKEN + "\n")

    def forget_node(self):
        """While the agent runs still, so that it can stop what it has."""
        self.line.restore()
        self.plane.kubectl("delete", "deployments,statefulsets,daemonsets,jobs,pods,configmaps,secrets", "--field-selector", "metadata.name!=kube-root-ca.crt",
                           "--timeout=60s")
        self.plane.kubectl("delete", "node", NODE, "--ignore-not-found")

    def join(self):
        self.start()
        self.plane.wait(f"node/{NODE}", "create")
        self.plane.wait(f"node/{NODE}", "condition=Ready")

    def start(self):
        self.site.start(nodeName=NODE, cluster=self.cluster())

    def cluster(self):
        """The cluster as the node's configuration names it."""
        return {"server": f"https://127.0.0.1:{self.line.port}", "tokenFile": str(self.token_file), "caFile": str(self.plane.ca_file),
                "node": self.kind, "kubeletListen": "", **self.more_cluster}

    def pods(self):
        """What the node has, all of it from the cluster."""
        return json.loads(self.site.duet("get", "pods", "-A", "-o", "json"))["items"]

    def wait_log(self, text):
        self.site.wait_for(f"the log to say {text}", lambda: text in self.site.log.read_text())

    def start_time(self, name):
        return self.plane.get("pod", name)["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]


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
        self.plane.kubectl("delete", "pod", mirror, "--timeout=60s")
        self.plane.wait(f"pod/{mirror}", "create")
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


class Addresses(ClusterTest):
    """Where the pod network is the machine's."""

    def setUp(self):
        need_root()
        super().setUp()
        self.network, self.leases = self.site.machine_network()

    def start(self):
        self.site.start(nodeName=NODE, cluster=self.cluster(), network=self.network)

    def test_a_handler_is_answered_at_the_address_that_the_cluster_shows(self):
        self.site.pack("hello_handler", "test.example/hello:v1")
        self.join()
        self.plane.apply(wasm_pod("hello", "test.example/hello:v1", {"ports": [{"containerPort": 8080}]}))
        self.plane.wait("pod/hello", "condition=Ready")
        address = self.plane.get("pod", "hello")["status"]["podIP"]
        self.assertTrue((self.leases / address).exists())

        def body():
            try:
                with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{address}:8080/", timeout=10) as answer:
                    return answer.read()
            except OSError:
                return None  # the gateway may be about to listen
        self.site.wait_for("the handler to answer", body)
        self.plane.kubectl("delete", "pod", "hello")
        self.assertFalse((self.leases / address).exists())


class Services(ClusterTest):
    """Services of the cluster are answered by the node's front door."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.plane.kubectl, "delete", "services,endpointslices,ingresses", "--field-selector", "metadata.name!=kubernetes")
        self.site.pack("hello_handler", "test.example/hello:v1")

    def deploy(self, name, replicas=1):
        """A handler as a Deployment, and its Service."""
        pod = wasm_pod("x", "test.example/hello:v1")
        self.plane.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
                          "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                                   "template": {"metadata": {"labels": {"app": name}}, "spec": pod["spec"]}}},
                         self.service(name))

    @staticmethod
    def service(name, selected=None, **spec):
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"selector": {"app": selected or name}, "ports": [{"name": "web", "port": 80}], **spec}}

    @staticmethod
    def endpoints(name, address, port, ready=True):
        return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": {"name": f"{name}-elsewhere", "labels": {"kubernetes.io/service-name": name}}, "addressType": "IPv4",
                "endpoints": [{"addresses": [address], "conditions": {"ready": ready}}], "ports": [{"name": "web", "port": port}]}

    def write_routes(self, *names):
        """Routes of the site itself to Services of the cluster."""
        self.site.write("routes.yaml", *(route(name, f"/{name}", name) for name in names))

    def wait_bodies(self, path, expected):
        """Waits until just these answers come, of many."""
        self.site.wait_for(f"{path} to answer {expected}",
                           lambda: {self.site.request(path)[2] for _ in range(20)} == expected)

    @contextlib.contextmanager
    def neighbour(self, address="198.18.77.7"):
        """A server at an address of its own, as a pod of another node has one; gives its port."""
        need_root()
        change = lambda verb: subprocess.run(["ip", "address", verb, f"{address}/32", "dev", "lo"], check=True)

        class Elsewhere(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b"from elsewhere"
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        change("add")
        try:
            with http.server.ThreadingHTTPServer((address, 0), Elsewhere) as server:
                server.daemon_threads = True
                threading.Thread(target=server.serve_forever, daemon=True).start()
                yield address, server.server_address[1]
                server.shutdown()
        finally:
            change("delete")

    def test_a_deployments_handler_answers_and_follows_its_service(self):
        self.write_routes("shop")
        self.join()
        self.site.wait_answer("/shop", 500)  # there is no such Service yet
        self.deploy("shop", replicas=2)
        self.assertIn("hello", self.site.wait_answer("/shop", 200)[2])
        here = self.site.get("service", "shop")["metadata"]
        self.assertEqual(here["annotations"]["duet.edge/source"], "cluster")
        self.assertEqual(here["uid"], self.plane.get("service", "shop")["metadata"]["uid"])
        self.plane.apply(self.service("shop", selected="nobody"))
        self.site.wait_answer("/shop", 503)
        self.plane.apply(self.service("shop"))
        self.site.wait_answer("/shop", 200)
        self.plane.kubectl("delete", "service", "shop")
        self.site.wait_answer("/shop", 500)
        self.assertIsNone(self.site.get("service", "shop"))

    def test_pods_of_other_nodes_answer_where_this_one_has_none(self):
        self.write_routes("far")
        self.join()
        with self.neighbour() as (address, port):
            service = self.service("far")
            del service["spec"]["selector"]
            self.plane.apply(service, self.endpoints("far", address, port))
            self.assertEqual(self.site.wait_answer("/far", 200)[2], "from elsewhere")
            self.assertIn(f"{address}:{port}", self.site.duet("describe", "service", "far"))
            self.plane.apply(self.endpoints("far", address, port, ready=False))
            self.site.wait_answer("/far", 503)
            self.plane.apply(self.endpoints("far", address, port))
            self.site.wait_answer("/far", 200)

    def test_pods_of_this_node_and_of_others_share_the_requests(self):
        self.write_routes("both")
        self.join()
        self.deploy("both")
        self.site.wait_answer("/both", 200)
        with self.neighbour() as (address, port):
            self.plane.apply(self.endpoints("both", address, port))
            self.wait_bodies("/both", {"from elsewhere", "hello from duet\n"})
            # And alone again, when that is what the Service prefers.
            self.plane.apply(self.service("both", internalTrafficPolicy="Local"))
            self.wait_bodies("/both", {"hello from duet\n"})

    def test_a_site_that_is_cut_off_answers_by_itself(self):
        self.write_routes("both")
        self.join()
        self.deploy("both")
        with self.neighbour() as (address, port):
            self.plane.apply(self.endpoints("both", address, port))
            self.wait_bodies("/both", {"from elsewhere", "hello from duet\n"})
            self.line.cut()
            self.site.kill_agent()
            self.start()
            self.wait_bodies("/both", {"hello from duet\n"})
            self.line.restore()
            self.wait_bodies("/both", {"from elsewhere", "hello from duet\n"})

    def test_ingresses_of_its_class_are_its_routes(self):
        self.more_cluster = {"ingressClass": "edge"}
        self.join()
        self.deploy("shop")
        ingress = lambda name, of, path: {
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
            "spec": {"ingressClassName": of, "rules": [{"http": {"paths": [
                {"path": path, "pathType": "Prefix", "backend": {"service": {"name": "shop", "port": {"name": "web"}}}}]}}]}}
        self.plane.apply(ingress("theirs", "other", "/theirs"), ingress("ours", "edge", "/ours"))
        self.site.wait_answer("/ours", 200)
        self.assertEqual(self.site.request("/theirs")[0], 404)
        self.plane.kubectl("delete", "ingress", "ours")
        self.site.wait_answer("/ours", 404)

    def test_without_the_right_to_see_endpoints_its_own_pods_answer(self):
        self.plane.kubectl("delete", "clusterrolebinding", "duet:routes")
        self.addCleanup(self.plane.kubectl, "apply", "-f", str(SOURCE / "examples/cluster/route-rights.yaml"))
        self.write_routes("shop")
        self.join()
        self.deploy("shop")
        self.site.wait_answer("/shop", 200)
        self.wait_log("examples/cluster/route-rights.yaml")
        self.assertEqual(self.site.log.read_text().count("examples/cluster/route-rights.yaml"), 1)

    def test_a_service_of_the_site_is_not_written_over(self):
        self.site.write("own.yaml", self.service("shop", selected="nobody"))
        self.write_routes("shop")
        self.join()
        self.deploy("shop")
        self.wait_log("service default/shop of the cluster is not taken")
        self.assertEqual(self.site.request("/shop")[0], 503)
        (self.site.manifests / "own.yaml").unlink()
        self.site.wait_answer("/shop", 200)

    def test_routes_live_through_a_cut_and_a_new_agent(self):
        self.write_routes("stays", "goes", "comes")
        self.join()
        for name in ("stays", "goes"):
            self.deploy(name)
            self.site.wait_answer(f"/{name}", 200)
        self.line.cut()
        self.site.kill_agent()
        self.start()
        self.wait_log("cluster: https://127.0.0.1")
        for name in ("stays", "goes"):
            self.site.wait_answer(f"/{name}", 200)
        self.plane.kubectl("delete", "service", "goes")
        self.deploy("comes")
        self.assertEqual(self.site.request("/goes")[0], 200)
        self.line.restore()
        self.site.wait_answer("/comes", 200)
        self.site.wait_answer("/goes", 500)
        self.assertEqual(self.site.request("/stays")[0], 200)


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
