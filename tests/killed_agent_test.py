#!/usr/bin/env python3
"""Whole node: the agent is killed again and again, at any moment, while pods come and go. What should run runs on untouched,
and in the end nothing is left of what has gone."""

import os
import pathlib
import random
import time
import unittest

from site_fixture import SiteTest, need_root, pod

IMAGE = "test.example/busybox:v1"
ROUNDS = int(os.environ.get("DUET_KILL_ROUNDS", "12"))


class KilledAgent(SiteTest):
    def setUp(self):
        need_root()
        super().setUp()
        self.uids = set()

    def box(self, name):
        volumes = [{"name": "disk", "emptyDir": {}}, {"name": "memory", "emptyDir": {"medium": "Memory"}},
                   {"name": "secret", "secret": {"secretName": "s"}}]
        mounts = [{"name": "disk", "mountPath": "/disk", "subPath": "part"}, {"name": "memory", "mountPath": "/memory"},
                  {"name": "secret", "mountPath": "/secret"}]
        script = "trap 'exit 0' TERM; while true; do sleep 0.2; done"
        return pod(name, IMAGE, {"command": ["sh", "-c", script], "volumeMounts": mounts}, volumes=volumes)

    def program(self, name):
        return pod(name, "test.example/ticker:v1")

    def first_start(self, name):
        found = self.site.get("pod", name)
        return found["metadata"]["uid"], found["status"]["podIP"] if name == "box" else None, found["status"]["containerStatuses"]

    def note_uids(self):
        """Every pod that is or was leaves its uid in the names of folders."""
        for folder in (self.site.root / "state/pods", self.site.root / "run/pods"):
            self.uids.update(path.name for path in folder.glob("*"))

    def left(self):
        """Everything that still has a uid of ours in its name, or is this site's own."""
        names = [line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
        names += [str(path) for path in pathlib.Path("/sys/fs/cgroup").glob("*/duet/pod*")]
        for folder in ("state/pods", "run/pods", "state/cni/results", "logs", "run/oci-probe"):
            names += [str(path) for path in (self.site.root / folder).glob("*")]
        names += [str(path) for path in (self.site.root / "run/oci").glob("*/*")]
        addresses = [str(path) for path in (self.site.root / "state/cni/addresses").glob("*/10.*")]
        return [name for name in names if any(uid in name for uid in self.uids) or "duet-trial" in name] + addresses

    def test_nothing_is_disturbed_and_nothing_is_left(self):
        seed = int(os.environ.get("DUET_SEED", time.time_ns() % 1_000_000))
        print(f"seed {seed}", flush=True)
        dice = random.Random(seed)
        self.site.import_busybox()
        self.site.pack("ticker", "test.example/ticker:v1")
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}
        self.site.write("keep.yaml", secret, self.box("box"), self.program("program"))
        self.site.start()
        for name in ("box", "program"):
            self.site.wait_ready(name)
        before = [self.first_start(name) for name in ("box", "program")]
        there = []
        for index in range(ROUNDS):
            if there and dice.random() < 0.5:
                (self.site.manifests / f"{there.pop(dice.randrange(len(there)))}.yaml").unlink()
            else:
                there.append(f"p{index}")
                self.site.write(f"p{index}.yaml", (self.box if dice.random() < 0.7 else self.program)(f"p{index}"))
            # The moment of the kill is what is tried out, not a wait for something.
            time.sleep(dice.random() * 0.8)
            self.note_uids()
            self.site.kill_agent()
            self.site.start()
        for name in there:
            self.site.wait_ready(name)
        self.note_uids()
        self.assertEqual([self.first_start(name) for name in ("box", "program")], before)
        for path in self.site.manifests.iterdir():
            path.unlink()
        self.site.wait_for("everything to be gone", lambda: not self.left())


if __name__ == "__main__":
    unittest.main()
