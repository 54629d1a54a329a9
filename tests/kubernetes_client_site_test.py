#!/usr/bin/env python3
"""The node through Kubernetes' own Python client, as a second opinion beside kubectl: nodes, pods, watches, logs, exec."""

import json
import pathlib
import subprocess
import unittest

from cluster_fixture import NODE
from control_plane import TIMEOUT_S
from kubelet_site_test import KubeletTest, container_pod
from site_fixture import need_root

PROGRAM = pathlib.Path(__file__).parent / "kubernetes_client.py"


class PythonClient(KubeletTest):
    kind = "whole"

    def setUp(self):
        need_root()
        super().setUp()
        self.site.import_busybox()
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()

    def open_client(self, *words):
        return subprocess.Popen([str(PROGRAM), str(self.plane.admin), *words], stdout=subprocess.PIPE, text=True)

    def ask_client(self, *words):
        with self.open_client(*words) as process:
            return json.loads(process.communicate(timeout=TIMEOUT_S * 2)[0])

    def test_nodes_pods_logs_and_exec(self):
        self.run_pod(container_pod("box", "sleep 1000"))
        self.run_pod(wasm_program("ticks"))
        machine = self.plane.get("node", NODE)["status"]["nodeInfo"]["architecture"]
        self.assertEqual(self.ask_client("show_nodes"), {NODE: [machine, "True"]})
        pods = self.ask_client("show_pods")
        self.assertEqual({name: [one[0], one[1], one[3]] for name, one in pods.items()},
                         {name: [NODE, "Running", True] for name in ("box", "ticks")})
        self.assertEqual(self.ask_client("read_log", "ticks", "3"), ["tick 1", "tick 2", "tick 3"])
        self.assertEqual(self.ask_client("execute", "box", "word\n", "sh", "-c", "read line; echo got $line; echo oh >&2; exit 7"),
                         ["got word\n", "oh\n", 7])

    def test_a_watch_sees_a_pods_life(self):
        with self.open_client("watch_pod", "ticks") as watching:
            self.assertEqual(watching.stdout.readline(), "listening\n")
            self.run_pod(wasm_program("ticks"))
            self.kubectl("delete", "pod", "ticks", "--timeout=60s")
            seen = json.loads(watching.communicate(timeout=TIMEOUT_S * 2)[0])
        self.assertEqual(seen[0], ["ADDED", "Pending"])
        self.assertIn(["MODIFIED", "Running"], seen)
        self.assertEqual(seen[-1][0], "DELETED")


def wasm_program(name):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [{"name": "main", "image": "test.example/ticker:v1"}], "terminationGracePeriodSeconds": 1}}


if __name__ == "__main__":
    unittest.main()
