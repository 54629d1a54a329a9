#!/usr/bin/env python3
"""Starts, containers and memory, beside the peers: measure.py BUILD PEERS. Writes measured.json into PEERS."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from containerd_peer import Containerd
from process_use import pss_kb
from site_environment import BUILD

from site_fixture import Site, busybox_layout, pod, route, service

PEERS = pathlib.Path(sys.argv[2]).resolve()

ROUNDS = 200
CONTAINER_ROUNDS = 30


def summary(values):
    values = sorted(values)
    return {"min": values[0], "median": statistics.median(values), "p95": values[int(len(values) * 0.95)], "rounds": len(values)}


def time_command(command, **options):
    """Milliseconds of whole runs of a command."""
    values = []
    for _ in range(ROUNDS + 5):
        started = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)
        values.append((time.monotonic() - started) * 1000)
    return summary(values[5:])


def measure_starts(work):
    """A C program that says hello: as Wasm by duet and wasmtime, natively in a container by runc."""
    hello = str(BUILD / "guests/hello.wasm")
    compiled = str(work / "hello.cwasm")
    subprocess.run([os.environ["WASMTIME"], "compile", hello, "-o", compiled], check=True)
    state = ["--state-dir", str(work / "state"), "--run-dir", str(work / "run")]
    out = {
        "duet run hello.wasm": time_command([str(BUILD / "duet"), "run", *state, hello]),
        "wasmtime run --allow-precompiled": time_command([os.environ["WASMTIME"], "run", "--allow-precompiled", compiled]),
    }
    bundle = work / "bundle"
    (bundle / "rootfs").mkdir(parents=True)
    source = work / "hello.c"
    source.write_text('#include <stdio.h>\nint main(void) { puts("hello"); return 0; }\n')
    subprocess.run(["gcc", "-O2", "-static", str(source), "-o", str(bundle / "rootfs/hello")], check=True)
    subprocess.run(["runc", "spec"], cwd=bundle, check=True)
    config = json.loads((bundle / "config.json").read_text())
    config["process"].update(terminal=False, args=["/hello"])
    config["process"].pop("rlimits", None)
    (bundle / "config.json").write_text(json.dumps(config))
    out["runc run (the same in C)"] = time_command(["runc", "--root", str(work / "runc"), "run", f"bench{os.getpid()}"], cwd=bundle)
    return out


def measure_containers(work):
    """From nothing to the first HTTP 200 of busybox httpd, with a bridge network."""
    image = "bench.example/busybox:v1"
    containerd = Containerd(work, masquerade=True)
    try:
        containerd.import_image(busybox_layout(), image)
        return compare_containers(containerd, image)
    finally:
        containerd.stop()


class Starter:
    """bench/starts: the same client for both, which starts one container whenever it is told to."""

    def __init__(self, *words):
        self.process = subprocess.Popen([str(PEERS / "starts"), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def close(self):
        self.process.kill()
        self.process.communicate()


def compare_containers(containerd, image):
    """One start by each in turn, so that whatever else the machine does hits both."""
    site = Site()
    starters = {}
    try:
        site.import_busybox(image)
        site.start()
        starters["containerd 1.6 over CRI"] = Starter("containerd", str(containerd.socket), image)
        starters["duet apply"] = Starter("duet", str(BUILD / "duet"), str(site.root / "state"), str(site.root / "run"), image)
        values = {name: [] for name in starters}
        for _ in range(CONTAINER_ROUNDS + 2):
            for name, starter in starters.items():
                values[name].append(starter.start())
    finally:
        for starter in starters.values():
            starter.close()
        site.close()
    return {name: summary(taken[2:]) for name, taken in values.items()}


def measure_memory():
    """PSS of a site with one handler and one program, then with 1,000 more handlers of the same module."""
    site = Site()
    out = {}
    try:
        site.pack("hello_handler", "bench.example/hello:v1")
        site.pack("ticker", "bench.example/ticker:v1")
        handler = pod("web", "bench.example/hello:v1", {"ports": [{"containerPort": 80}]})
        site.write("site.yaml", handler, service("web"), route("web", "/", "web"), pod("ticker", "bench.example/ticker:v1"))
        site.start()
        site.wait_ready("ticker")
        site.wait_answer("/", 200)
        out["one handler, one program"] = memory_of(site)
        many = []
        for number in range(1000):
            one = pod(f"web{number}", "bench.example/hello:v1", {"ports": [{"containerPort": 80}]})
            many += [one, service(f"web{number}"), route(f"web{number}", f"/h{number}", f"web{number}")]
        (site.manifests / "many.yaml").write_text("\n---\n".join(json.dumps(one) for one in many))
        site.wait_answer("/h999", 200)
        for number in range(1000):
            site.wait_answer(f"/h{number}", 200) if site.request(f"/h{number}")[0] != 200 else None
        out["1,000 handlers more"] = memory_of(site)
    finally:
        site.close()
    return out


def memory_of(site):
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if not entry.name.isdigit():
                continue
            name = (entry / "comm").read_text().strip()
            command = (entry / "cmdline").read_bytes().decode(errors="replace")
            parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
            of_site = str(site.root) in command or int(entry.name) == site.agent.pid or (
                name in ("duet-sandbox", "duet-gateway") and str(site.root) in pathlib.Path("/proc", parent, "cmdline").read_bytes().decode(errors="replace"))
            if of_site and name.startswith("duet"):
                found[name] = found.get(name, 0) + pss_kb([entry.name])
        except OSError:
            pass
    return found


def main():
    with tempfile.TemporaryDirectory(prefix="duet-bench-") as folder:
        work = pathlib.Path(folder)
        results = {"starts": measure_starts(work), "containers": measure_containers(work), "memory": measure_memory()}
    (PEERS / "measured.json").write_text(json.dumps(results, indent=1))
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
