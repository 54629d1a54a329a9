#!/usr/bin/env python3
"""Whole node: TLS at the front door, with certificates from Secrets."""

import json
import subprocess
import tempfile
import unittest

from site_fixture import SiteTest, TIMEOUT_S, free_port, pod, service


def certificate(name):
    """(certificate, key) as PEM, signed by itself, for one DNS name."""
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "1",
                        "-keyout", f"{work}/key", "-out", f"{work}/crt"], check=True, capture_output=True)
        return open(f"{work}/crt", encoding="ascii").read(), open(f"{work}/key", encoding="ascii").read()


def secret(name, crt, key):
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": "kubernetes.io/tls",
            "stringData": {"tls.crt": crt, "tls.key": key}}


def ingress(tls):
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"},
            "spec": {"tls": tls, "rules": [{"http": {"paths": [{"pathType": "Prefix", "path": "/", "backend": backend}]}}]}}


class Tls(SiteTest):
    def curl(self, host, *words):
        done = subprocess.run(["curl", "-sS", "--noproxy", "*", "--resolve", f"{host}:{self.port}:127.0.0.1", *words,
                               f"https://{host}:{self.port}/"], capture_output=True, text=True, timeout=TIMEOUT_S)
        return done.stdout if done.returncode == 0 else f"curl: {done.returncode} {done.stderr}"

    def trusts(self, host, crt):
        """Whether a client that trusts `crt` alone gets an answer for `host`."""
        with tempfile.NamedTemporaryFile("w") as ca:
            ca.write(crt)
            ca.flush()
            return not self.curl(host, "--cacert", ca.name).startswith("curl: ")

    def reasons(self):
        events = json.loads(self.site.duet("get", "events", "-o", "json"))["items"]
        return {event["reason"]: event["message"] for event in events if event["involvedObject"]["kind"] == "Ingress"}

    def test_certificates_come_from_secrets_and_change_while_it_runs(self):
        first, second = certificate("shop.test"), certificate("shop.test")
        tls = [{"hosts": ["shop.test"], "secretName": "web"}, {"hosts": ["gone.test"], "secretName": "gone"}]
        self.port = free_port()
        self.site.pack("hello_handler", "test.example/hello:v1")
        self.site.write("a.yaml", pod("web", "test.example/hello:v1", {"ports": [{"containerPort": 8080}]}),
                        service("web", 80, 8080), ingress(tls))
        self.site.write("tls.yaml", secret("web", *first))
        self.site.start(listenTLS=[f"127.0.0.1:{self.port}"])
        self.site.wait_ready("web")
        self.site.wait_for("the certificate", lambda: self.trusts("shop.test", first[0]))
        self.assertFalse(self.trusts("shop.test", second[0]))
        self.assertNotIn("curl: ", self.curl("stranger.test", "-k"))
        self.assertEqual(self.reasons(), {"CertificateNotFound": "secret default/gone does not exist"})
        self.site.write("tls.yaml", secret("web", *second))
        self.site.wait_for("the new certificate", lambda: self.trusts("shop.test", second[0]))
        self.site.write("tls.yaml", secret("web", second[0], first[1]))
        self.site.wait_for("an event", lambda: self.reasons().get("InvalidCertificate"))
        self.assertEqual(self.reasons()["InvalidCertificate"],
                         "secret default/web: the private key does not belong to the certificate")
        self.assertNotIn("curl: ", self.curl("shop.test", "-k"))


if __name__ == "__main__":
    unittest.main()
