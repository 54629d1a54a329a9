#!/usr/bin/env python3
"""Whole node: every match and filter of an HTTPRoute and every feature of an Ingress, by requests to the front door."""

import unittest

from site_fixture import Site, pod, route, service

HOST = "a.test"


def http_route(name, *rules, hostnames=(HOST,)):
    made = route(name, "/", "echo")
    made["spec"].update(hostnames=list(hostnames), rules=list(rules))
    return made


def rule(path, *filters, type="PathPrefix", backends=None, **match):
    made = {"matches": [{"path": {"type": type, "value": path}, **match}]}
    if filters:
        made["filters"] = list(filters)
    if not any(one["type"] == "RequestRedirect" for one in filters):
        made["backendRefs"] = backends or [{"name": "echo", "port": 80}]
    return made


def rewrite(**fields):
    return {"type": "URLRewrite", "urlRewrite": fields}


def redirect(**fields):
    return {"type": "RequestRedirect", "requestRedirect": fields}


ROUTE = http_route(
    "all",
    rule("/exact", type="Exact"),
    rule("/prefix"),
    rule("/number/[0-9]+", type="RegularExpression"),
    rule("/header", headers=[{"name": "X-V", "value": "1"}, {"name": "x-r", "type": "RegularExpression", "value": "a.*"}]),
    rule("/query", queryParams=[{"name": "v", "value": "1"}]),
    rule("/method", method="POST"),
    rule("/modify",
         {"type": "RequestHeaderModifier",
          "requestHeaderModifier": {"set": [{"name": "x-set", "value": "new"}], "add": [{"name": "x-add", "value": "second"}],
                                    "remove": ["x-remove"]}},
         {"type": "ResponseHeaderModifier",
          "responseHeaderModifier": {"add": [{"name": "x-answer", "value": "yes"}], "remove": ["x-echo-method"]}}),
    rule("/rewrite", rewrite(hostname="new.test", path={"type": "ReplacePrefixMatch", "replacePrefixMatch": "/new"})),
    rule("/full", rewrite(path={"type": "ReplaceFullPath", "replaceFullPath": "/whole"})),
    rule("/redirect", redirect(scheme="https", hostname="other.test", port=8443, statusCode=301,
                               path={"type": "ReplacePrefixMatch", "replacePrefixMatch": "/to"})),
    rule("/backend", backends=[{"name": "echo", "port": 80, "filters": [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": {"add": [{"name": "x-backend", "value": "b"}]}}]}]),
    rule("/weights", backends=[{"name": "echo", "port": 80, "weight": 1}, {"name": "nothing", "port": 80, "weight": 1},
                               {"name": "echo", "port": 80, "weight": 0}]),
    hostnames=(HOST, "*.wild.test"))

INGRESS = {
    "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "ingress"},
    "spec": {
        "rules": [
            {"host": "i.test", "http": {"paths": [
                {"path": "/prefix", "pathType": "Prefix", "backend": {"service": {"name": "echo", "port": {"name": "web"}}}},
                {"path": "/exact", "pathType": "Exact", "backend": {"service": {"name": "echo", "port": {"number": 80}}}},
                {"path": "/none", "pathType": "Prefix", "backend": {"service": {"name": "nothing", "port": {"number": 80}}}}]}},
            {"host": "*.one.test", "http": {"paths": [
                {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "echo", "port": {"number": 80}}}}]}}],
        "defaultBackend": {"service": {"name": "hello", "port": {"number": 80}}}}}


class Routes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site()
        cls.addClassCleanup(cls.site.close)
        for name in ("echo", "hello"):
            cls.site.pack(f"{name}_handler", f"test.example/{name}:v1")
        echo = service("echo")
        echo["spec"]["ports"][0]["name"] = "web"
        port = {"ports": [{"containerPort": 80}]}
        cls.site.write("site.yaml", pod("echo", "test.example/echo:v1", port), pod("hello", "test.example/hello:v1", port),
                       echo, service("hello"), ROUTE, INGRESS)
        cls.site.start()
        cls.site.wait_answer("/", 200)
        cls.site.wait_answer("/prefix", 200, headers={"Host": HOST})

    def ask(self, path, host=HOST, headers=None, **more):
        """The status, and the fields of the answer, where the echo tells what it was asked."""
        status, fields, body = self.site.request(path, headers={"Host": host, **(headers or {})}, **more)
        return status, {name.lower(): value for name, value in fields.items()}, body

    def assert_echo(self, path, **more):
        status, fields, _ = self.ask(path, **more)
        self.assertEqual((status, "x-echo-path" in fields), (200, True), path)
        return fields

    def assert_elsewhere(self, path, **more):
        """Not the route's, so the Ingress' default backend answers."""
        status, fields, body = self.ask(path, **more)
        self.assertEqual((status, "x-echo-path" in fields), (200, False), path)
        self.assertIn("hello", body)

    def test_paths(self):
        for path in ("/exact", "/exact?a=b", "/prefix", "/prefix/", "/prefix/a/b", "/number/12"):
            self.assert_echo(path)
        for path in ("/exact/", "/exact/a", "/prefixes", "/number/12x", "/number/", "/"):
            self.assert_elsewhere(path)

    def test_hosts(self):
        self.assert_echo("/exact", host="A.TEST:80")
        self.assert_echo("/exact", host="b.wild.test")
        self.assert_echo("/exact", host="c.b.wild.test")
        self.assert_elsewhere("/exact", host="wild.test")
        self.assert_elsewhere("/exact", host="b.test")

    def test_headers_queries_and_methods(self):
        self.assert_echo("/header", headers={"x-v": "1", "X-R": "abc"})
        self.assert_elsewhere("/header", headers={"x-v": "1", "X-R": "bc"})
        self.assert_elsewhere("/header", headers={"x-v": "1"})
        self.assert_echo("/query?w=2&v=1")
        self.assert_elsewhere("/query?v=12")
        self.assert_echo("/method", data=b"x")
        self.assert_elsewhere("/method")

    def test_header_filters(self):
        fields = self.assert_echo("/modify", headers={"x-set": "old", "x-remove": "1"})
        self.assertEqual(fields["x-set"], "new")
        self.assertEqual(fields["x-add"], "second")
        self.assertEqual(fields["x-answer"], "yes")
        self.assertNotIn("x-remove", fields)
        self.assertNotIn("x-echo-method", fields)
        self.assertEqual(self.assert_echo("/backend")["x-backend"], "b")

    def test_rewrites_and_redirects(self):
        fields = self.assert_echo("/rewrite/a?b=c")
        self.assertEqual((fields["x-echo-path"], fields["x-echo-authority"]), ("/new/a?b=c", "new.test"))
        self.assertEqual(self.assert_echo("/full/a?b=c")["x-echo-path"], "/whole?b=c")
        status, fields, _ = self.ask("/redirect/a?b=c")
        self.assertEqual((status, fields["location"]), (301, "https://other.test:8443/to/a?b=c"))

    def test_a_missing_backend_fails_its_share_of_the_requests(self):
        statuses = [self.ask("/weights")[0] for _ in range(200)]
        self.assertEqual(set(statuses), {200, 500})
        # Of 200 fair throws fewer than 40 of a side come once in 10^17 runs.
        self.assertGreater(min(statuses.count(200), statuses.count(500)), 40)

    def test_ingress(self):
        for path, host in (("/prefix/a", "i.test"), ("/exact", "i.test"), ("/", "x.one.test")):
            self.assert_echo(path, host=host)
        for path, host in (("/prefixes", "i.test"), ("/exact/", "i.test"), ("/", "y.x.one.test"), ("/", "one.test")):
            self.assert_elsewhere(path, host=host)
        status, _, body = self.ask("/none", host="i.test")
        self.assertEqual(status, 503)
        self.assertIn("ServiceNotFound", body)


if __name__ == "__main__":
    unittest.main()
