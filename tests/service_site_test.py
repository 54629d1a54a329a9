#!/usr/bin/env python3
"""Whole node: components of WASI 0.3 as handlers, and the configuration that refuses them."""

import json
import unittest

from site_fixture import SiteTest, pod, route, service

PORT = {"ports": [{"containerPort": 80}]}


class AsyncHandlers(SiteTest):
    def _site(self):
        self.site.pack("rust_service", "test.example/service:v1")
        self.site.pack("hello_handler", "test.example/hello:v1")
        asynchronous = pod("asynchronous", "test.example/service:v1", {**PORT, "env": [{"name": "GREETING", "value": "hi"}]},
                           nodeSelector={"kubernetes.io/arch": "wasm32-wasi"})
        self.site.write("site.yaml", asynchronous, pod("hello", "test.example/hello:v1", PORT),
                        service("asynchronous"), service("hello"), route("hello", "/hello0.2", "hello"),
                        route("asynchronous", "/", "asynchronous"))

    def _event(self, name, reason):
        events = json.loads(self.site.duet("get", "events", "-o", "json"))["items"]
        return " ".join(one["message"] for one in events
                        if one["involvedObject"]["name"] == name and one["reason"] == reason)

    def _line(self, path):
        lines = (self.site.root / "access.log").read_text().splitlines()
        return next((line for line in map(json.loads, lines) if line["path"] == path), None)

    def test_a_pod_of_wasi_03_answers(self):
        self._site()
        self.site.start()
        self.assertEqual(self.site.wait_answer("/hello", 200)[2], "hello from duet\n")
        self.assertEqual(self.site.request("/env")[2], "hi")
        self.assertEqual(self.site.request("/echo", data=b"x" * 300_000)[2], "x" * 300_000)
        self.assertEqual([self.site.request("/count")[2] for _ in range(3)], ["1\n"] * 3)
        self.assertEqual(self.site.request("/trap")[0], 502)
        self.site.wait_answer("/hello0.2", 200)
        self.assertIn("experimental", self._event("asynchronous", "AsyncHandler"))
        self.assertEqual(self._event("hello", "AsyncHandler"), "")
        for path, reason in (("/echo", None), ("/trap", "Trap")):
            line = self.site.wait_for(f"{path} in the access log", lambda path=path: self._line(path))
            self.assertGreater(line["cpu_us"], 0)
            self.assertGreater(line["memory_bytes"], 0)
            self.assertEqual(line.get("reason"), reason)
        # Another agent finds the code again.
        self.site.kill_agent()
        self.assertEqual(self.site.request("/hello")[0], 200)
        self.site.start()
        self.site.wait_ready("asynchronous")
        self.assertEqual(self.site.request("/hello")[0], 200)

    def test_a_route_can_use_sandboxes_again(self):
        self._site()
        again = route("again", "/", "asynchronous")
        again["metadata"]["annotations"] = {"duet.edge/instance-reuse": "1000", "duet.edge/instance-concurrency": "4"}
        again["spec"]["hostnames"] = ["again.test"]
        vain = route("vain", "/vain", "hello")
        vain["metadata"]["annotations"] = {"duet.edge/instance-reuse": "10"}
        self.site.write("again.yaml", again, vain)
        self.site.start(gateway={"workers": 1})
        self.site.wait_answer("/hello", 200, headers={"Host": "again.test"})
        counts = [int(self.site.request("/count", headers={"Host": "again.test"})[2]) for _ in range(3)]
        self.assertEqual(counts, [1, 2, 3])
        self.assertEqual([self.site.request("/count")[2] for _ in range(3)], ["1\n"] * 3)  # another route
        self.assertEqual(self.site.request("/trap", headers={"Host": "again.test"})[0], 502)
        self.assertEqual(self.site.request("/count", headers={"Host": "again.test"})[2], "1\n")
        self.site.wait_for("the event", lambda: "without effect" in self._event("vain", "InvalidAnnotation"))

    def test_an_operator_can_refuse_them(self):
        self._site()
        self.site.start(gateway={"asyncHandlers": False})
        message = self.site.wait_reason("asynchronous", "CreateContainerError")
        self.assertIn("gateway.asyncHandlers", message)
        self.site.wait_answer("/hello0.2", 200)


if __name__ == "__main__":
    unittest.main()
