#!/usr/bin/env python3
"""Whether a worker loses memory: millions of requests to a good handler, with every hostile guest beside it.

    bench/soak.py BUILD_DIR [REQUESTS]

REQUESTS (10,000,000) are asked of the good handler by h2load, at 64 connections. Meanwhile wrk asks each hostile way until it was
asked a thousandth of that, one way after the other, with small budgets so that a request that is stopped costs little. Both
share a core; the gateway's one worker has another. The worker's resident memory and what its allocator has given out
(duet_gateway_heap_bytes) are read when it is fresh, after a fiftieth of everything (pools and caches are full then), and at the end, each time
when nothing is in flight. Prints a row for bench/RESULTS.md; exit code 1: more than LOST_BYTES more were given out at the
end than after the warm-up, or a good request failed. Ends by itself, at the latest after LIMIT_S.
"""

import math
import pathlib
import re
import subprocess
import sys
import threading
import time

from hostile_site import PATHS, start_site, worker_pid

REQUESTS = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
EACH = REQUESTS // 1000  # requests of each hostile way
WARM_UP = 50             # the part of everything that is not counted
LOST_BYTES = 1 << 20     # of pools that grew with a rare peak; a byte a request would be ten times as much
LIMIT_S = 7200
SCRIPT = 'wrk.method = "POST"\nwrk.body = "a body"\nwrk.headers["x-url"] = "%s"\n'


def run(command):
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=LIMIT_S).stdout


class Soak:
    def __init__(self, site):
        self.site = site
        self.url = f"http://127.0.0.1:{site.port}"
        self.script = site.root / "ask.lua"
        self.script.write_text(SCRIPT % f"{self.url}/good")
        self.worker = worker_pid(site)
        self.until = time.monotonic() + LIMIT_S
        self.good = 0
        self.hostile = dict.fromkeys(PATHS, 0)

    def ask_good(self, count):
        """In pieces, so that the time limit holds."""
        while count > 0:
            if time.monotonic() > self.until:
                raise SystemExit(f"not done after {LIMIT_S} s: {self.good} good requests, hostile ones {self.hostile}")
            piece = min(count, 200_000)
            said = run(["h2load", "--h1", "-t1", "-c64", f"-n{piece}", f"{self.url}/good"])
            if f"status codes: {piece} 2xx" not in said:
                raise SystemExit(f"good requests failed:\n{said}")
            count -= piece
            self.good += piece

    def ask_hostile(self, each):
        """Ways that wait cost no CPU time, so four ways are asked at a time."""
        waiting = [(path, self.hostile[path] + each) for path in PATHS]
        lock = threading.Lock()

        def work():
            while True:
                with lock:
                    if not waiting:
                        return
                    path, goal = waiting.pop()
                while self.hostile[path] < goal and time.monotonic() < self.until:
                    self.hostile[path] += self._wrk(path)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        return threads

    def _wrk(self, path):
        """How many requests were answered or cut in a second or two."""
        said = run(["wrk", "-t1", "-c64", "-d1s", "--timeout", "5s", "-s", str(self.script), self.url + path])
        count = int(re.search(r"(\d+) requests in", said).group(1))
        cut = re.search(r"Socket errors: connect \d+, read (\d+)", said)
        return count + (int(cut.group(1)) if cut else 0)

    def ask(self, good, each):
        threads = self.ask_hostile(each)
        self.ask_good(good)
        for thread in threads:
            thread.join()

    def memory(self):
        """(resident, given out by the allocator) in bytes, when nothing is in flight."""
        until = time.monotonic() + 60
        while True:
            metrics = self.site.request_api("/metrics")[2]
            value = lambda name: int(float(re.search(rf"^{name} (\S+)$", metrics, re.M).group(1)))
            if value("duet_gateway_requests_in_flight") == 0 and value("duet_gateway_connections") == 0:
                break
            if time.monotonic() > until:
                raise SystemExit("requests stay in flight after their clients have gone")
            time.sleep(0.2)
        status = pathlib.Path(f"/proc/{self.worker}/status").read_text()  # fails if it was replaced
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M).group(1)) << 10, value("duet_gateway_heap_bytes")


def main():
    began = time.monotonic()
    # The log of so many requests would be some gigabytes.
    site = start_site(limits={"memory": "8Mi"}, config={"accessLog": "/dev/null"}, cpu_time="2ms", first_byte_timeout="100ms", timeout="200ms",
                      max_response_bytes="256Ki", max_log_bytes="4Ki")
    try:
        soak = Soak(site)
        fresh = soak.memory()
        soak.ask(REQUESTS // WARM_UP, math.ceil(EACH / WARM_UP))
        warm = soak.memory()
        soak.ask(REQUESTS - soak.good, EACH - math.ceil(EACH / WARM_UP))
        end = soak.memory()
    finally:
        site.close()
    mib = lambda size: f"{size / (1 << 20):.2f}"
    lost = end[1] - warm[1]
    print("| good requests | hostile requests | least of a way | s | RSS fresh, warm, end (MiB) | heap fresh, warm, end (MiB) | bytes lost a request |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(f"| {soak.good:,} | {sum(soak.hostile.values()):,} | {min(soak.hostile.values()):,} | {time.monotonic() - began:.0f} | "
          + ", ".join(mib(one[0]) for one in (fresh, warm, end)) + " | " + ", ".join(mib(one[1]) for one in (fresh, warm, end))
          + f" | {lost / REQUESTS:.4f} |")
    if lost > LOST_BYTES:
        raise SystemExit(f"{lost} bytes more are given out than after the warm-up")


main()
