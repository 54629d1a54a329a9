#!/usr/bin/env python3
"""What a cluster's network means on a node: handlers at their pods' addresses, Services behind its front door."""

import unittest
import urllib.request

from cluster_fixture import NODE, ClusterTest, ServiceTest, wasm_pod
from site_fixture import SOURCE, need_root, route


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


class Services(ServiceTest):
    """Services of the cluster are answered by the node's front door."""

    def write_routes(self, *names):
        """Routes of the site itself to Services of the cluster."""
        self.site.write("routes.yaml", *(route(name, f"/{name}", name) for name in names))

    def wait_bodies(self, path, expected):
        """Waits until just these answers come, of many."""
        self.site.wait_for(f"{path} to answer {expected}",
                           lambda: {self.site.request(path)[2] for _ in range(20)} == expected)

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
        self.more_cluster = {"ingressClass": "edge", "ingressAddress": "192.0.2.7"}
        self.join()
        self.deploy("shop")
        ingress = lambda name, of, path: {
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": name},
            "spec": {"ingressClassName": of, "rules": [{"http": {"paths": [
                {"path": path, "pathType": "Prefix", "backend": {"service": {"name": "shop", "port": {"name": "web"}}}}]}}]}}
        self.plane.apply(ingress("theirs", "other", "/theirs"), ingress("ours", "edge", "/ours"))
        self.site.wait_answer("/ours", 200)
        self.assertEqual(self.site.request("/theirs")[0], 404)
        self.plane.wait("ingress/ours", "jsonpath={.status.loadBalancer.ingress[0].ip}=192.0.2.7")
        self.assertEqual(self.plane.get("ingress", "theirs")["status"], {"loadBalancer": {}})
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
        def change():
            self.plane.kubectl("delete", "service", "goes")
            self.deploy("comes")

        self.write_routes("stays", "goes", "comes")
        self.join()
        self.deploy("stays")
        self.deploy("goes")
        self.check_a_cut(500, change)


if __name__ == "__main__":
    unittest.main()
