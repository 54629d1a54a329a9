"""A node in a real cluster, as the tests of both need it."""

import contextlib
import http.server
import json
import subprocess
import threading

from control_plane import TOKEN, ControlPlane, Line
from peer import TextHandler
from site_fixture import SiteTest, need_root

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
        self.plane.kubectl("delete", "deployments,statefulsets,daemonsets,jobs,configmaps,secrets", "--field-selector", "metadata.name!=kube-root-ca.crt",
                           "--timeout=60s")
        # Mirrors go with the node.
        pods = [one["metadata"] for one in json.loads(self.plane.kubectl("get", "pods", "-o", "json"))["items"]]
        names = [one["name"] for one in pods if "kubernetes.io/config.mirror" not in one.get("annotations", {})]
        if names:
            self.plane.kubectl("delete", "pods", *names, "--ignore-not-found", "--timeout=60s")
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


class Elsewhere(TextHandler):
    def text(self):
        return "from elsewhere"


class ServiceTest(ClusterTest):
    """With Services of the cluster, and who answers for them."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.plane.kubectl, "delete", "services,endpointslices,ingresses", "--field-selector", "metadata.name!=kubernetes")
        self.site.pack("hello_handler", "test.example/hello:v1")

    def deploy(self, name, replicas=1, image="test.example/hello:v1"):
        """A handler as a Deployment, and its Service."""
        pod = wasm_pod("x", image)
        self.plane.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
                          "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                                   "template": {"metadata": {"labels": {"app": name}}, "spec": pod["spec"]}}},
                         self.service(name))

    def check_a_cut(self, gone, change):
        """Routes at /stays and /goes live through a cut of the line and a new agent. `change` takes /goes away in the cluster meanwhile, where
        `gone` is answered in the end, and brings /comes."""
        for name in ("stays", "goes"):
            self.site.wait_answer(f"/{name}", 200)
        self.line.cut()
        self.site.kill_agent()
        self.start()
        self.wait_log("cluster: https://127.0.0.1")
        for name in ("stays", "goes"):
            self.site.wait_answer(f"/{name}", 200)
        change()
        self.assertEqual(self.site.request("/goes")[0], 200)
        self.line.restore()
        self.site.wait_answer("/comes", 200)
        self.site.wait_answer("/goes", gone)
        self.assertEqual(self.site.request("/stays")[0], 200)

    @staticmethod
    def service(name, selected=None, **spec):
        return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"selector": {"app": selected or name}, "ports": [{"name": "web", "port": 80}], **spec}}

    @staticmethod
    def endpoints(name, address, port, ready=True):
        return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
                "metadata": {"name": f"{name}-elsewhere", "labels": {"kubernetes.io/service-name": name}}, "addressType": "IPv4",
                "endpoints": [{"addresses": [address], "conditions": {"ready": ready}}], "ports": [{"name": "web", "port": port}]}

    @contextlib.contextmanager
    def neighbour(self, address="198.18.77.7"):
        """A server at an address of its own, as a pod of another node has one; gives its port."""
        need_root()
        change = lambda verb: subprocess.run(["ip", "address", verb, f"{address}/32", "dev", "lo"], check=True)

        change("add")
        try:
            with http.server.ThreadingHTTPServer((address, 0), Elsewhere) as server:
                server.daemon_threads = True
                threading.Thread(target=server.serve_forever, daemon=True).start()
                yield address, server.server_address[1]
                server.shutdown()
        finally:
            change("delete")
