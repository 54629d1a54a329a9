#!/usr/bin/env python3
"""A node of a real cluster: how fast pods run and go, what the node costs, what it asks of the API server; and the same of the real kubelet.

    bench/cluster_node.py BUILD_DIR [KIND [PODS]]

KIND is `kubelet` (with containerd), `whole` (duet with the same container pods) or `wasm` (duet with program pods); without one, all after
each other, and a table of ratios. Needs root, and for the kubelet a build of it, which it tells how to make. PODS (110) pods of a Deployment, on loopback beside an unmodified control plane of the same machine: 30 first, the rest, all
gone; then one warm pod after the other, from bound to Running, 20 times. How long each took is told with how long it took the
control plane until it had bound, or marked for deletion, the last of them: no node could be faster than that. Memory is the PSS of the
agent, and of all that the site runs, with and without the pods' own programs; requests are what the API server's audit log has of
the node in a quiet minute, which begins when its Events are told. Prints tables for bench/RESULTS.md. Ends by itself, at the latest after
LIMIT_S a kind.
"""

import collections
import datetime
import json
import os
import pathlib
import signal
import statistics
import sys
import threading
import time

from duet_node import DuetNode
from kubelet_peer import KubeletNode
from pod_watch import PodWatch
from process_use import cpu_s, pss_kb

from control_plane import ControlPlane

KINDS = {"kubelet": KubeletNode, "whole": lambda plane, node: DuetNode(plane, node, "whole"),
         "wasm": lambda plane, node: DuetNode(plane, node, "wasm")}
CHOSEN = [sys.argv[2]] if len(sys.argv) > 2 else list(KINDS)
PODS = int(sys.argv[3]) if len(sys.argv) > 3 else 110
FIRST = min(30, PODS)
SINGLE_ROUNDS = 20
SETTLED_S = 15  # without an Event
QUIET_S = 60
LIMIT_S = 1200
NODE = "edge"
USER = f"system:node:{NODE}"
IMAGE = "bench.example/program:v1"
WASM_SPEC = {"containers": [{"name": "main", "image": IMAGE, "args": ["60000"]}], "terminationGracePeriodSeconds": 2,
             "nodeSelector": {"kubernetes.io/arch": "wasm32-wasi"},
             "tolerations": [{"key": "kubernetes.io/arch", "operator": "Equal", "value": "wasm32-wasi", "effect": "NoSchedule"}]}
# A shell that ends when it is asked to, as the first process of a container does only if it says so.
CONTAINER_SPEC = {"containers": [{"name": "main", "image": IMAGE, "command": ["sh", "-c", "trap 'exit 0' TERM; sleep 1000000 & wait"]}],
                  "terminationGracePeriodSeconds": 2}
SPECS = {"kubelet": CONTAINER_SPEC, "whole": CONTAINER_SPEC, "wasm": WASM_SPEC}
TITLES = {"kubelet": "container pods, kubelet with containerd", "whole": "container pods, duet", "wasm": "Wasm program pods, duet"}


def deployment(kind, replicas):
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "many"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "many"}},
                     "template": {"metadata": {"labels": {"app": "many"}}, "spec": SPECS[kind]}}}


def many(times):
    """Those of the Deployment."""
    return {name: one for name, one in times.items() if name.startswith("many-")}


def spread(values, unit=1):
    """Median, and the longest."""
    return f"{statistics.median(values) * unit:.0f} (at most {max(values) * unit:.0f})" if values else "none"


class Phase:
    """One change of the number of pods: how long it took, and what of that."""

    def __init__(self, plane, pods, kind, replicas):
        before = set(many(pods.times))
        started = time.monotonic()
        since = datetime.datetime.now(datetime.timezone.utc)
        plane.apply(deployment(kind, replicas))
        if replicas:
            pods.wait(lambda times: sum("ready" in one and "marked" not in one for one in many(times).values()) == replicas)
            mine, begin, end = [one for name, one in many(pods.times).items() if name not in before], "bound", "ready"
        else:
            pods.wait(lambda times: all("gone" in one for one in many(times).values()))
            mine, begin, end = list(many(pods.times).values()), "marked", "gone"
        self.whole_s = max(one[end] for one in mine) - started
        self.plane_s = max(one[begin] for one in mine) - started
        self.node_s = [one[end] - one[begin] for one in mine]
        self.asked = requests(plane, since)

    def row(self, name):
        """Of bench/RESULTS.md."""
        return (f"| {name} | {self.whole_s:.1f} s | {self.plane_s:.1f} s | {self.whole_s - self.plane_s:.1f} s | "
                f"{spread(self.node_s, 1000)} ms | {told(self.asked)} |")


def told(asked):
    return ", ".join(f"{count} {what}" for what, count in sorted(asked.items()))


def audit(plane, since):
    """What the node asked of the API server since then: verb and resource of each request."""
    for line in plane.audit_log.read_text().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the last line, half written
        at = datetime.datetime.fromisoformat(event["requestReceivedTimestamp"].replace("Z", "+00:00"))
        if event["user"]["username"] == USER and at >= since:
            reference = event.get("objectRef", {})
            yield event["verb"], "/".join(filter(None, (reference.get("resource"), reference.get("subresource"))))


def requests(plane, since):
    return collections.Counter(f"{verb} {resource}" for verb, resource in audit(plane, since))


def settle(plane):
    """Returns when the node has told its Events."""
    while True:
        since = datetime.datetime.now(datetime.timezone.utc)
        threading.Event().wait(SETTLED_S)
        if not any(resource == "events" for _, resource in audit(plane, since)):
            return


def quiet_minute(plane, node):
    """Requests, and the parts of a core that the agent and all of the node used, in percent."""
    since = datetime.datetime.now(datetime.timezone.utc)
    pids = node.processes()
    before = {pid: cpu_s(pid) for pid in pids}
    threading.Event().wait(QUIET_S)
    used = {pid: (cpu_s(pid) - before[pid]) / QUIET_S * 100 for pid in pids & node.processes()}
    return requests(plane, since), used[node.agent], sum(used.values())


def single_pods(plane, pods, kind):
    """Milliseconds from bound to Running of one pod after the other, as a client's watch sees them."""
    values = []
    for number in range(SINGLE_ROUNDS):
        name = f"single-{number}"
        plane.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": SPECS[kind]})
        pods.wait(lambda times: "running" in times.get(name, {}))
        values.append((pods.times[name]["running"] - pods.times[name]["bound"]) * 1000)
        plane.kubectl("delete", "pod", name, "--timeout=60s")
    return values


def drop_caches():
    """The page cache keeps the memory cgroups of pods that are gone alive, and each of them slows the next pod's start: with 2,000 a warm pod took
    117 ms that took 71 without. So every kind begins with none."""
    os.sync()
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("3")


class Figures:
    """Of one kind of node."""

    def __init__(self, kind):
        signal.alarm(LIMIT_S)
        drop_caches()
        plane = ControlPlane(audit=True)
        node = KINDS[kind](plane, NODE)
        try:
            node.bring_image(IMAGE)
            node.start()
            plane.wait(f"node/{NODE}", "create")
            plane.wait(f"node/{NODE}", "condition=Ready")
            self._measure(plane, node, kind)
        finally:
            node.close()
            plane.close()
        self.title = f"{PODS} {TITLES[kind]}"

    def _measure(self, plane, node, kind):
        pods = PodWatch(plane, LIMIT_S)
        self.first, self.rest = Phase(plane, pods, kind, FIRST), Phase(plane, pods, kind, PODS)
        settle(plane)
        self.asked, self.agent_cpu, self.all_cpu = quiet_minute(plane, node)
        pids = node.processes()
        self.agent_mb, self.all_mb = pss_kb([node.agent]) / 1024, pss_kb(pids) / 1024
        self.programs_mb = pss_kb([pid for pid in pids if node.is_program(pid)]) / 1024
        self.gone = Phase(plane, pods, kind, 0)
        self.single_ms = single_pods(plane, pods, kind)

    def show(self):
        print(f"\n### {self.title}\n")
        print("| | whole | of which the control plane's own | after it | one pod, bound or marked to done: median | requests of the node |")
        print("| --- | --- | --- | --- | --- | --- |")
        print(self.first.row(f"first {FIRST} ready"))
        print(self.rest.row(f"{PODS - FIRST} more ready"))
        print(self.gone.row(f"all {PODS} gone"))
        print("\n| | |\n| --- | --- |")
        single = self.single_ms
        print(f"| one warm pod, bound to Running | {statistics.median(single):.0f} ms (median of {len(single)}; {min(single):.0f} to {max(single):.0f}) |")
        print(f"| agent, {PODS} pods | {self.agent_mb:.0f} MB |")
        print(f"| all processes of the node | {self.all_mb:.0f} MB |")
        print(f"| without the pods' programs | {self.all_mb - self.programs_mb:.0f} MB |")
        print(f"| agent's CPU when idle | {self.agent_cpu:.2f} % of a core |")
        print(f"| CPU of all processes when idle | {self.all_cpu:.2f} % of a core |")
        print(f"| requests in {QUIET_S} s | {told(self.asked)} |", flush=True)

    def compared(self):
        """(what, unit, value) of what is set against the kubelet's."""
        return [(f"first {FIRST} ready", "s", self.first.whole_s), (f"{PODS - FIRST} more ready", "s", self.rest.whole_s),
                (f"all {PODS} gone", "s", self.gone.whole_s), ("one warm pod, bound to Running", "s", statistics.median(self.single_ms) / 1000),
                ("memory without the programs", "MB", self.all_mb - self.programs_mb), ("memory in all", "MB", self.all_mb),
                ("CPU when idle", "% of a core", self.all_cpu)]


def show_ratios(figures):
    """Each kind's beside the kubelet's."""
    peer = figures.pop("kubelet").compared()
    print("\n| | kubelet with containerd | " + " | ".join(f"duet, {kind} | ratio" for kind in figures) + " |")
    print("| --- " * (2 + 2 * len(figures)) + "|")
    for row, (what, unit, value) in enumerate(peer):
        ours = [one.compared()[row][2] for one in figures.values()]
        print(f"| {what} | {value:.2f} {unit} | " + " | ".join(f"{mine:.2f} {unit} | {mine / value:.2f}" for mine in ours) + " |")


def main():
    figures = {}
    for kind in CHOSEN:
        figures[kind] = Figures(kind)
        figures[kind].show()
    if len(figures) > 1:
        show_ratios(figures)


if __name__ == "__main__":
    main()
