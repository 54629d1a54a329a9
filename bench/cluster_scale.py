#!/usr/bin/env python3
"""Many nodes joining one API server at once, and coming back at once after it was away.

    bench/cluster_scale.py BUILD_DIR [NODES]

NODES (1000) cluster sides of the agent run in one process (bench/many_nodes.cc) beside an unmodified control plane, on
loopback. The API server is stopped as hard as it can be and started again; its own metrics say what it was asked and how it
answered. Prints rows for bench/RESULTS.md. Ends by itself, at the latest after LIMIT_S.
"""

import collections
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

from process_use import cpu_s, pss_kb
from site_environment import BUILD

from control_plane import TOKEN, ControlPlane

NODES = int(sys.argv[2]) if len(sys.argv) > 2 else 1000
QUIET_S = 60
LOOK_S = 2
LIMIT_S = 1800


class Counts:
    """What the API server says of itself."""

    def __init__(self, plane):
        text = plane.kubectl("get", "--raw", "/metrics")
        self.codes = collections.Counter()
        self.watches = 0
        for line in text.splitlines():
            if line.startswith("apiserver_request_total{"):
                self.codes[re.search(r'code="(\d+)"', line)[1]] += int(float(line.rsplit(" ", 1)[1]))
            if line.startswith("apiserver_longrunning_requests{") and 'resource="pods"' in line and 'verb="WATCH"' in line:
                self.watches += int(float(line.rsplit(" ", 1)[1]))


def ready_nodes(plane):
    """Nodes that are Ready now: what the controllers made of their leases."""
    shown = plane.kubectl("get", "nodes", "-o", "jsonpath={range .items[*]}{.status.conditions[?(@.type=='Ready')].status}{'\\n'}{end}")
    return shown.split().count("True")


def leases(plane):
    """When each node's lease was last renewed."""
    shown = plane.kubectl("get", "leases", "-n", "kube-node-lease", "-o",
                          "jsonpath={range .items[*]}{.metadata.name} {.spec.renewTime}{'\\n'}{end}")
    return dict(line.split() for line in shown.splitlines())


def wait(what, holds, started):
    """Seconds from `started` until it holds. Looks every LOOK_S: what is waited for takes many times as long."""
    pause = threading.Event()
    while not holds():
        if time.monotonic() - started > LIMIT_S / 2:
            raise AssertionError(f"waited too long for {what}")
        pause.wait(LOOK_S)
    return time.monotonic() - started


def asked(before, after):
    return {code: count for code, count in sorted((after.codes - before.codes).items())}


def steady(plane):
    return ready_nodes(plane) == NODES and Counts(plane).watches >= NODES


def main():
    signal.alarm(LIMIT_S)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    plane = ControlPlane()
    nodes = None
    try:
        with tempfile.TemporaryDirectory(prefix="duet-many-", dir="/dev/shm") as folder:
            token = pathlib.Path(folder) / "token"
            token.write_text(TOKEN)
            before = Counts(plane)
            started = time.monotonic()
            with open(pathlib.Path(folder) / "log", "w", encoding="utf-8") as log:
                nodes = subprocess.Popen([str(BUILD / "many_nodes"), plane.server, str(token), str(plane.ca_file), str(NODES), folder],
                                         stdin=subprocess.PIPE, stdout=log)
            joined = wait("all nodes to be ready", lambda: steady(plane), started)
            joining = asked(before, Counts(plane))

            before, worked = Counts(plane), cpu_s(nodes.pid)
            threading.Event().wait(QUIET_S)
            quiet, working = asked(before, Counts(plane)), cpu_s(nodes.pid) - worked
            memory = pss_kb([nodes.pid]) / 1024

            earlier = leases(plane)
            plane.stop_api_server()
            threading.Event().wait(QUIET_S / 2)  # so that all of them have noticed
            plane.start_api_server()
            started = time.monotonic()

            def back():
                now = leases(plane)
                return all(now[name] != earlier[name] for name in earlier) and steady(plane)
            returned = wait("all nodes to be back", back, started)
            returning = Counts(plane).codes  # it counts anew
            lines = (pathlib.Path(folder) / "log").read_text().count("\n")
            nodes.stdin.close()
            nodes.wait()
    finally:
        if nodes and nodes.poll() is None:
            nodes.kill()
        plane.close()
    print(f"| {NODES} nodes joined, Ready and watching | {joined:.0f} s |")
    print(f"| answers meanwhile, by code | {', '.join(f'{count} x {code}' for code, count in joining.items())} |")
    print(f"| answers in {QUIET_S} quiet seconds | {', '.join(f'{count} x {code}' for code, count in quiet.items())} |")
    print(f"| all back after the API server's return | {returned:.0f} s |")
    print(f"| answers meanwhile, by code | {', '.join(f'{count} x {code}' for code, count in sorted(returning.items()))} |")
    print(f"| memory of all cluster sides | {memory:.0f} MB, {memory / NODES * 1024:.0f} KB each |")
    print(f"| their CPU when quiet | {working / QUIET_S * 100:.1f} % of a core |")
    print(f"| lines in their logs | {lines} |")


if __name__ == "__main__":
    main()
