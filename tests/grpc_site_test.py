#!/usr/bin/env python3
"""Whole node: gRPC to a container, by the appProtocol of its Service, with and without TLS at the front door."""

import subprocess
import unittest

from site_fixture import BUILD, SiteTest, free_port, need_root, pod, route, service
from tls_site_test import certificate, secret

PEER = BUILD / "tests" / "grpc_peer"


class Grpc(SiteTest):
    def ask(self, *words):
        """What the client's checks say: a line for each."""
        done = subprocess.run([PEER, "ask", *words], capture_output=True, text=True, timeout=300)
        return done.stdout + done.stderr

    def test_every_kind_of_call(self):
        need_root()
        self.site.import_busybox()
        port = free_port()
        grpc = service("grpc", 80, 50051)
        grpc["spec"]["ports"][0]["appProtocol"] = "kubernetes.io/h2c"
        crt, key = certificate("grpc.test")
        self.site.write(
            "a.yaml",
            pod("grpc", "test.example/busybox:v1",
                {"command": ["/peer/grpc_peer", "serve", ":50051"], "ports": [{"containerPort": 50051}],
                 "volumeMounts": [{"name": "peer", "mountPath": "/peer", "readOnly": True}]},
                volumes=[{"name": "peer", "hostPath": {"path": str(PEER.parent)}}]),
            grpc, route("grpc", "/", "grpc"), secret("grpc", crt, key),
            {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "tls"},
             "spec": {"tls": [{"hosts": ["grpc.test"], "secretName": "grpc"}],
                      "defaultBackend": {"service": {"name": "grpc", "port": {"number": 80}}}}})
        self.site.start(listenTLS=[f"127.0.0.1:{port}"])
        self.site.wait_ready("grpc")
        # A request that is not gRPC's gets an answer of the container, by HTTP/2, as soon as the route is there.
        self.site.wait_answer("/", 415)
        said = self.ask(f"127.0.0.1:{self.site.port}")
        self.assertNotIn("FAILED", said)
        self.assertIn("ok cancel\n", said)
        ca = self.site.root / "ca.pem"
        ca.write_text(crt)
        said = self.ask(f"127.0.0.1:{port}", str(ca), "grpc.test")
        self.assertNotIn("FAILED", said)
        self.assertIn("ok cancel\n", said)


if __name__ == "__main__":
    unittest.main()
