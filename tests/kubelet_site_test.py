#!/usr/bin/env python3
"""The kubelet's API of a node: kubectl logs, exec, attach, cp and port-forward through a real API server, and who may ask."""

import datetime
import json
import pathlib
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from cluster_fixture import BUSYBOX, NODE, ClusterTest, wasm_pod
from control_plane import PROGRAMS, TIMEOUT_S
from site_fixture import free_port, need_root

# kubectl asks for WebSockets, which the API server passes on, or is told to ask for SPDY.
WEBSOCKET = {}
SPDY = {"KUBECTL_REMOTE_COMMAND_WEBSOCKETS": "false", "KUBECTL_PORT_FORWARD_WEBSOCKETS": "false"}


def container_pod(name, script, **container):
    """A pod with busybox for this node."""
    one = {"name": "main", "image": BUSYBOX, "imagePullPolicy": "IfNotPresent",
           "command": ["/bin/sh", "-c", script], **container}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"containers": [one], "terminationGracePeriodSeconds": 1}}


class KubeletTest(ClusterTest):
    def cluster(self):
        self.kubelet_port = free_port()
        return {**super().cluster(), "kubeletListen": f"0.0.0.0:{self.kubelet_port}"}

    # --- kubectl ---

    def environment(self, more=None):
        return {"HOME": str(self.plane.root), "PATH": "/usr/bin:/bin", **(more or {})}

    def command(self, *words, kubeconfig=None):
        return [str(PROGRAMS / "kubectl"), "--kubeconfig", str(kubeconfig or self.plane.admin), *words]

    def try_kubectl(self, *words, input="", env=None):
        return subprocess.run(self.command(*words), input=input, text=True, capture_output=True, timeout=TIMEOUT_S,
                              env=self.environment(env))

    def kubectl(self, *words, **more):
        done = self.try_kubectl(*words, **more)
        self.assertEqual(done.returncode, 0, f"kubectl {words}: {done.stdout}{done.stderr}{self.site.tail()}")
        return done.stdout

    def open_kubectl(self, *words, env=None):
        """A kubectl that runs on; it ends with the test."""
        process = subprocess.Popen(self.command(*words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, bufsize=1, env=self.environment(env))

        def end():
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
        self.addCleanup(end)
        return process

    def read_until(self, process, text):
        """Lines up to the one that has `text`."""
        lines = []
        for line in process.stdout:
            lines.append(line)
            if text in line:
                return lines
        raise AssertionError(f"waited for {text}: {lines}")

    # --- the node ---

    def run_pod(self, pod):
        self.plane.apply(pod)
        self.plane.wait(f"pod/{pod['metadata']['name']}", "condition=Ready")

    def approve_serving_certificate(self):
        """As an administrator does it who reads the log."""
        self.wait_log("kubectl certificate approve duet-serving-")
        name = self.site.log.read_text().split("kubectl certificate approve ")[1].split()[0]
        self.plane.kubectl("certificate", "approve", name)
        self.wait_log("serving with the cluster's certificate")

    def address(self):
        addresses = self.plane.get("node", NODE)["status"]["addresses"]
        return next(one["address"] for one in addresses if one["type"] == "InternalIP")

    def ask(self, path, token=None, client=None, context=None):
        """(status, body) of a GET past the API server."""
        context = context or ssl._create_unverified_context()
        if client:
            context.load_cert_chain(*map(str, client))
        request = urllib.request.Request(f"https://{self.address()}:{self.kubelet_port}{path}")
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
        try:
            with opener.open(request, timeout=TIMEOUT_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            with answer:
                return answer.code, answer.read().decode()


class Programs(KubeletTest):
    """Wasm programs."""

    def test_logs_of_a_program(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.site.pack("exit", "test.example/exit:v1")
        self.join()
        self.run_pod(wasm_pod("ticks", "test.example/ticker:v1"))
        following = self.open_kubectl("logs", "-f", "ticks")
        first = following.stdout.readline()
        self.assertTrue(first.strip())
        self.assertTrue(following.stdout.readline().strip())  # and it goes on
        self.assertTrue(self.kubectl("logs", "ticks").startswith(first))
        wrong = self.try_kubectl("logs", "ticks", "--previous")
        self.assertIn("previous terminated container", wrong.stderr)
        # Followed to its end.
        self.kubectl("delete", "pod", "ticks", "--timeout=60s")
        following.stdout.read()
        self.assertEqual(following.wait(timeout=TIMEOUT_S), 0)

    def timed_logs(self, *words):
        """What kubectl logs --timestamps gives, as (time in seconds, text)."""
        lines = [line.split(" ", 1) for line in self.kubectl("logs", "--timestamps", *words).splitlines()]
        return [(datetime.datetime.fromisoformat(written).timestamp(), text) for written, text in lines]

    def test_a_part_of_a_log(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        self.plane.apply(wasm_pod("done", "test.example/ticker:v1", {"args": ["100", "25"]}, restartPolicy="Never"))
        self.plane.wait("pod/done", "jsonpath={.status.phase}=Succeeded")
        ticks = [f"tick {i}" for i in range(1, 26)]
        self.assertEqual(self.kubectl("logs", "done").splitlines(), ticks)
        self.assertEqual(self.kubectl("logs", "done", "--tail=0"), "")
        self.assertEqual(self.kubectl("logs", "done", "--tail=2").splitlines(), ticks[-2:])
        self.assertEqual(self.kubectl("logs", "done", "--tail=1000").splitlines(), ticks)
        self.assertEqual(self.kubectl("logs", "done", "--limit-bytes=10"), "tick 1\ntic")
        self.assertEqual(self.kubectl("logs", "done", "--tail=2", "--limit-bytes=4"), "tick")
        self.assertEqual(self.kubectl("logs", "done", "--since=1h").splitlines(), ticks)
        timed = self.timed_logs("done")
        self.assertEqual([text for _, text in timed], ticks)
        self.assertGreater(timed[-1][0] - timed[0][0], 2)
        self.assertEqual([time for time, _ in timed], sorted(time for time, _ in timed))
        # kubectl sends whole seconds: the first that begins after the first line.
        second = int(timed[0][0]) + 1
        since = datetime.datetime.fromtimestamp(second, datetime.timezone.utc).isoformat()
        later = [one for one in timed if one[0] >= second]
        self.assertTrue(0 < len(later) < len(timed))
        self.assertEqual(self.timed_logs("done", f"--since-time={since}"), later)
        self.assertEqual(self.timed_logs("done", f"--since-time={since}", "--tail=1"), timed[-1:])
        wrong = self.try_kubectl("get", "--raw", "/api/v1/namespaces/default/pods/done/log?tailLines=-1")
        self.assertNotEqual(wrong.returncode, 0)
        self.assertIn("tailLines", wrong.stderr)

    def test_the_log_of_the_last_seconds(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        self.run_pod(wasm_pod("ticks", "test.example/ticker:v1"))
        self.read_until(self.open_kubectl("logs", "-f", "ticks"), "tick 40\n")
        before = time.time()
        recent = self.timed_logs("ticks", "--since=2s")
        after = time.time()
        every = self.timed_logs("ticks")
        self.assertGreaterEqual(recent[0][0], before - 2)
        self.assertLess(every[0][0], before - 2)
        for one in every:
            if after - 2 <= one[0] <= before:
                self.assertIn(one, recent)

    def test_the_log_of_the_start_before(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        self.plane.apply(wasm_pod("again", "test.example/ticker:v1", {"args": ["1", "3"]}))
        self.plane.wait("pod/again", "jsonpath={.status.containerStatuses[0].restartCount}=1")
        self.assertEqual(self.kubectl("logs", "again", "--previous"), "tick 1\ntick 2\ntick 3\n")
        self.assertEqual(self.kubectl("logs", "again", "--previous", "--tail=1"), "tick 3\n")

    def test_the_sites_own_pods_go_by_their_mirrors_names(self):
        self.site.pack("ticker", "test.example/ticker:v1")
        own = wasm_pod("own", "test.example/ticker:v1")
        del own["spec"]["tolerations"]
        self.site.write("own.yaml", own)
        self.join()
        self.plane.wait(f"pod/own-{NODE}", "create")
        self.plane.wait(f"pod/own-{NODE}", "condition=Ready")
        self.assertIn("tick 1\n", self.kubectl("logs", f"own-{NODE}"))

    def test_a_program_is_attached_to_and_has_nothing_to_enter(self):
        self.site.pack("cat", "test.example/cat:v1")
        self.join()
        self.run_pod(wasm_pod("cat", "test.example/cat:v1", {"stdin": True}))
        for environment in (WEBSOCKET, SPDY):
            attached = self.open_kubectl("attach", "-i", "cat", env=environment)
            attached.stdin.write("hello\n")
            attached.stdin.flush()
            self.read_until(attached, "hello")
            attached.kill()
            refused = self.try_kubectl("exec", "cat", "--", "ls", env=environment)
            self.assertNotEqual(refused.returncode, 0)
            self.assertIn("Wasm", refused.stderr)


class Containers(KubeletTest):
    """Containers, by everything that carries streams."""

    kind = "whole"

    def setUp(self):
        need_root()
        super().setUp()
        self.site.import_busybox()
        self.join()

    def check_exec(self, environment):
        self.assertEqual(self.kubectl("exec", "box", "--", "echo", "hello", env=environment), "hello\n")
        done = self.try_kubectl("exec", "box", "--", "sh", "-c", "echo out; echo err >&2; exit 7", env=environment)
        self.assertEqual((done.returncode, done.stdout), (7, "out\n"))
        self.assertTrue(done.stderr.startswith("err\n"), done.stderr)
        # Input with its end, more than any buffer holds, there and back.
        text = "".join(f"line {i}\n" for i in range(200_000))
        self.assertEqual(self.kubectl("exec", "-i", "box", "--", "cat", input=text, env=environment), text)
        missing = self.try_kubectl("exec", "box", "--", "no-such-program", env=environment)
        self.assertNotEqual(missing.returncode, 0)
        self.assertIn("no-such-program", missing.stderr)

    def check_copy(self, environment):
        with tempfile.TemporaryDirectory() as folder:
            source, back = pathlib.Path(folder, "file"), pathlib.Path(folder, "back")
            source.write_bytes(bytes(range(256)) * 20_000)
            self.kubectl("cp", str(source), "box:/tmp/file", env=environment)
            self.kubectl("cp", "box:/tmp/file", str(back), env=environment)
            self.assertEqual(back.read_bytes(), source.read_bytes())

    def check_forward(self, environment):
        forward = self.open_kubectl("port-forward", "pod/box", ":8080", env=environment)
        line = self.read_until(forward, "Forwarding from 127.0.0.1:")[-1]
        port = int(line.split("127.0.0.1:")[1].split()[0])
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(3):
            with opener.open(f"http://127.0.0.1:{port}/index.html", timeout=TIMEOUT_S) as answer:
                self.assertEqual(answer.read(), b"hello from a container\n")
        forward.kill()
        closed = self.open_kubectl("port-forward", "pod/box", ":8081", env=environment)
        line = self.read_until(closed, "Forwarding from 127.0.0.1:")[-1]
        port = int(line.split("127.0.0.1:")[1].split()[0])
        with self.assertRaises(OSError):
            opener.open(f"http://127.0.0.1:{port}/", timeout=TIMEOUT_S)
        self.read_until(closed, "an error occurred forwarding")

    def check_attach(self, environment):
        attached = self.open_kubectl("attach", "-i", "reader", env=environment)
        attached.stdin.write("word\n")
        attached.stdin.flush()
        self.read_until(attached, "got word")
        attached.kill()

    def check_all(self, *environments):
        self.run_pod(container_pod("box", "busybox ln -s busybox /bin/tar; exec httpd -f -p 8080 -h /www",
                                   readinessProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 1}))
        self.run_pod(container_pod("reader", "while read line; do echo got $line; done", stdin=True))
        for environment in environments:
            for check in (self.check_exec, self.check_copy, self.check_forward, self.check_attach):
                with self.subTest(check=check.__name__, environment=environment):
                    check(environment)

    def server_passes_websockets_on(self):
        """As API servers do since 1.36."""
        return int(json.loads(self.plane.kubectl("version", "-o", "json"))["serverVersion"]["minor"]) >= 36

    def test_websockets_that_the_api_server_passes_on(self):
        if not self.server_passes_websockets_on():
            self.skipTest("this API server makes SPDY of WebSockets")
        self.assertEqual(self.plane.get("node", NODE)["status"]["declaredFeatures"], ["ExtendWebSocketsToKubelet"])
        self.check_all(WEBSOCKET)

    def test_spdy(self):
        self.check_all(SPDY)

    def test_an_api_server_that_makes_spdy_of_websockets(self):
        """As all do before 1.36."""
        if self.server_passes_websockets_on():
            self.addCleanup(self.set_api_flags, list(self.plane.api_flags))
            self.set_api_flags([*self.plane.api_flags, "--feature-gates=ExtendWebSocketsToKubelet=false"])
        self.check_all(WEBSOCKET)

    def set_api_flags(self, flags):
        self.plane.stop_api_server()
        self.plane.api_flags = flags
        self.plane.start_api_server()


class Usage(KubeletTest):
    def test_what_a_program_uses_is_told(self):
        need_root()  # for cgroups
        self.site.pack("ticker", "test.example/ticker:v1")
        self.join()
        self.run_pod(wasm_pod("ticks", "test.example/ticker:v1", {"args": ["1"]}))
        raw = lambda path: self.kubectl("get", "--raw", f"/api/v1/nodes/{NODE}/proxy/{path}")
        labels = '{container="main",namespace="default",pod="ticks"}'
        metrics = dict(line.rsplit(" ", 1) for line in raw("metrics/resource").splitlines() if not line.startswith("#"))
        self.assertGreater(float(metrics["container_cpu_usage_seconds_total" + labels]), 0)
        self.assertGreater(float(metrics["container_memory_working_set_bytes" + labels]), 100_000)
        self.assertGreater(float(metrics["container_start_time_seconds" + labels]), 1_600_000_000)
        self.assertGreater(float(metrics["node_cpu_usage_seconds_total"]), 0)
        self.assertGreater(float(metrics["node_memory_working_set_bytes"]), 10_000_000)
        summary = json.loads(raw("stats/summary"))
        self.assertEqual(summary["node"]["nodeName"], NODE)
        pod = next(one for one in summary["pods"] if one["podRef"]["name"] == "ticks")
        self.assertEqual(pod["podRef"]["uid"], self.plane.get("pod", "ticks")["metadata"]["uid"])
        self.assertGreater(pod["containers"][0]["cpu"]["usageCoreNanoSeconds"], 0)
        self.assertGreaterEqual(pod["memory"]["workingSetBytes"], pod["containers"][0]["memory"]["workingSetBytes"])
        self.assertIn("container_memory_usage_bytes" + labels, raw("metrics/cadvisor"))
        self.assertIn("duet_build_info", raw("metrics"))
        self.assertEqual([one["metadata"]["name"] for one in json.loads(raw("pods"))["items"]], ["ticks"])


class Rights(KubeletTest):
    def test_who_may_ask(self):
        self.join()
        self.assertEqual(self.ask("/pods"), (401, "Unauthorized"))
        self.assertEqual(self.ask("/pods", token="nonsense")[0], 401)
        stranger = self.plane.authority.issue("stranger", "/CN=stranger")
        status, body = self.ask("/pods", client=stranger)
        self.assertEqual(status, 403)
        self.assertIn("user=stranger", body)
        self.assertEqual(self.ask("/healthz", client=self.plane.authority.issue("admin-of-all", "/O=system:masters/CN=a")), (200, "ok"))
        self.plane.kubectl("create", "serviceaccount", "collector")
        token = self.plane.kubectl("create", "token", "collector").strip()
        self.assertEqual(self.ask("/pods", token=token)[0], 403)
        self.plane.kubectl("create", "serviceaccount", "reader")
        self.plane.kubectl("create", "clusterrolebinding", "reader", "--clusterrole=system:kubelet-api-admin",
                           "--serviceaccount=default:reader")
        token = self.plane.kubectl("create", "token", "reader").strip()
        self.assertEqual(json.loads(self.ask("/pods", token=token)[1])["kind"], "PodList")

    def test_the_serving_certificate(self):
        self.join()
        self.approve_serving_certificate()
        self.check_verified()
        # The next agent has it from the start.
        self.site.kill_agent()
        self.start()
        self.check_verified()
        self.assertEqual(self.site.log.read_text().count("kubectl certificate approve"), 1)

    def check_verified(self):
        admin = self.plane.authority.issue("admin-of-all", "/O=system:masters/CN=a")
        context = ssl.create_default_context(cafile=str(self.plane.ca_file))
        self.assertEqual(self.ask("/healthz", client=admin, context=context), (200, "ok"))


if __name__ == "__main__":
    unittest.main()
