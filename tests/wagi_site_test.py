#!/usr/bin/env python3
"""Whole node: programs that speak CGI as handlers, what is said of wrong uses, and `duet serve --wagi`."""

import http.client
import json
import shutil
import subprocess
import unittest

from site_fixture import DUET, GUESTS, SOURCE, SiteTest, pod, route, service

PORT = {"ports": [{"containerPort": 80}]}


def wagi_pod(name, image, container=None, annotations=None, **spec):
    made = pod(name, image, container, **spec)
    made["metadata"]["annotations"] = {"duet.edge/handler": "wagi", **(annotations or {})}
    return made


class Wagi(SiteTest):
    def test_the_example(self):
        self.site.pack("guestbook", "wagi.example/guestbook:v1")
        shutil.copy(SOURCE / "examples/wagi/site/guestbook.yaml", self.site.manifests / "guestbook.yaml")
        self.site.start()
        _, headers, body = self.site.wait_answer("/guests", 200)
        self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")
        self.assertIn("<form method=post>", body)
        status, _, body = self.site.request("/guests", data=b"name=Ada+%3Cb%3E&more=1")
        self.assertEqual((status, body), (200, "<p>Welcome, Ada &#60;b&#62;!\n"))
        self.assertEqual(self.site.request("/guests", data=b"x" * 2000)[0], 413)
        self.assertEqual(self.site.request("/guests", data=b"none=1")[0], 422)
        self.assertEqual(self.site.request("/guests", method="DELETE")[0], 405)

    def test_one_image_as_program_and_handler(self):
        self.site.pack("cgi_echo", "test.example/echo:v1")
        self.site.pack("rust_wagi", "test.example/rust:v1")
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"GREETING": "hi"}}
        echo = wagi_pod("echo", "test.example/echo:v1", {**PORT, "envFrom": [{"configMapRef": {"name": "settings"}}],
                                                         "args": ["word"]})
        program = pod("program", "test.example/echo:v1", PORT, restartPolicy="Never")
        alone = wagi_pod("rust", "test.example/rust:v1")  # the only container needs no port
        self.site.write("site.yaml", config, echo, program, alone, service("echo"), service("rust"),
                        route("echo", "/shop", "echo"), route("rust", "/rust", "rust"))
        self.site.start()
        _, headers, body = self.site.wait_answer("/shop/a%20b?x=1", 200, headers={"X-One": "1", "Proxy": "http://evil.test"})
        lines = body.splitlines()
        for line in ("GREETING=hi", "SCRIPT_NAME=/shop", "PATH_INFO=/a b", "QUERY_STRING=x=1", "HTTP_X_ONE=1",
                     f"SERVER_PORT={self.site.port}", "X_MATCHED_ROUTE=/shop/..."):
            self.assertIn(line, lines)
        self.assertEqual(headers["X-Arguments"], "2 word")
        self.assertNotIn("HTTP_PROXY", body)
        self.site.wait_for("the program to end", lambda: self.site.pod_status("program").get("phase") == "Succeeded")
        self.assertIn("Content-Type: text/plain", self.site.duet("logs", "program"))
        self.assertEqual(self.site.wait_answer("/rust", 201, method="PUT", data=b"12345")[2], "PUT with 5 bytes\n")
        # Another agent finds handlers and programs again.
        self.site.kill_agent()
        self.assertEqual(self.site.request("/shop")[0], 200)
        self.site.start()
        self.site.wait_ready("echo")
        self.assertEqual(self.site.request("/shop")[0], 200)

    def test_wrong_uses_are_said(self):
        for guest in ("rust_command", "cgi_echo", "hello_handler"):
            self.site.pack(guest, f"test.example/{guest}:v1")
        self.site.import_busybox()
        container = wagi_pod("container", "test.example/busybox:v1", {"command": ["sleep", "1000"], **PORT})
        component = wagi_pod("component", "test.example/rust_command:v1", PORT)
        guard = wagi_pod("guard", "test.example/cgi_echo:v1", PORT, {"duet.edge/allow-outbound": "http://api"})
        hello = wagi_pod("hello", "test.example/hello_handler:v1", PORT)
        guarded = route("guarded", "/guarded", "hello", filters=[
            {"type": "ExtensionRef", "extensionRef": {"group": "", "kind": "Service", "name": "guard"}}])
        self.site.write("site.yaml", container, component, guard, hello, service("guard"), service("hello"), guarded,
                        route("hello", "/hello", "hello"), route("guard", "/guard", "guard"))
        self.site.start()
        message = self.site.wait_reason("component", "CreateContainerError")
        self.assertIn("duet.edge/handler is for core modules", message)
        self.assertIn("wasm32-wasip1", message)
        self.site.wait_ready("container")
        self.site.wait_for("the event", lambda: self._event("container", "NoHandler"))
        self.site.wait_answer("/hello", 200)  # a component that is a handler needs no annotation
        self.site.wait_answer("/guard", 200)
        self.site.wait_for("the event", lambda: "allow-outbound" in self._event("guard", "InvalidAnnotation"))
        self.assertEqual(self.site.request("/guarded")[0], 500)
        self.site.wait_for("the route's status", lambda: "cannot pass requests on" in json.dumps(
            self.site.get("httproute", "guarded").get("status", {})))

        wrong = wagi_pod("wrong", "test.example/cgi_echo:v1", annotations={"duet.edge/handler": "cgi"})
        two = wagi_pod("two", "test.example/cgi_echo:v1")
        two["spec"]["containers"].append({"name": "other", "image": "test.example/busybox:v1"})
        for made, said in ((wrong, "must be \"wagi\""), (two, "none of the pod's containers declares a port")):
            refused = self.site.try_duet("apply", "-f", "-", input=json.dumps(made))
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn(said, refused.stderr)

    def _event(self, name, reason):
        events = json.loads(self.site.duet("get", "events", "-o", "json"))["items"]
        return " ".join(one["message"] for one in events
                        if one["involvedObject"]["name"] == name and one["reason"] == reason)


class Serve(SiteTest):
    def test_serve(self):
        command = [DUET, "serve"] + self.site.flags + ["--addr", "127.0.0.1:0", "--env", "GREETING=Hello", "--wagi",
                                                       str(GUESTS / "guestbook.wasm")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                line = process.stderr.readline()
                self.assertIn("Serving guestbook.wasm on http://", line)
                address = line.split("http://")[1].split("/")[0]
                connection = http.client.HTTPConnection(address, timeout=30)
                connection.request("POST", "/", body="name=Ada")
                answer = connection.getresponse()
                self.assertEqual((answer.status, answer.read()), (200, b"<p>Hello, Ada!\n"))
                connection.close()
            finally:
                process.terminate()
                process.communicate(timeout=30)
        program = self.site.try_duet("serve", str(GUESTS / "guestbook.wasm"))
        self.assertIn("duet serve --wagi", program.stderr)
        component = self.site.try_duet("serve", "--wagi", str(GUESTS / "hello_handler.wasm"))
        self.assertIn("WAGI is for core modules", component.stderr)
        # What was compiled for serving still runs as a program.
        run = self.site.try_duet("run", "--env", "REQUEST_METHOD=GET", str(GUESTS / "guestbook.wasm"))
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertIn("<form", run.stdout)


if __name__ == "__main__":
    unittest.main()
