#!/usr/bin/env python3
"""Whole node on a pod network of its machine: handlers are answered at their pods' own addresses too. Real CNI plugins."""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import unittest

from site_fixture import TIMEOUT_S, SiteTest, need_root, pod, processes_of, route, service

PORT = 8080


class PodAddresses(SiteTest):
    def setUp(self):
        need_root()
        super().setUp()
        self.network, self.leases = self.site.machine_network()
        for guest in ("hello_handler", "sleeper_handler"):
            self.site.pack(guest, f"test.example/{guest}:v1")

    def start(self):
        self.site.start(network=self.network, gateway={"workers": 2})

    def handler(self, name, guest="hello_handler", **spec):
        return pod(name, f"test.example/{guest}:v1", {"ports": [{"containerPort": PORT}]}, **spec)

    def address(self, name, namespace="default"):
        self.site.wait_ready(name, namespace)
        return self.site.wait_for("its address", lambda: self.site.pod_status(name, namespace).get("podIP"))

    def connect(self, address):
        return http.client.HTTPConnection(address, PORT, timeout=TIMEOUT_S)

    def ask(self, address, path="/", **fields):
        """(status, body); nothing: nobody listens."""
        connection = self.connect(address)
        try:
            connection.request("GET", path, headers=fields)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return None
        finally:
            connection.close()

    def wait_asked(self, address, path="/", **fields):
        def answers():
            got = self.ask(address, path, **fields)
            return got if got and got[0] == 200 else None
        return self.site.wait_for(f"{address} to answer", answers)[1]

    def booked(self):
        return [one.name for one in self.leases.iterdir() if one.name[0].isdigit()] if self.leases.exists() else []

    def gateways(self):
        return processes_of(self.site, "duet-gateway")

    def lines(self, path):
        log = self.site.root / "access.log"
        return [one for one in map(json.loads, log.read_text().splitlines()) if one["path"] == path] if log.exists() else []

    def end_gateway(self):
        """The supervisor and with it its workers, as a crash does."""
        (supervisor,) = self.gateways()
        os.kill(supervisor, signal.SIGKILL)
        return supervisor

    def test_a_handler_is_answered_at_its_pods_address(self):
        self.site.import_busybox()
        self.site.write("a.yaml", self.handler("hello"),
                        pod("asker", "test.example/busybox:v1", {"command": ["sh", "-c", "while true; do sleep 1; done"]}))
        self.start()
        address = self.address("hello")
        self.assertEqual(address.split(".")[:3], self.site.subnet.split(".")[:3])
        body = self.wait_asked(address)
        # Whatever its Host, and though no route of the front door leads there.
        self.assertEqual(self.wait_asked(address, Host="any.test"), body)
        self.assertEqual(self.site.request("/")[0], 404)
        self.site.wait_ready("asker")
        self.assertEqual(self.site.duet("exec", "asker", "--", "wget", "-q", "-O", "-", f"http://{address}:{PORT}/"), body)
        self.wait_asked(address, "/logged")
        self.site.wait_for("the line", lambda: self.lines("/logged"))
        line = self.lines("/logged")[0]
        self.assertEqual((line["route"], line["backend"]), ("Pod default/hello", "handler/default/hello/main"))
        self.assertGreater(line["cpu_us"], 0)

    def test_it_stays_there_when_the_agent_or_the_gateway_is_replaced(self):
        self.site.write("a.yaml", self.handler("hello"))
        self.start()
        address = self.address("hello")
        self.wait_asked(address)
        kept = self.connect(address)
        kept.request("GET", "/")
        self.assertEqual(kept.getresponse().read().decode(), self.ask(address)[1])

        # The gateway keeps the sockets, so that not even the connection ends.
        self.site.kill_agent()
        self.assertEqual(self.ask(address)[0], 200)
        self.start()
        self.assertEqual(self.address("hello"), address)
        kept.request("GET", "/")
        self.assertEqual(kept.getresponse().status, 200)
        kept.close()
        self.assertEqual(self.booked(), [address])

        before = self.end_gateway()
        self.wait_asked(address)
        self.assertNotIn(before, self.gateways())

    def test_nothing_is_left_of_it(self):
        self.site.write("b.yaml", self.handler("stays"))
        self.site.write("a.yaml", self.handler("goes"))
        self.start()
        stays, goes = self.address("stays"), self.address("goes")
        for address in (stays, goes):
            self.wait_asked(address)
        self.assertEqual(sorted(self.booked()), sorted([stays, goes]))
        uid = self.site.get("pod", "goes")["metadata"]["uid"]
        self.assertIn(uid, pathlib.Path("/proc/mounts").read_text())
        (self.site.manifests / "a.yaml").unlink()
        self.site.wait_for("the pod to go", lambda: self.site.get("pod", "goes") is None)
        self.assertEqual(self.booked(), [stays])
        self.assertNotIn(uid, pathlib.Path("/proc/mounts").read_text())
        self.assertFalse((self.site.root / "run/pods" / uid).exists())
        self.assertEqual(self.ask(stays)[0], 200)
        ports = subprocess.run(["ip", "-o", "link", "show", "master", self.site.name], capture_output=True, text=True, check=True).stdout
        self.assertEqual(len(ports.splitlines()), 1, ports)

    def test_what_was_asked_is_answered_before_it_goes(self):
        self.site.write("a.yaml", self.handler("slow", "sleeper_handler", terminationGracePeriodSeconds=60))
        self.start()
        address = self.address("slow")
        self.wait_asked(address, "/?ms=1")
        answers = []
        asker = threading.Thread(target=lambda: answers.append(self.ask(address, "/late?ms=3000")))
        asker.start()
        self.site.wait_for("it to be asked", lambda: "duet_gateway_requests_in_flight 1\n" in self.site.request_api("/metrics")[2])
        (self.site.manifests / "a.yaml").unlink()
        asker.join()
        self.assertEqual(answers[0][0], 200)
        self.site.wait_for("the pod to go", lambda: self.site.get("pod", "slow") is None)
        self.assertEqual(self.booked(), [])

    def test_an_address_is_given_back_though_only_its_record_is_left(self):
        self.site.write("a.yaml", self.handler("hello"))
        self.start()
        address = self.address("hello")
        uid = self.site.get("pod", "hello")["metadata"]["uid"]
        # As after a reboot with another disk: neither the object nor anything that ran.
        self.site.kill_agent()
        (self.site.manifests / "a.yaml").unlink()
        self.end_gateway()
        subprocess.run(["umount", str(self.site.root / "run/pods" / uid / "netns")], check=True)
        shutil.rmtree(self.site.root / "run")
        shutil.rmtree(self.site.root / "state/pods", ignore_errors=True)
        for path in (self.site.root / "state").glob("objects.db*"):
            path.unlink()
        self.assertEqual(self.booked(), [address])
        self.start()
        self.site.wait_for("the address to be free", lambda: not self.booked())

    def test_handlers_of_tenants_have_addresses_too(self):
        space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "red", "labels": {"duet.edge/tenant": "red"}}}
        one = self.handler("hello")
        one["metadata"]["namespace"] = "red"
        self.site.write("a.yaml", space, one)
        self.start()
        address = self.address("hello", "red")
        self.wait_asked(address, "/red")
        self.site.wait_for("the line", lambda: self.lines("/red"))
        self.assertEqual(self.lines("/red")[0]["route"], "Pod red/hello")
        self.assertEqual(len(self.gateways()), 2)


class OwnBridge(SiteTest):
    def test_on_duets_own_bridge_handlers_have_no_address(self):
        need_root()
        self.site.pack("hello_handler", "test.example/hello_handler:v1")
        self.site.write("a.yaml", pod("hello", "test.example/hello_handler:v1", {"ports": [{"containerPort": PORT}]}),
                        service("hello", 80, PORT), route("hello", "/", "hello"))
        self.site.start()
        self.site.wait_answer("/", 200)
        self.assertNotIn("podIP", self.site.pod_status("hello"))


if __name__ == "__main__":
    unittest.main()
