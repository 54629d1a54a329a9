"""The pods of a cluster as a client sees them come and go: each change with its time, as it arrives."""

import contextlib
import http.client
import json
import ssl
import threading
import time

PATH = "/api/v1/namespaces/default/pods"


def is_ready(pod):
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


class PodWatch:
    """Follows the pods of the namespace "default". `times` has those of time.monotonic(), by the pod's name and what happened to it: bound,
    running, ready, marked (for deletion), gone. Ends with the program."""

    def __init__(self, plane, limit_s):
        self.plane, self.limit_s = plane, limit_s
        self.times = {}
        self.changed = threading.Condition()
        with self._get(PATH) as answer:
            version = json.load(answer)["metadata"]["resourceVersion"]
        threading.Thread(target=self._follow, args=(version,), daemon=True).start()

    def _get(self, path):
        context = ssl.create_default_context(cafile=str(self.plane.ca_file))
        context.load_cert_chain(self.plane.root / "admin.crt", self.plane.root / "admin.key")
        connection = http.client.HTTPSConnection("127.0.0.1", self.plane.port, context=context)
        connection.request("GET", path)
        return connection.getresponse()

    def _follow(self, version):
        # A server that has no time ends a watch; the next goes on where it was.
        with contextlib.suppress(OSError):  # the control plane is stopped
            while True:
                with self._get(f"{PATH}?watch=1&resourceVersion={version}") as answer:
                    for line in answer:
                        version = self._take(json.loads(line), time.monotonic())

    def _take(self, event, now):
        with self.changed:
            self._note(event["type"], event["object"], now)
            self.changed.notify_all()
        return event["object"]["metadata"]["resourceVersion"]

    def _note(self, kind, pod, now):
        times = self.times.setdefault(pod["metadata"]["name"], {})
        marked = "deletionTimestamp" in pod["metadata"]
        for what, holds in (("bound", "nodeName" in pod["spec"]), ("running", pod["status"].get("phase") == "Running"),
                            ("ready", is_ready(pod) and not marked), ("marked", marked), ("gone", kind == "DELETED")):
            if holds:
                times.setdefault(what, now)

    def wait(self, holds):
        """Returns when holds(times) is true; it is asked with every change."""
        with self.changed:
            if not self.changed.wait_for(lambda: holds(self.times), timeout=self.limit_s):
                raise AssertionError(f"waited {self.limit_s} s")
