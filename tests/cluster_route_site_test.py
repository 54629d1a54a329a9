#!/usr/bin/env python3
"""A node of a cluster answers the HTTPRoutes of one of its Gateways."""

import unittest

from cluster_fixture import ServiceTest
from site_fixture import SOURCE, route

GROUP = "gateway.networking.k8s.io"
NO_CRD = "the cluster has no CustomResourceDefinition of them"


def definition(kind, plural):
    """As much of the Gateway API's own as an API server needs to keep and serve the objects."""
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{GROUP}", "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
            "spec": {"group": GROUP, "scope": "Namespaced", "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                     "versions": [{"name": "v1", "served": True, "storage": True, "subresources": {"status": {}},
                                   "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]}}


DEFINITIONS = [definition("Gateway", "gateways"), definition("HTTPRoute", "httproutes")]


def gateway(hostname=None, namespaces=None, name="edge"):
    listener = {"name": "web", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": namespaces or {"from": "Same"}}}
    if hostname:
        listener["hostname"] = hostname
    return {"apiVersion": f"{GROUP}/v1", "kind": "Gateway", "metadata": {"name": name},
            "spec": {"gatewayClassName": "duet", "listeners": [listener]}}


def route_at(at, name, path, backend, namespace="default", **rule):
    """An HTTPRoute whose parent is the Gateway default/`at`."""
    made = route(name, path, backend, **rule)
    made["metadata"]["namespace"] = namespace
    made["spec"]["parentRefs"] = [{"group": GROUP, "kind": "Gateway", "namespace": "default", "name": at}]
    return made


class ClusterRoutes(ServiceTest):
    more_cluster = {"gateway": "default/edge"}

    def setUp(self):
        super().setUp()
        self.addCleanup(self.undefine)

    def define(self):
        self.plane.apply(*DEFINITIONS)
        for one in DEFINITIONS:
            self.plane.wait(f"crd/{one['metadata']['name']}", "condition=Established")

    def undefine(self):
        self.plane.kubectl("delete", "crd", "--ignore-not-found", *(one["metadata"]["name"] for one in DEFINITIONS))

    def accepted(self, name, namespace="default"):
        """The condition Accepted in the cluster, once it is about the route as it is now."""
        self.plane.wait(f"httproute/{name}", "jsonpath={.status.parents[0].conditions[0].type}=Accepted", namespace)
        found = self.plane.get("httproute", name, namespace)
        (parent,) = found["status"]["parents"]
        self.assertEqual((parent["controllerName"], parent["parentRef"]), ("duet.edge/gateway", found["spec"]["parentRefs"][0]))
        self.assertEqual(parent["conditions"][0]["observedGeneration"], found["metadata"]["generation"])
        return parent["conditions"][0]

    def test_routes_of_its_gateway_are_its_routes_with_handlers_before_them(self):
        self.site.pack("filter-headers", "test.example/headers:v1")
        self.define()
        self.join()
        self.deploy("shop")
        self.deploy("guard", image="test.example/headers:v1")
        guarded = [{"type": "ExtensionRef", "extensionRef": {"group": "", "kind": "Service", "name": "guard"}}]
        self.plane.apply(gateway(), gateway(name="other"), route_at("other", "theirs", "/theirs", "shop"),
                         route_at("edge", "plain", "/plain", "shop"), route_at("edge", "ours", "/ours", "shop", filters=guarded))
        _, headers, body = self.site.wait_answer("/ours", 200)
        self.assertEqual((headers["x-content-type-options"], body), ("nosniff", "hello from duet\n"))
        self.assertNotIn("x-content-type-options", self.site.wait_answer("/plain", 200)[1])
        self.assertEqual(self.site.request("/theirs")[0], 404)
        here = self.site.get("httproute", "ours")["metadata"]
        self.assertEqual(here["annotations"]["duet.edge/source"], "cluster")
        self.assertEqual(self.accepted("ours")["reason"], "Accepted")
        self.plane.apply(route_at("edge", "ours", "/moved", "shop", filters=guarded))
        self.site.wait_answer("/moved", 200)
        self.assertEqual(self.site.request("/ours")[0], 404)
        self.plane.kubectl("delete", "httproute", "ours")
        self.site.wait_answer("/moved", 404)
        self.assertEqual(self.site.request("/plain")[0], 200)

    def test_pods_of_other_nodes_answer(self):
        self.define()
        self.join()
        with self.neighbour() as (address, port):
            far = self.service("far")
            del far["spec"]["selector"]
            self.plane.apply(far, self.endpoints("far", address, port), gateway(), route_at("edge", "far", "/far", "far"))
            self.assertEqual(self.site.wait_answer("/far", 200)[2], "from elsewhere")

    def test_definitions_may_come_later_and_go(self):
        self.join()
        self.wait_log(NO_CRD)
        self.deploy("shop")
        self.define()
        self.plane.apply(gateway(), route_at("edge", "shop", "/shop", "shop"))
        self.site.wait_answer("/shop", 200)
        self.assertEqual(self.site.log.read_text().count(NO_CRD), 1)
        self.undefine()
        self.site.wait_answer("/shop", 404)

    def test_the_gateway_says_whose_routes_and_hosts_it_takes(self):
        """No Service is there: a route that was taken answers 500."""
        self.plane.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}})
        self.addCleanup(self.plane.kubectl, "delete", "namespace", "team", "--wait=false")
        self.define()
        self.join()
        self.plane.apply(gateway(), route_at("edge", "own", "/own", "none"), route_at("edge", "team", "/team", "none", namespace="team"))
        self.site.wait_answer("/own", 500)
        self.wait_log("httproute team/team is left out")
        self.assertEqual(self.site.request("/team")[0], 404)
        self.assertEqual(self.accepted("team", "team")["reason"], "NotAllowedByListeners")
        chosen = {"from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": "team"}}}
        self.plane.apply(gateway(hostname="*.shop.test", namespaces=chosen))
        self.site.wait_answer("/own", 404)
        self.site.wait_answer("/team", 500, headers={"Host": "a.shop.test"})
        self.assertEqual(self.site.request("/team")[0], 404)
        self.plane.kubectl("delete", "gateway", "edge")
        self.site.wait_answer("/team", 404, headers={"Host": "a.shop.test"})

    def test_a_route_that_cannot_be_answered_is_said_and_the_rest_goes_on(self):
        self.define()
        self.join()
        bad = route_at("edge", "bad", "/bad", "none", retry={"attempts": 3})
        self.plane.apply(gateway(), bad, route_at("edge", "good", "/good", "none"))
        self.site.wait_answer("/good", 500)
        self.wait_log("httproute default/bad is left out: spec.rules[0].retry")
        told = self.accepted("bad")
        self.assertEqual(told["reason"], "UnsupportedValue")
        self.assertIn("spec.rules[0].retry", told["message"])
        self.assertEqual(self.site.request("/bad")[0], 404)
        self.plane.apply(route_at("edge", "bad", "/bad", "none"))
        self.site.wait_answer("/bad", 500)

    def test_routes_live_through_a_cut_and_a_new_agent(self):
        def change():
            self.plane.kubectl("delete", "httproute", "goes")
            self.plane.apply(route_at("edge", "comes", "/comes", "shop"))

        self.define()
        self.join()
        self.deploy("shop")
        self.plane.apply(gateway(), *(route_at("edge", name, f"/{name}", "shop") for name in ("stays", "goes")))
        self.check_a_cut(404, change)

    def test_a_route_of_the_site_is_not_written_over(self):
        self.site.write("own.yaml", route("shop", "/own", "none"))
        self.define()
        self.join()
        self.plane.apply(gateway(), route_at("edge", "shop", "/theirs", "none"))
        self.wait_log("httproute default/shop of the cluster is not taken")
        self.assertEqual([self.site.request(path)[0] for path in ("/own", "/theirs")], [500, 404])
        (self.site.manifests / "own.yaml").unlink()
        self.site.wait_answer("/theirs", 500)
        self.assertEqual(self.site.request("/own")[0], 404)

    def test_without_the_right_the_rest_goes_on(self):
        self.plane.kubectl("delete", "clusterrolebinding", "duet:routes")
        self.addCleanup(self.plane.kubectl, "apply", "-f", str(SOURCE / "examples/cluster/route-rights.yaml"))
        self.define()
        self.site.write("own.yaml", route("own", "/own", "shop"))
        self.join()
        self.deploy("shop")
        self.plane.apply(gateway(), route_at("edge", "ours", "/ours", "shop"))
        self.wait_log("without it no HTTPRoute comes from the cluster")
        self.site.wait_answer("/own", 200)
        self.assertEqual(self.site.request("/ours")[0], 404)
        self.assertEqual(self.site.log.read_text().count("cluster: httproutes:"), 1)


if __name__ == "__main__":
    unittest.main()
