#!/usr/bin/env python3
"""kubectl top: a real metrics-server asks this node what its pods use."""

import json
import os
import re
import unittest

import metrics_server
from cluster_fixture import NODE
from kubelet_site_test import KubeletTest, container_pod
from site_fixture import need_root


class Top(KubeletTest):
    kind = "whole"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        metrics_server.start(cls.plane)

    def top(self, *words):
        """The rows of kubectl top as {name: [numbers]}, without units and other words; nothing: there is none yet."""
        done = self.try_kubectl("top", *words, "--no-headers")
        rows = [line.split() for line in done.stdout.splitlines()] if done.returncode == 0 else []
        return {name: [int(one.group()) for one in map(re.compile(r"\d+").match, more) if one] for name, *more in rows}

    def wait_for_top(self, *words, names):
        self.plane.daemons["metrics-server"].wait_for(f"kubectl top {words} to have {names}",
                                                      lambda: names <= self.top(*words).keys())
        return self.top(*words)

    def memory_kib(self, pod):
        """What metrics-server says of a pod's only container."""
        said = json.loads(self.plane.kubectl("get", "--raw", f"/apis/metrics.k8s.io/v1beta1/namespaces/default/pods/{pod}"))
        return int(re.fullmatch(r"(\d+)Ki", said["containers"][0]["usage"]["memory"])[1])

    def test_it_shows_nodes_containers_and_programs(self):
        need_root()
        self.site.import_busybox()
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        self.approve_serving_certificate()
        limited = {"resources": {"limits": {"cpu": "200m", "memory": "64Mi"}}}
        self.run_pod(container_pod("box", "while true; do :; done", **limited))
        self.run_pod({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "ticks"},
                      "spec": {"containers": [{"name": "main", "image": "test.example/ticker:v1", "args": ["1"]}],
                               "terminationGracePeriodSeconds": 1}})
        pods = self.wait_for_top("pod", names={"box", "ticks"})
        # Millicores and MiB: the busy one gets what it may, the other one does next to nothing.
        self.assertTrue(100 <= pods["box"][0] <= 300, pods)
        self.assertTrue(pods["ticks"][0] < 100, pods)
        self.assertTrue(pods["box"][1] < 64, pods)
        self.assertTrue(pods["ticks"][1] < 100, pods)
        # kubectl rounds down, and what a pod shares with those before it is not its own: both may have less than one.
        for name, limit_kib in {"box": 64 << 10, "ticks": 100 << 10}.items():
            self.assertTrue(50 < self.memory_kib(name) < limit_kib, (name, self.memory_kib(name)))
        self.assertEqual(self.top("pod", "--containers").keys(), {"box", "ticks"})
        node = self.wait_for_top("node", names={NODE})[NODE]
        cores, memory_mib = len(os.sched_getaffinity(0)), os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
        self.assertTrue(pods["box"][0] / 2 <= node[0] <= cores * 1100, node)
        self.assertTrue(100 < node[2] <= memory_mib, node)


if __name__ == "__main__":
    unittest.main()
