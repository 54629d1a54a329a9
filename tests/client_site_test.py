#!/usr/bin/env python3
"""Whole node: what routes and the node's configuration ask of clients."""

import json
import socket
import unittest

from site_fixture import Site, free_port, pod, route, service

TIMEOUT_S = 60


def annotated(name, path, **annotations):
    made = route(name, path, "echo")
    made["metadata"]["annotations"] = {f"duet.edge/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return made


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site()
        cls.addClassCleanup(cls.site.close)
        cls.site.pack("echo_handler", "test.example/echo:v1")
        slow = route("slow", "/slow", "echo")
        slow["spec"]["rules"][0]["timeouts"] = {"request": "10s"}
        cls.site.write("site.yaml", pod("echo", "test.example/echo:v1", {"ports": [{"containerPort": 80}]}), service("echo"),
                       route("plain", "/", "echo"), slow, annotated("small", "/small", max_request_bytes="1Ki"),
                       annotated("rare", "/rare", rate_limit="2/h", rate_limit_burst="3"))
        cls.proxied = free_port()
        proxied = f"127.0.0.1:{cls.proxied}"
        cls.site.start(listen=[f"127.0.0.1:{cls.site.port}", proxied],
                       gateway={"workers": 1, "maxRequestBytes": "2Ki", "proxyProtocol": [proxied],
                                "trustedProxies": ["127.0.0.0/8"]})
        cls.site.wait_answer("/", 200)
        cls.site.wait_answer("/small", 200)

    def log_lines(self, path):
        lines = (self.site.root / "access.log").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["path"] == path]

    def test_bodies_are_bounded_by_the_node_and_by_the_route(self):
        for path, bound in (("/large", 2048), ("/small/large", 1024)):
            self.assertEqual(self.site.request(path, data=b"x" * bound)[0], 200)
            status, _, body = self.site.request(path, data=b"x" * (bound + 1))
            self.assertEqual((status, body), (413, "413 Content Too Large: RequestTooLarge\n"))
            self.site.wait_for("the line in the access log", lambda: any(
                line["status"] == 413 and line["reason"] == "RequestTooLarge" for line in self.log_lines(path)))

    def test_an_address_has_its_rate_at_a_route(self):
        asked = [self.site.request("/rare", headers={"X-Forwarded-For": "192.0.2.20"}) for _ in range(4)]
        self.assertEqual([status for status, _, _ in asked], [200, 200, 200, 429])
        self.assertGreater(int(asked[3][1]["Retry-After"]), 60)
        self.assertEqual(self.site.request("/rare", headers={"X-Forwarded-For": "192.0.2.21"})[0], 200)
        self.assertEqual(self.site.request("/plain", headers={"X-Forwarded-For": "192.0.2.20"})[0], 200)

    def test_clients_are_who_the_proxies_say(self):
        status, fields, _ = self.site.request("/told", headers={
            "X-Forwarded-For": "192.0.2.7, 127.0.0.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.test"})
        fields = {name.lower(): value for name, value in fields.items()}
        self.assertEqual(status, 200)
        self.assertEqual(fields["x-forwarded-for"], "192.0.2.7, 127.0.0.9, 127.0.0.1")
        self.assertEqual(fields["x-forwarded-proto"], "https")
        self.assertEqual(fields["x-forwarded-host"], "shop.test")
        self.wait_client("/told", "192.0.2.7")

    def test_a_listener_reads_the_proxy_protocol(self):
        with socket.create_connection(("127.0.0.1", self.proxied), TIMEOUT_S) as connection:
            connection.sendall(b"PROXY TCP4 192.0.2.8 192.0.2.1 5000 80\r\n"
                               b"GET /header HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 6.6.6.6\r\nConnection: close\r\n\r\n")
            answer = connection.makefile("rb").read().decode().lower()
        self.assertIn("200 ok", answer)
        self.assertIn("x-forwarded-for: 192.0.2.8\r\n", answer)
        self.wait_client("/header", "192.0.2.8")
        with socket.create_connection(("127.0.0.1", self.proxied), TIMEOUT_S) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            try:
                self.assertEqual(connection.recv(100), b"")
            except ConnectionResetError:
                pass  # what it sent was not read
        self.site.wait_for("the line of who was cut off", lambda: any(
            line["reason"] == "ProxyHeaderFailed" for line in self.log_lines("")))

    def wait_client(self, path, client):
        self.site.wait_for(f"{client} in the access log", lambda: any(
            line["client"] == client for line in self.log_lines(path)))


if __name__ == "__main__":
    unittest.main()
