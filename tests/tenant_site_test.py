#!/usr/bin/env python3
"""Whole node: handlers of namespaces with different duet.edge/tenant labels run in processes of their own."""

import json
import os
import pathlib
import signal
import threading
import time
import unittest

from site_fixture import TIMEOUT_S, SiteTest, pod, processes_of, route, service


def namespace(name, tenant=None):
    labels = {"duet.edge/tenant": tenant} if tenant else {}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def web(space, guest, path, **annotations):
    """A handler, its Service and its route, all called web, in a namespace."""
    one = pod("web", f"test.example/{guest}:v1", {"ports": [{"containerPort": 80}]})
    one["metadata"]["annotations"] = {f"duet.edge/{name.replace('_', '-')}": value for name, value in annotations.items()}
    objects = [one, service("web"), route("web", path, "web")]
    for made in objects:
        made["metadata"]["namespace"] = space
    return objects


class Traffic:
    """Asks for a path again and again, until it is stopped; gives the answers that were not 200."""

    def __init__(self, site, path):
        self.site, self.path = site, path
        self.over = threading.Event()
        self.count, self.bad = 0, []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.over.is_set():
            status, _, body = self.site.request(self.path)
            self.count += 1
            if status != 200:
                self.bad.append((status, body))

    def stop(self):
        self.over.set()
        self.thread.join()
        return self.bad


def cgroups():
    """Those of tenants."""
    return set(pathlib.Path("/sys/fs/cgroup").glob("**/duet/tenant-*")) if os.geteuid() == 0 else set()


class Tenants(SiteTest):
    def setUp(self):
        before = cgroups()
        self.addCleanup(lambda: self.assertEqual(cgroups() - before, set()))  # when the site is closed
        super().setUp()

    def start(self, guests=("hello_handler",), **gateway):
        for guest in guests:
            self.site.pack(guest, f"test.example/{guest}:v1")
        self.site.start(gateway={"workers": 1, **gateway})

    def names(self):
        folder = self.site.root / "run" / "tenants"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []

    def supervisor(self, tenant=None):
        """The pid of a tenant's gateway, or of the shared one."""
        place = str(self.site.root / "run" / (f"tenants/{tenant}" if tenant else "gateway")) + "/gateway.sock"
        for pid in processes_of(self.site, "duet-gateway"):
            if place in pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                return pid
        return None

    def workers(self, tenant=None):
        pid = self.supervisor(tenant)
        return [int(one) for one in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] if pid else []

    def log(self, path):
        """The access log's lines for a path."""
        lines = (self.site.root / "access.log").read_text().splitlines()
        return [one for one in map(json.loads, lines) if one["path"] == path]

    def test_handlers_of_tenants_run_in_processes_of_their_own(self):
        self.site.write("red.yaml", namespace("red", "red"), *web("red", "sleeper_handler", "/red", first_byte_timeout="2m", timeout="2m"))
        self.site.write("blue.yaml", namespace("blue", "blue"), *web("blue", "hello_handler", "/blue"))
        self.site.write("plain.yaml", *web("default", "hello_handler", "/plain"))
        self.start(("hello_handler", "sleeper_handler"))
        for path in ("/red?ms=1", "/blue", "/plain"):
            self.site.wait_answer(path, 200)
        self.assertEqual(self.names(), ["blue", "red"])
        pids = [self.workers(), self.workers("red"), self.workers("blue")]
        self.assertEqual([len(one) for one in pids], [1, 1, 1])
        self.assertEqual(len(set(sum(pids, []))), 3)

        # One line a request, with what the guest used.
        self.site.request("/blue/once")
        self.site.wait_for("the line", lambda: self.log("/blue/once"))
        self.assertEqual(len(self.log("/blue/once")), 1)
        line = self.log("/blue/once")[0]
        self.assertEqual((line["backend"], line["route"]), ("handler/blue/web/main", "HTTPRoute blue/web"))
        self.assertGreater(line["cpu_us"], 0)
        self.assertGreater(line["memory_bytes"], 0)

        # The worker that is crashed is the one that was answering, and it costs its tenant's requests alone.
        answers = []
        asker = threading.Thread(target=lambda: answers.append(self.site.request("/red/crash?ms=50000")))
        asker.start()
        self.site.wait_for("red to be asked", lambda: 'duet_tenant_requests_in_flight{tenant="red"} 1\n' in self.site.request_api("/metrics")[2])
        self.assertIn('duet_tenant_requests_in_flight{tenant="blue"} 0\n', self.site.request_api("/metrics")[2])
        traffic = [Traffic(self.site, "/blue"), Traffic(self.site, "/plain")]
        os.kill(pids[1][0], signal.SIGABRT)
        asker.join()
        self.assertEqual(answers[0][0], 502)
        self.assertIn("WorkerLost", answers[0][2])
        self.site.wait_answer("/red?ms=1", 200)
        self.assertNotEqual(self.workers("red"), pids[1])
        self.assertEqual([one.stop() for one in traffic], [[], []])
        self.assertEqual([self.workers(), self.workers("blue")], [pids[0], pids[2]])
        self.assertIn('duet_tenant_worker_restarts_total{tenant="red"} 1\n', self.site.request_api("/metrics")[2])
        self.site.wait_for("the line", lambda: self.log("/red/crash"))
        self.assertEqual([(one["status"], one["reason"]) for one in self.log("/red/crash")], [(502, "WorkerLost")])

        # So does its whole gateway, which the agent replaces.
        os.kill(self.supervisor("red"), signal.SIGKILL)
        self.site.wait_for("another gateway", lambda: self.workers("red"))
        self.site.wait_answer("/red?ms=1", 200)
        self.assertEqual([self.workers(), self.workers("blue")], [pids[0], pids[2]])

    def test_a_label_that_changes_moves_handlers_without_a_lost_request(self):
        objects = web("red", "hello_handler", "/red")
        self.site.write("red.yaml", namespace("red"), *objects)
        self.start()
        self.site.wait_answer("/red", 200)
        self.assertEqual(self.names(), [])
        traffic = Traffic(self.site, "/red")
        for tenant in ("one", "two", "one", None):
            self.site.write("red.yaml", namespace("red", tenant), *objects)
            expected = [tenant] if tenant else []
            self.site.wait_for(f"{tenant} alone", lambda: self.names() == expected)
            before = traffic.count
            self.site.wait_for("some requests", lambda: traffic.count > before + 20)
            self.assertEqual(bool(self.workers(tenant)), True)
        self.assertEqual(traffic.stop(), [])
        self.site.wait_for("the gateways that are left to end", lambda: len(processes_of(self.site, "duet-gateway")) == 1)

    def test_new_code_of_a_tenant_is_rolled_out_without_a_lost_request(self):
        self.site.write("red.yaml", namespace("red", "red"))
        self.start(("hello_handler", "echo_handler"))

        def deploy(guest):
            one = web("red", guest, "/red")
            template = {"metadata": {"labels": {"app": "web"}}, "spec": one[0]["spec"]}
            one[0] = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "red"},
                      "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": template}}
            self.site.write("web.yaml", *one)

        deploy("hello_handler")
        self.site.wait_answer("/red", 200)
        is_echo = lambda: any(name.lower().startswith("x-echo") for name in self.site.request("/red")[1])
        self.assertFalse(is_echo())
        traffic = Traffic(self.site, "/red")
        deploy("echo_handler")
        self.site.wait_for("the new code", is_echo)
        deploy("hello_handler")
        self.site.wait_for("the old code", lambda: not is_echo())
        self.assertEqual(traffic.stop(), [])

    def test_an_agent_that_is_killed_leaves_them_and_finds_them_again(self):
        self.site.write("red.yaml", namespace("red", "red"), *web("red", "hello_handler", "/red"))
        self.site.write("blue.yaml", namespace("blue", "blue"), *web("blue", "hello_handler", "/blue"))
        self.start()
        for path in ("/red", "/blue"):
            self.site.wait_answer(path, 200)
        pids = [self.workers(), self.workers("red"), self.workers("blue")]
        traffic = [Traffic(self.site, "/blue")]
        self.site.kill_agent()
        # While no agent is there, a worker is replaced all the same; what waits for it is answered by the next.
        os.kill(pids[1][0], signal.SIGKILL)
        until = time.monotonic() + TIMEOUT_S
        while self.workers("red") in ([], pids[1]):
            self.assertLess(time.monotonic(), until, "the worker is not replaced")
        self.assertEqual(self.site.request("/red")[0], 200)
        traffic.append(Traffic(self.site, "/red"))
        self.start()
        self.site.write("green.yaml", namespace("green", "green"), *web("green", "hello_handler", "/green"))
        self.site.wait_answer("/green", 200)
        self.assertEqual([one.stop() for one in traffic], [[], []])
        self.assertEqual([self.workers(), self.workers("blue")], [pids[0], pids[2]])
        self.assertEqual(self.names(), ["blue", "green", "red"])
        # What has no handler any more goes, also if another agent has started it.
        self.site.kill_agent()
        (self.site.manifests / "green.yaml").unlink()
        self.start()
        self.site.wait_for("green to be left", lambda: self.names() == ["blue", "red"])

    def test_handlers_ask_and_filter_for_those_of_other_tenants(self):
        self.site.write("blue.yaml", namespace("blue", "blue"), *web("blue", "hello_handler", "/blue"))
        self.site.write("red.yaml", namespace("red", "red"),
                        *web("red", "outgoing_handler", "/red", allow_outbound="http://web.blue", cpu_time="1s"))
        guard = pod("guard", "test.example/filter-headers:v1", {"ports": [{"containerPort": 80}]})
        for one in (objects := [guard, service("guard")]):
            one["metadata"]["namespace"] = "blue"
        guarded = route("guarded", "/guarded", "web", filters=[
            {"type": "ExtensionRef", "extensionRef": {"group": "", "kind": "Service", "name": "guard"}}])
        guarded["metadata"]["namespace"] = "blue"
        self.site.write("guard.yaml", *objects, guarded)
        self.start(("hello_handler", "outgoing_handler", "filter-headers"))
        self.site.wait_answer("/blue", 200)
        self.site.wait_answer("/red", 200, headers={"x-url": "http://web.blue/"})
        self.assertEqual(self.site.request("/red", headers={"x-url": "http://web.blue/x"})[2], self.site.request("/blue")[2])
        status, headers, _ = self.site.wait_answer("/guarded", 200)
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.site.wait_for("the line", lambda: any(one.get("outgoing") == 1 for one in self.log("/red")))

    def test_too_many_tenants_are_refused_and_told(self):
        self.site.write("red.yaml", namespace("red", "red"), *web("red", "hello_handler", "/red"))
        self.start(maxTenants=1)
        self.site.wait_answer("/red", 200)
        self.site.write("blue.yaml", namespace("blue", "blue"), *web("blue", "hello_handler", "/blue"))
        self.site.wait_for("the refusal", lambda: "503 Service Unavailable: TooManyTenants" in self.site.request("/blue")[2])
        self.site.wait_for("the event", lambda: "TooManyTenants" in self.site.duet("get", "events", "-A", "-o", "yaml"))
        self.assertEqual(self.site.request("/red")[0], 200)
        (self.site.manifests / "red.yaml").unlink()
        self.site.wait_answer("/blue", 200)


if __name__ == "__main__":
    unittest.main()
