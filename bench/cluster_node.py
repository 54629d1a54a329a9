#!/usr/bin/env python3
"""A node of a real cluster: how fast pods run and go, what the node costs, what it asks of the API server.

    bench/cluster_node.py BUILD_DIR [PODS]

A Wasm node with PODS (110) program pods of a Deployment, on loopback beside an unmodified control plane of the same machine: 30 first,
the rest, all gone. Then one warm pod alone, from bound to Running, 20 times. Memory is the PSS of the agent, and of all that the
site runs; requests are what the API server's audit log has of the node in a quiet minute. Prints rows for
bench/RESULTS.md. Ends by itself, at the latest after LIMIT_S.
"""

import collections
import datetime
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import threading
import time

from process_use import cpu_s, pss_kb
import site_environment  # noqa: F401 (tells the fixtures where everything is)

from control_plane import PROGRAMS, TOKEN, ControlPlane
from site_fixture import Site

PODS = int(sys.argv[2]) if len(sys.argv) > 2 else 110
FIRST = min(30, PODS)
SINGLE_ROUNDS = 20
QUIET_S = 60
LIMIT_S = 1800
NODE = "edge-wasm"
USER = f"system:node:{NODE}"
IMAGE = "bench.example/ticker:v1"


def deployment(replicas):
    spec = {"containers": [{"name": "main", "image": IMAGE, "args": ["60000"]}], "terminationGracePeriodSeconds": 2,
            "nodeSelector": {"kubernetes.io/arch": "wasm32-wasi"},
            "tolerations": [{"key": "kubernetes.io/arch", "operator": "Equal", "value": "wasm32-wasi", "effect": "NoSchedule"}]}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "many"},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": "many"}},
                     "template": {"metadata": {"labels": {"app": "many"}}, "spec": spec}}}


def ready_pods(plane):
    items = json.loads(plane.kubectl("get", "pods", "-o", "json"))["items"]
    return sum(any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", [])) for pod in items)


def scale(plane, replicas):
    """Seconds until so many are ready, and no others left."""
    started = time.monotonic()
    plane.apply(deployment(replicas))
    if replicas:
        plane.kubectl("rollout", "status", "deployment/many", f"--timeout={LIMIT_S}s")
    else:
        plane.kubectl("wait", "--for=delete", "pod", "-l", "app=many", f"--timeout={LIMIT_S}s")
    return time.monotonic() - started


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


def requests(plane, since):
    """What the node asked of the API server since then: verb and resource, and how often."""
    found = collections.Counter()
    for line in plane.audit_log.read_text().splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue  # the last line, half written
        at = datetime.datetime.fromisoformat(event["requestReceivedTimestamp"].replace("Z", "+00:00"))
        if event["user"]["username"] == USER and at >= since:
            found[f"{event['verb']} {event.get('objectRef', {}).get('resource', '')}"] += 1
    return found


def quiet_minute(plane, site):
    since = datetime.datetime.now(datetime.timezone.utc)
    before = cpu_s(site.agent.pid)
    threading.Event().wait(QUIET_S)
    return requests(plane, since), (cpu_s(site.agent.pid) - before) / QUIET_S * 100


def single_pods(plane):
    """Milliseconds from bound to Running of one pod after the other, as a client's watch sees them: each change of the pod is a line with
    its time, so no client's start is among them."""
    values = []
    for number in range(SINGLE_ROUNDS):
        name = f"single-{number}"
        watch = subprocess.Popen([str(PROGRAMS / "kubectl"), "--kubeconfig", str(plane.admin), "get", "pods", "--watch", "-o",
                                  "jsonpath={.metadata.name} {.spec.nodeName} {.status.phase}{'\\n'}", "--field-selector", f"metadata.name={name}"],
                                 stdout=subprocess.PIPE, text=True)
        plane.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": deployment(1)["spec"]["template"]["spec"]})
        bound = None
        for line in watch.stdout:
            words = line.split()
            if bound is None and NODE in words:
                bound = time.monotonic()
            if words[-1] == "Running":
                values.append((time.monotonic() - bound) * 1000)
                break
        watch.kill()
        watch.wait()
        plane.kubectl("delete", "pod", name, "--timeout=60s")
    return values


def main():
    signal.alarm(LIMIT_S)
    plane = ControlPlane(audit=True)
    site = Site()
    try:
        site.pack("ticker", IMAGE)
        token = site.root / "token"
        token.write_text(TOKEN)
        site.start(nodeName=NODE, cluster={"server": plane.server, "tokenFile": str(token), "caFile": str(plane.ca_file),
                                           "kubeletListen": ""})
        plane.wait(f"node/{NODE}", "create")
        plane.wait(f"node/{NODE}", "condition=Ready")
        first = scale(plane, FIRST)
        rest = scale(plane, PODS)
        assert ready_pods(plane) == PODS
        asked, cpu = quiet_minute(plane, site)
        agent, everything = pss_kb([site.agent.pid]) / 1024, pss_kb(processes(site)) / 1024
        gone = scale(plane, 0)
        single = single_pods(plane)
    finally:
        site.close()
        plane.close()
    print(f"| first {FIRST} ready | {first:.1f} s |")
    print(f"| {PODS - FIRST} more ready | {rest:.1f} s |")
    print(f"| all {PODS} gone | {gone:.1f} s |")
    print(f"| one warm pod, bound to Running | {statistics.median(single):.0f} ms (median of {len(single)}; {min(single):.0f} to {max(single):.0f}) |")
    print(f"| agent, {PODS} pods | {agent:.0f} MB |")
    print(f"| all processes of the site | {everything:.0f} MB |")
    print(f"| agent's CPU when idle | {cpu:.2f} % of a core |")
    print(f"| requests in {QUIET_S} s | " + ", ".join(f"{count} {what}" for what, count in sorted(asked.items())) + " |")


if __name__ == "__main__":
    main()
