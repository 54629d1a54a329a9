"""A site with one good handler and guests that misbehave in every way, for hostile.py and soak.py, whose first argument is
the build folder. The gateway's one worker has a core to itself, everything else another one."""

import os
import pathlib
import re

from site_environment import SOURCE

from site_fixture import Site, pod, processes_of, route, service

WAYS = re.findall(r"^//   (/[a-z-]+) ", (SOURCE / "guests/handlers/hostile.c").read_text(), re.M)
# A handler for each, by its name, which is its path as well.
HOSTILE = {**{way[1:]: "hostile_handler" for way in WAYS}, "startloops": "start_loops_handler", "starttraps": "start_traps_handler",
           "table": "grow_table_handler"}
PATHS = [f"/{name}" for name in HOSTILE]
SERVER_CORE, CLIENT_CORE = 0, 1


def image_of(guest):
    return f"bench.example/{guest.replace('_', '-')}:v1"


def handler(site, name, guest, path, limits, annotations):
    """A pod that gets what is asked of /name as `path`, with its Service and route."""
    one = pod(name, image_of(guest), {"ports": [{"containerPort": 80}], "resources": {"limits": limits or {}}})
    one["metadata"]["annotations"] = {"duet.edge/first-byte-timeout": "1s", "duet.edge/timeout": "2s",
                                      "duet.edge/allow-outbound": f"http://127.0.0.1:{site.port}",
                                      **{f"duet.edge/{key.replace('_', '-')}": value for key, value in annotations.items()}}
    rewrite = {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": path}}}
    return [one, service(name), route(name, f"/{name}", name, filters=[rewrite])]


def start_site(limits=None, config=None, **annotations):
    """`limits` are of all handlers, the annotations under duet.edge/ of those that misbehave, `config` of the node; the good one is /good."""
    site = Site()
    for guest in ("hello_handler", *set(HOSTILE.values())):
        site.pack(guest, image_of(guest))
    objects = handler(site, "good", "hello_handler", "/", limits, {})
    for name, guest in HOSTILE.items():
        objects += handler(site, name, guest, f"/{name}", limits, annotations)
    site.write("site.yaml", *objects)
    site.start(gateway={"workers": 1}, **(config or {}))
    site.wait_answer("/good", 200)
    for name in HOSTILE:
        site.wait_ready(name)
    site.wait_answer("/loop", 504)
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
