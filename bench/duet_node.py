"""duet as a node of a control plane of the tests, in folders of its own."""

import os
import pathlib

from process_use import name_of
import site_environment  # noqa: F401 (tells the fixtures where everything is)

from control_plane import TOKEN
from site_fixture import Site


class DuetNode:
    """An agent that joins by a token, as `kind` of node (docs/cluster.md). Close it, always."""

    def __init__(self, plane, node, kind):
        self.site = Site()
        self.plane, self.node, self.kind = plane, node, kind

    def bring_image(self, name):
        if self.kind == "wasm":
            self.site.pack("ticker", name)
        else:
            self.site.import_busybox(name)

    def start(self):
        token = self.site.root / "token"
        token.write_text(TOKEN)
        self.site.start(nodeName=self.node, cluster={"server": self.plane.server, "tokenFile": str(token), "caFile": str(self.plane.ca_file),
                                                     "node": self.kind, "kubeletListen": ""})

    @property
    def agent(self):
        return self.site.agent.pid

    def processes(self):
        """Everything that names the site's folder, and its children."""
        parents, ours = {}, set()
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if str(self.site.root).encode() in (entry / "cmdline").read_bytes():
                    ours.add(int(entry.name))
            except OSError:
                pass
        grown = True
        while grown:
            more = {pid for pid, parent in parents.items() if parent in ours} - ours
            grown = bool(more)
            ours |= more
        return ours - {os.getpid()}

    def is_program(self, pid):
        """Whether it is what a pod is there for, and not what is needed to run it."""
        name = name_of(pid)
        return name == "duet-sandbox" or not name.startswith("duet")

    def close(self):
        self.site.close()
