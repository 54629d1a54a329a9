#!/usr/bin/python3
"""Kubernetes' own Python client against a test's cluster: kubernetes_client.py KUBECONFIG QUESTION [WORDS]. Prints the answer as
JSON. It runs with Debian's Python, which has Debian's python3-kubernetes."""

import json
import sys

from kubernetes import client, config, watch
from kubernetes.stream import stream

NAMESPACE = "default"
TIMEOUT_S = 120


def show_pods(core):
    """{name: [node, phase, address, ready]}"""
    return {pod.metadata.name: [pod.spec.node_name, pod.status.phase, pod.status.pod_ip, all(one.ready for one in pod.status.container_statuses)]
            for pod in core.list_namespaced_pod(NAMESPACE).items}


def watch_pod(core, name):
    """What happens to a pod from now on until it is gone, once each: a line says that it listens."""
    listing = core.list_namespaced_pod(NAMESPACE, field_selector=f"metadata.name={name}")
    print("listening", flush=True)
    seen = []
    for event in watch.Watch().stream(core.list_namespaced_pod, NAMESPACE, field_selector=f"metadata.name={name}",
                                      resource_version=listing.metadata.resource_version, timeout_seconds=TIMEOUT_S):
        said = [event["type"], event["object"].status.phase]
        if said not in seen:
            seen.append(said)
        if event["type"] == "DELETED":
            return seen
    return seen


def read_log(core, name, lines):
    """The first lines of a log that is followed."""
    read = []
    for line in watch.Watch().stream(core.read_namespaced_pod_log, name, NAMESPACE):
        read.append(line)
        if len(read) == int(lines):
            return read
    return read


def execute(core, name, text, *command):
    """Output, errors and exit code of a command that is given `text`."""
    session = stream(core.connect_get_namespaced_pod_exec, name, NAMESPACE, command=list(command), stdin=True, stdout=True, stderr=True,
                     tty=False, _preload_content=False)
    session.write_stdin(text)
    session.run_forever(timeout=TIMEOUT_S)
    return [session.read_stdout(timeout=1), session.read_stderr(timeout=1), session.returncode]


def show_nodes(core):
    """{name: [architecture, ready]}"""
    return {node.metadata.name: [node.status.node_info.architecture, {one.type: one.status for one in node.status.conditions}["Ready"]]
            for node in core.list_node().items}


def main():
    config.load_kube_config(sys.argv[1])
    ask = {one.__name__: one for one in (show_nodes, show_pods, watch_pod, read_log, execute)}[sys.argv[2]]
    print(json.dumps(ask(client.CoreV1Api(), *sys.argv[3:])))


main()
