#!/usr/bin/env python3
"""Writes the results of a run as a page: report.py PEERS (the folder with http.txt, engine.txt, measured.json and cluster.txt)."""

import json
import os
import pathlib
import platform
import re
import sys

PEERS = pathlib.Path(sys.argv[1])
# Of duet's row to the peer's at 128 connections.
PEERS_HTTP = {
    "nginx return 200": ("duet handler (hello, C)", 0.5),
    "Boost.Beast return 200": ("duet handler (hello, C)", None),
    "wasmtime serve (hello, C)": ("duet handler (hello, C)", 6),
    "wasmtime serve (Rust)": ("duet handler (Rust)", 3),
    "wasmtime serve (JavaScript)": ("duet handler (JavaScript)", 2),
    "workerd (script)": ("duet handler (hello, C)", 3.5),
    "nginx TLS": ("duet handler TLS", 0.5),
    "nginx HTTP/2": ("duet handler HTTP/2", 0.5),
    "nginx HTTP/2 TLS": ("duet handler HTTP/2 TLS", 0.5),
}


def machine():
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) >> 20
    load = os.getloadavg()
    return (f"{os.cpu_count()} cores ({cpu.group(1) if cpu else platform.machine()}), {memory} GiB, Linux {platform.release()}, "
            f"load {load[0]:.1f} at the end of the run")


def http_rows():
    """[(name, connections, requests a second, latencies)]"""
    rows = []
    for line in (PEERS / "http.txt").read_text().splitlines():
        match = re.match(r"(.+?)\s+(\d+)\s+([\d.]+)/s\s+(p50 \S+\s+p99 \S+|mean \S+)\s+CPU\s+([\d.]+ us)", line)
        if match:
            rows.append((match[1], int(match[2]), float(match[3]), re.sub(r"\s+", " ", match[4]), match[5]))
    return rows


def verdict(reached, goal):
    return f"{reached:.2f} (goal {goal}: {'reached' if reached >= goal else 'missed'})"


def print_http():
    rows = http_rows()
    rate = {(name, connections): value for name, connections, value, _, _ in rows}
    print("## Requests over HTTP\n\nOne core for the server, another for the client (wrk; h2load for HTTP/2, with 10 streams a connection, 1 where there are 128). "
          "CPU is the server's, a request.\n")
    print("| server | connections | requests/s | latency | CPU | duet's handler to it |\n| --- | --- | --- | --- | --- | --- |")
    for name, connections, value, latency, cpu in rows:
        ours, goal = PEERS_HTTP.get(name, (None, None))
        ratio = ""
        if (ours, connections) in rate:
            reached = rate[ours, connections] / value
            ratio = verdict(reached, goal) if goal and connections == 128 else f"{reached:.2f}"
        print(f"| {name} | {connections} | {value:,.0f} | {latency} | {cpu} | {ratio} |")
    print("\nAs a proxy, duet to nginx:\n\n| body | connections | ratio |\n| --- | --- | --- |")
    for body in ("100 B", "1 MB"):
        for connections in (1, 16, 128):
            ours, theirs = rate.get((f"duet proxy {body}", connections)), rate.get((f"nginx proxy {body}", connections))
            if ours and theirs:
                print(f"| {body} | {connections} | {ours / theirs:.2f} |")


def print_table(title, note, results, ours, goals):
    print(f"\n## {title}\n\n{note}\n\n| | min ms | median ms | p95 ms | duet to it (medians) |\n| --- | --- | --- | --- | --- |")
    for name, value in results.items():
        ratio = ""
        if name != ours:
            reached = results[ours]["median"] / value["median"]
            goal = goals.get(name)
            ratio = f"{reached:.2f}" + (f" (goal at most {goal}: {'reached' if reached <= goal else 'missed'})" if goal else "")
        print(f"| {name} | {value['min']:.1f} | {value['median']:.1f} | {value['p95']:.1f} | {ratio} |")


def print_memory(memory):
    print("\n## Memory of a Wasm-only site (PSS, kB)\n")
    names = sorted({name for found in memory.values() for name in found})
    print("| site | " + " | ".join(names) + " | together |\n|" + " --- |" * (len(names) + 2))
    for site, found in memory.items():
        print(f"| {site} | " + " | ".join(str(found.get(name, 0)) for name in names) + f" | {sum(found.values())} |")
    sites = list(memory.values())
    if len(sites) == 2:
        each = (sum(sites[1].values()) - sum(sites[0].values())) / 1000
        print(f"\nGoals: at most 40 MB together ({sum(sites[0].values()) / 1024:.1f} MB), the agent at most 16 MB "
              f"({sites[0].get('duet', 0) / 1024:.1f} MB), each further handler of the same module at most 100 kB ({each:.1f} kB).")


def main():
    measured = json.loads((PEERS / "measured.json").read_text())
    print("# Results\n\nWritten by `make bench`; every pair was measured in one run.\n\nMachine: " + machine() + ".\n")
    print_http()
    print_table("Start of a program", "Whole processes that say hello and end, from a warm cache.", measured["starts"],
                "duet run hello.wasm", {"wasmtime run --allow-precompiled": 1.0})
    print_table("Container from nothing to the first HTTP 200",
                "busybox httpd with a bridge network, image unpacked. duet's time begins with `duet apply` and includes the command "
                "line, the store and the controller; containerd's begins with the CRI call.", measured["containers"], "duet apply",
                {"containerd 1.6 over CRI": 0.5})
    print_memory(measured["memory"])
    print("\n## A node of a cluster\n\nPods of a Deployment on one node, beside an unmodified control plane of the same machine, whose own time is in "
          "all figures.\n\n" + (PEERS / "cluster.txt").read_text().strip())
    engine = (PEERS / "engine.txt")
    if engine.exists() and engine.read_text().strip():
        print("\n## In process\n\n```\n" + engine.read_text().strip() + "\n```")
    notes = pathlib.Path(__file__).with_name("NOTES.md")
    if notes.exists():
        print("\n" + notes.read_text().strip())


main()
