#!/usr/bin/env python3
"""Whole node: handlers as filters, budgets from annotations, metrics."""

import base64
import hashlib
import hmac
import json
import shutil
import unittest

from site_fixture import SOURCE, SiteTest, pod, route, service


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(key, **claims):
    """A JSON Web Token, signed with HMAC-SHA-256."""
    signed = f'{encode(json.dumps({"alg": "HS256"}).encode())}.{encode(json.dumps(claims).encode())}'
    return f"{signed}.{encode(hmac.new(key.encode(), signed.encode(), hashlib.sha256).digest())}"


def filter_of(name):
    return {"type": "ExtensionRef", "extensionRef": {"group": "", "kind": "Service", "name": name}}


class Filters(SiteTest):
    def test_the_example(self):
        for name in ("jwt", "headers"):
            self.site.pack(f"filter-{name}", f"filters.example/{name}:v1")
        self.site.pack("echo_handler", "filters.example/echo:v1")
        shutil.copy(SOURCE / "examples/filters/site/filters.yaml", self.site.manifests / "filters.yaml")
        self.site.start()
        self.site.wait_answer("/", 401)
        good = {"Authorization": f"Bearer {token('a key for tests', sub='ada')}", "Cookie": "secret=1"}
        status, headers, _ = self.site.wait_answer("/", 200, headers=good)
        self.assertEqual(headers["x-subject"], "ada")
        self.assertEqual(headers["x-site"], "north")
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertNotIn("cookie", {name.lower() for name in headers})
        bad = {"Authorization": f"Bearer {token('another key', sub='ada')}"}
        self.assertEqual(self.site.request("/", headers=bad)[0], 401)

    def test_a_filter_that_is_missing_is_said_and_the_rest_goes_on(self):
        self.site.pack("hello_handler", "test.example/hello:v1")
        self.site.pack("filter-headers", "test.example/headers:v1")
        web = pod("web", "test.example/hello:v1", {"ports": [{"containerPort": 80}]})
        self.site.write("web.yaml", web, service("web"), route("plain", "/plain", "web"),
                        route("guarded", "/guarded", "web", filters=[filter_of("guard")]))
        self.site.start()
        self.site.wait_answer("/plain", 200)
        self.assertEqual(self.site.request("/guarded")[0], 500)
        condition = lambda name: {one["type"]: one for one in self._conditions(name)}.get("ResolvedRefs", {})
        self.site.wait_for("the status", lambda: condition("guarded").get("status") == "False")
        self.assertEqual(condition("guarded")["reason"], "FilterNotFound")
        self.assertIn("default/guard does not exist", condition("guarded")["message"])
        self.assertEqual(condition("plain")["status"], "True")
        guard = pod("guard", "test.example/headers:v1", {"ports": [{"containerPort": 80}]})
        self.site.write("guard.yaml", guard, service("guard"))
        self.site.wait_answer("/guarded", 200)
        self.site.wait_for("the status", lambda: condition("guarded").get("status") == "True")

    def _conditions(self, name):
        found = self.site.get("httproute", name)
        parents = (found or {}).get("status", {}).get("parents", [])
        return parents[0]["conditions"] if parents else []


class Budgets(SiteTest):
    def test_annotations_set_them_and_wrong_ones_have_a_line(self):
        self.site.pack("grow_table_handler", "test.example/table:v1")

        def greedy(**annotations):
            one = pod("web", "test.example/table:v1", {"ports": [{"containerPort": 80}]})
            one["metadata"]["annotations"] = {f"duet.edge/{name.replace('_', '-')}": value for name, value in annotations.items()}
            return one

        self.site.write("web.yaml", greedy(max_table_elements="5000", timeout="1s"), service("web"), route("web", "/", "web"))
        self.site.start()
        _, _, body = self.site.wait_answer("/", 200)
        self.assertLessEqual(int(body), 5000)
        self.site.write("web.yaml", greedy(cpu_time="fast", max_handels="3"), service("web"), route("web", "/", "web"))
        self.site.wait_for("the problem", lambda: 'metadata.annotations["duet.edge/cpu-time"]' in self.site.tail())
        self.assertIn('did you mean "duet.edge/max-handles"', self.site.tail())
        self.assertEqual(self.site.request("/")[0], 200)


class Metrics(SiteTest):
    def test_the_local_api_tells_what_the_gateway_counted(self):
        self.site.pack("hostile_handler", "test.example/hostile:v1")
        self.site.write("web.yaml", pod("web", "test.example/hostile:v1", {"ports": [{"containerPort": 80}]}), service("web"),
                        route("web", "/", "web"))
        self.site.start()
        self.site.wait_answer("/trap", 502)
        status, headers, text = self.site.request_api("/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        self.assertIn('duet_gateway_up 1\n', text)
        labels = 'route="HTTPRoute default/web",backend="handler/default/web/main"'
        self.assertIn(f'duet_requests_total{{{labels},code="502",reason="Trap"}} 1\n', text)
        self.assertIn(f'duet_handler_cpu_seconds_count{{{labels}}} 1\n', text)


if __name__ == "__main__":
    unittest.main()
