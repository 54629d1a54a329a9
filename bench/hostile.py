#!/usr/bin/env python3
"""The latency of a good handler beside hostile ones, relative to its latency alone.

    bench/hostile.py BUILD_DIR [SECONDS [CONNECTIONS]]

One node with one good handler (hello_handler) and guests that misbehave in every way that guests/handlers/hostile.c lists,
all in the same gateway, whose one worker has a core to itself. wrk asks the good one alone, then while other clients keep every
hostile way busy, then alone again; pairs are repeated. All clients share another core, on which wrk goes first (SCHED_FIFO): what
it waits for is the gateway and not its turn among the clients. Prints p50 and p99 of each, the ratio, how far past its budget a looping guest was stopped, and the
gateway's memory before and after.
"""

import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import urllib.request

from process_use import pss_kb

from hostile_site import PATHS, gateway_pids, start_site

SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
CONNECTIONS = int(sys.argv[3]) if len(sys.argv) > 3 else 16
PAIRS = 3
UNITS = {"us": 0.001, "ms": 1, "s": 1000}


def first_of_its_core():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def wrk(site):
    """(p50, p99 in ms, requests a second) of the good handler."""
    out = subprocess.run(["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", f"http://127.0.0.1:{site.port}/good"],
                         check=True, capture_output=True, text=True, preexec_fn=first_of_its_core).stdout
    if "Non-2xx" in out:
        raise SystemExit(f"the good handler failed:\n{out}")
    at = {mark: float(value) * UNITS[unit] for mark, value, unit in re.findall(r"(50|99)%\s+([\d.]+)(us|ms|s)", out)}
    return at["50"], at["99"], float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))


class Hostility:
    """A client for each way to misbehave, asking again and again."""

    def __init__(self, site):
        self.site = site
        self.over = threading.Event()
        self.requests = 0
        self.threads = [threading.Thread(target=self._ask, args=(path,), daemon=True) for path in PATHS]

    def _ask(self, path):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        url = f"http://127.0.0.1:{self.site.port}{path}"
        while not self.over.is_set():
            request = urllib.request.Request(url, data=b"a body", headers={"x-url": f"http://127.0.0.1:{self.site.port}/good"})
            try:
                with opener.open(request, timeout=30) as answer:
                    while answer.read(65536):
                        pass
            except (OSError, ValueError, http.client.HTTPException):
                pass
            self.requests += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def stopped_after_ms(site, reason):
    """CPU time of the guests that were stopped for `reason`, from the access log."""
    lines = (json.loads(line) for line in (site.root / "access.log").read_text().splitlines())
    return [line["cpu_us"] / 1000 for line in lines if line.get("reason") == reason and "cpu_us" in line]


def main():
    site = start_site()
    try:
        wrk(site)
        before_kb = pss_kb(gateway_pids(site))
        alone, beside, asked = [], [], 0
        for _ in range(PAIRS):
            alone.append(wrk(site))
            with Hostility(site) as hostility:
                beside.append(wrk(site))
            asked += hostility.requests
        after_kb = pss_kb(gateway_pids(site))
        budget = sorted(stopped_after_ms(site, "CPULimit"))
    finally:
        site.close()
    print(f"{len(PATHS)} hostile ways, {CONNECTIONS} connections to the good handler, {PAIRS} pairs of {SECONDS} s")
    for name, rows in (("alone", alone), ("beside hostile ones", beside)):
        p50, p99, rate = (statistics.median(column) for column in zip(*rows))
        print(f"{name:20} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   {rate:9.0f}/s")
    ratio = statistics.median(b[1] / a[1] for a, b in zip(alone, beside))
    print(f"p99 beside / alone: {ratio:.2f} (goal: at most 2)")
    print(f"hostile requests: {asked}")
    if budget:  # none, if the machine was too busy for any guest to use its budget up before its wall time
        print(f"CPU time when stopped, of a budget of 50 ms: median {statistics.median(budget):.1f}, worst {budget[-1]:.1f} ms")
    print(f"gateway memory (PSS): {before_kb} kB before, {after_kb} kB after")


main()
