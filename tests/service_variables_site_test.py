#!/usr/bin/env python3
"""What pods find of Services in their environment: containers, programs and handlers, in a cluster and on a site alone."""

import unittest

from cluster_fixture import BUSYBOX, ClusterTest
from site_fixture import SiteTest, need_root, route

ARGS, HANDLER = "test.example/args:v1", "test.example/environment:v1"


def service(name, selected, **spec):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
            "spec": {"selector": {"app": selected}, "ports": [{"name": "http", "port": 80}, {"name": "admin", "port": 81}], **spec}}


def pod(name, image, container=None, **spec):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": image, "imagePullPolicy": "IfNotPresent", **(container or {})}],
                     "terminationGracePeriodSeconds": 1, **spec}}


class Site(SiteTest):
    def test_a_service_with_an_address_is_in_the_environment(self):
        self.site.pack("args", ARGS)
        self.site.write("a.yaml", service("the-shop", "x", clusterIP="10.96.0.7"), service("plain", "x"))
        self.site.start()
        self.site.wait_for("the services", lambda: self.site.get("service", "the-shop") and self.site.get("service", "plain"))
        self.site.write("b.yaml", pod("one", ARGS, restartPolicy="Never"))
        self.site.wait_for("its end", lambda: self.site.pod_status("one").get("phase") == "Succeeded")
        log = self.site.duet("logs", "one")
        self.assertIn("env THE_SHOP_SERVICE_HOST=10.96.0.7\n", log)
        self.assertNotIn("PLAIN", log)


class Cluster(ClusterTest):
    kind = "whole"

    def setUp(self):
        need_root()
        super().setUp()
        self.addCleanup(self.plane.kubectl, "delete", "service", "shop", "headless", "--ignore-not-found")
        self.site.import_busybox()
        self.site.pack("args", ARGS)
        self.site.pack("environment_handler", HANDLER)

    def log_of(self, pod):
        self.plane.apply(pod)
        name = pod["metadata"]["name"]
        self.plane.wait(f"pod/{name}", "jsonpath={.status.phase}=Succeeded")
        return self.site.duet("logs", name)

    def test_containers_programs_and_handlers_find_services(self):
        self.plane.apply(service("shop", "handler"), service("headless", "handler", clusterIP="None"))
        address = self.plane.get("service", "shop")["spec"]["clusterIP"]
        # Bound at once, when the node has not heard of a Service yet: they wait for them.
        self.plane.apply(pod("early", ARGS, restartPolicy="Never"))
        self.join()
        expected = [f"SHOP_SERVICE_HOST={address}", "SHOP_SERVICE_PORT=80", "SHOP_SERVICE_PORT_HTTP=80", "SHOP_SERVICE_PORT_ADMIN=81",
                    f"SHOP_PORT=tcp://{address}:80", f"SHOP_PORT_81_TCP=tcp://{address}:81", "SHOP_PORT_81_TCP_PROTO=tcp",
                    "SHOP_PORT_81_TCP_PORT=81", f"SHOP_PORT_81_TCP_ADDR={address}", f"URL=http://{address}:80/"]
        url = {"env": [{"name": "URL", "value": "http://$(SHOP_SERVICE_HOST):$(SHOP_SERVICE_PORT)/"}]}
        program = self.log_of(pod("program", ARGS, url, restartPolicy="Never"))
        container = self.log_of(pod("box", BUSYBOX, {"command": ["env"], **url}, restartPolicy="Never"))
        self.plane.apply(pod("handler", HANDLER, url))
        self.plane.wait("pod/handler", "condition=Ready")
        self.site.write("routes.yaml", route("shop", "/", "shop"))
        self.site.wait_for("the handler to answer", lambda: "SHOP" in self.site.request("/")[2])
        handler = self.site.request("/")[2]
        self.plane.wait("pod/early", "jsonpath={.status.phase}=Succeeded")
        for line in expected:
            self.assertIn(f"env {line}\n", program)
            self.assertIn(f"{line}\n", container)
            self.assertIn(f"{line}\n", handler)
        self.assertIn(f"env {expected[0]}\n", self.site.duet("logs", "early"))
        for text in (program, container, handler):
            self.assertNotIn("HEADLESS", text)
            self.assertIn("KUBERNETES_SERVICE_HOST=127.0.0.1\n", text)  # where the node itself finds the API server

    def test_who_does_not_want_them_has_none(self):
        self.plane.apply(service("shop", "handler"))
        self.join()
        self.assertIn("SHOP_SERVICE_HOST", self.log_of(pod("one", ARGS, restartPolicy="Never")))
        self.assertNotIn("SHOP", self.log_of(pod("two", ARGS, restartPolicy="Never", enableServiceLinks=False)))


if __name__ == "__main__":
    unittest.main()
