"""A site with one good handler and guests that misbehave in every way, for hostile.py and soak.py, whose first argument is
the build folder. The gateway's one worker has a core to itself, everything else another one."""

import os
import pathlib
import re

from site_environment import SOURCE

from site_fixture import Site, pod, processes_of, route, service

WAYS = re.findall(r"^//   (/[a-z-]+) ", (SOURCE / "guests/handlers/hostile.c").read_text(), re.M)
GUESTS = {"hostile": "hostile_handler", "startloops": "start_loops_handler", "starttraps": "start_traps_handler",
          "table": "grow_table_handler"}
PATHS = [f"/hostile{way}" for way in WAYS] + ["/startloops", "/starttraps", "/table"]
SERVER_CORE, CLIENT_CORE = 0, 1


def start_site(limits=None, config=None, **annotations):
    """`limits` are of all handlers, the annotations under duet.edge/ of those that misbehave, `config` of the node; the good one is /good."""
    site = Site()
    objects = []
    for name, guest in {"good": "hello_handler", **GUESTS}.items():
        site.pack(guest, f"bench.example/{name}:v1")
        one = pod(name, f"bench.example/{name}:v1", {"ports": [{"containerPort": 80}], "resources": {"limits": limits or {}}})
        more = {} if name == "good" else annotations
        one["metadata"]["annotations"] = {"duet.edge/first-byte-timeout": "1s", "duet.edge/timeout": "2s",
                                          "duet.edge/allow-outbound": f"http://127.0.0.1:{site.port}",
                                          **{f"duet.edge/{key.replace('_', '-')}": value for key, value in more.items()}}
        rewrite = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}
        objects += [one, service(name), route(name, f"/{name}", name, filters=[rewrite])]
    site.write("site.yaml", *objects)
    site.start(gateway={"workers": 1}, **(config or {}))
    site.wait_answer("/good", 200)
    site.wait_answer("/hostile/loop", 504)
    pin(site)
    return site


def pin(site):
    """The gateway's processes to the server's core, everything else here to the clients'."""
    for pid in gateway_pids(site):
        os.sched_setaffinity(pid, {SERVER_CORE})
    for process in (site.agent.pid, os.getpid()):
        for thread in os.listdir(f"/proc/{process}/task"):
            os.sched_setaffinity(int(thread), {CLIENT_CORE})


def gateway_pids(site):
    """The supervisor, whose command line names the site, and its workers."""
    supervisors = set(processes_of(site, "duet-gateway"))
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "comm").read_text().strip() == "duet-gateway":
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if supervisors & {int(entry.name), parent}:
                    found.append(int(entry.name))
        except OSError:
            pass
    return found


def worker_pid(site):
    """The gateway's one worker."""
    supervisors = set(processes_of(site, "duet-gateway"))
    return next(pid for pid in gateway_pids(site) if pid not in supervisors)
