#!/usr/bin/env python3
"""A node of a real cluster: how fast pods run and go, what the node costs, what it asks of the API server.

    bench/cluster_node.py BUILD_DIR [KIND [PODS]]

KIND is `wasm` (a Wasm node with program pods) or `whole` (the machine as a node, with container pods; as root); without one, both after
each other. PODS (110) pods of a Deployment, on loopback beside an unmodified control plane of the same machine: 30 first, the rest, all
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

from process_use import cpu_s, pss_kb
import site_environment  # noqa: F401 (tells the fixtures where everything is)

from control_plane import TOKEN, ControlPlane
from pod_watch import PodWatch
from site_fixture import Site

KINDS = [sys.argv[2]] if len(sys.argv) > 2 else ["wasm", "whole"]
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
SPECS = {"wasm": WASM_SPEC, "whole": CONTAINER_SPEC}


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


def name_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def is_program(pid):
    """Whether it is what a pod is there for, and not what duet needs to run it."""
    name = name_of(pid)
    return name == "duet-sandbox" or not name.startswith("duet")


def processes(site):
    """Everything that names the site's folder, and its children."""
    parents, ours = {}, set()
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if str(site.root).encode() in (entry / "cmdline").read_bytes():
                ours.add(int(entry.name))
        except OSError:
            pass
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in ours} - ours
        grown = bool(more)
        ours |= more
    return ours - {os.getpid()}


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


def quiet_minute(plane, site):
    """Requests, and the parts of a core that the agent and all of the site used, in percent."""
    since = datetime.datetime.now(datetime.timezone.utc)
    pids = processes(site)
    before = {pid: cpu_s(pid) for pid in pids}
    threading.Event().wait(QUIET_S)
    used = {pid: (cpu_s(pid) - before[pid]) / QUIET_S * 100 for pid in pids & processes(site)}
    return requests(plane, since), used[site.agent.pid], sum(used.values())


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


def bring_image(site, kind):
    if kind == "wasm":
        site.pack("ticker", IMAGE)
    else:
        site.import_busybox(IMAGE)


def measure(kind):
    signal.alarm(LIMIT_S)
    plane = ControlPlane(audit=True)
    site = Site()
    try:
        bring_image(site, kind)
        token = site.root / "token"
        token.write_text(TOKEN)
        site.start(nodeName=NODE, cluster={"server": plane.server, "tokenFile": str(token), "caFile": str(plane.ca_file), "node": kind,
                                           "kubeletListen": ""})
        plane.wait(f"node/{NODE}", "create")
        plane.wait(f"node/{NODE}", "condition=Ready")
        pods = PodWatch(plane, LIMIT_S)
        first, rest = Phase(plane, pods, kind, FIRST), Phase(plane, pods, kind, PODS)
        settle(plane)
        asked, agent_cpu, all_cpu = quiet_minute(plane, site)
        pids = processes(site)
        agent, everything = pss_kb([site.agent.pid]) / 1024, pss_kb(pids) / 1024
        programs = pss_kb([pid for pid in pids if is_program(pid)]) / 1024
        gone = Phase(plane, pods, kind, 0)
        single = single_pods(plane, pods, kind)
    finally:
        site.close()
        plane.close()
    what = "Wasm program" if kind == "wasm" else "container"
    print(f"\n### {PODS} {what} pods\n")
    print("| | whole | of which the control plane's own | after it | one pod, bound or marked to done: median | requests of the node |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(first.row(f"first {FIRST} ready"))
    print(rest.row(f"{PODS - FIRST} more ready"))
    print(gone.row(f"all {PODS} gone"))
    print("\n| | |\n| --- | --- |")
    print(f"| one warm pod, bound to Running | {statistics.median(single):.0f} ms (median of {len(single)}; {min(single):.0f} to {max(single):.0f}) |")
    print(f"| agent, {PODS} pods | {agent:.0f} MB |")
    print(f"| all processes of the site | {everything:.0f} MB |")
    print(f"| without the pods' programs | {everything - programs:.0f} MB |")
    print(f"| agent's CPU when idle | {agent_cpu:.2f} % of a core |")
    print(f"| CPU of all processes when idle | {all_cpu:.2f} % of a core |")
    print(f"| requests in {QUIET_S} s | {told(asked)} |", flush=True)


def main():
    for kind in KINDS:
        measure(kind)


if __name__ == "__main__":
    main()
