"""A real Kubernetes control plane on loopback for a test: etcd, kube-apiserver, kube-controller-manager and kube-scheduler,
with certificates of its own, and kubectl to look at it. tests/control_plane holds the Go program that they all are."""

import atexit
import base64
import ctypes
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading

from site_fixture import BUILD, SOURCE, free_port

# An older one, where version_skew.sh says so.
PROGRAMS = pathlib.Path(os.environ.get("DUET_CONTROL_PLANE", BUILD / "control_plane"))
TIMEOUT_S = 120
TOKEN = "abcdef.0123456789abcdef"


def die_with_parent():
    """In a child: it ends when the test does, however that ends."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Daemon:
    """One program, and its log."""

    def __init__(self, folder, name, *flags):
        self.log = folder / f"{name}.log"
        self.lines = threading.Condition()
        self.count = 0
        self.seen = []
        self.process = subprocess.Popen([str(PROGRAMS / name), *flags], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, errors="replace", preexec_fn=die_with_parent, cwd=folder)
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        with self.process.stdout as stream, open(self.log, "w", encoding="utf-8") as log:
            for line in stream:
                log.write(line)
                log.flush()
                with self.lines:
                    self.count += 1
                    self.lines.notify_all()
        with self.lines:
            self.count = -1
            self.lines.notify_all()

    def wait_for(self, what, holds):
        """Returns when holds() is true; it is asked again with every line of the log, and once a second at the latest."""
        over = threading.Event()
        timer = threading.Timer(TIMEOUT_S, over.set)
        timer.start()
        seen = 0
        try:
            while not holds():
                with self.lines:
                    self.lines.wait_for(lambda: self.count != seen, timeout=1)
                    seen = self.count
                if over.is_set() or seen == -1:
                    raise AssertionError(f"{self.log.stem}: waited for {what}\n{self.log.read_text()[-3000:]}")
        finally:
            timer.cancel()

    def stop(self):
        self.process.kill()  # what it knows goes as well
        self.process.wait()


class Authority:
    """A certificate authority in a folder, made with openssl."""

    def __init__(self, folder):
        self.folder = folder
        self.certificate = folder / "ca.crt"
        self.key = folder / "ca.key"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                      "-subj", "/CN=test-cluster", "-keyout", str(self.key), "-out", str(self.certificate),
                      "-addext", "keyUsage=critical,keyCertSign,digitalSignature")

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=self.folder)

    def issue(self, name, subject, names="", usage="clientAuth"):
        """A certificate and its key, as files."""
        certificate, key, request = (self.folder / f"{name}.{end}" for end in ("crt", "key", "csr"))
        self._openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-subj", subject, "-keyout", str(key), "-out", str(request))
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"extendedKeyUsage={usage}\n" + (f"subjectAltName={names}\n" if names else ""))
        self._openssl("x509", "-req", "-in", str(request), "-CA", str(self.certificate), "-CAkey", str(self.key),
                      "-CAcreateserial", "-days", "3650", "-out", str(certificate), "-extfile", str(extensions))
        return certificate, key

    def signing_key(self):
        """The key pair of service account tokens."""
        self._openssl("genrsa", "-out", "sa.key", "2048")
        self._openssl("rsa", "-in", "sa.key", "-pubout", "-out", "sa.pub")
        return self.folder / "sa.key", self.folder / "sa.pub"


class ControlPlane:
    """One cluster without nodes. Stop it, always."""

    def __init__(self, controllers=True, audit=False):
        """`audit`: who asked for what stands in audit_log, one JSON object a line."""
        if not (PROGRAMS / "kube-apiserver").exists():
            raise AssertionError(f"no control plane in {PROGRAMS}; build it: ninja -C {BUILD} control_plane")
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="duet-cluster-"))
        self.daemons = {}
        atexit.register(self.close)
        self.authority = Authority(self.root)
        self.port = free_port()
        self.server = f"https://127.0.0.1:{self.port}"
        self.ca_file = self.root / "ca.crt"
        self.admin = self.kubeconfig("admin", "/O=system:masters/CN=admin")
        self.audit_log = self.root / "audit.log"
        self.audited = audit
        self._start_etcd()
        self._start_api_server()
        if controllers:
            self._start_controllers()

    # --- starting ---

    def start_daemon(self, name, *flags):
        """Starts a program of the control plane, which ends with it."""
        self.daemons[name] = Daemon(self.root, name, *flags)
        return self.daemons[name]

    def _start_etcd(self):
        self.etcd, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        self.start_daemon("etcd", "--data-dir", str(self.root / "etcd"), "--listen-client-urls", self.etcd,
                    "--advertise-client-urls", self.etcd, "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
                    "--initial-cluster", f"default={peers}", "--unsafe-no-fsync", "--log-level", "warn")

    def _start_api_server(self):
        certificate, key = self.authority.issue("apiserver", "/CN=kube-apiserver",
                                                "IP:127.0.0.1,IP:10.96.0.1,DNS:localhost,DNS:kubernetes.default.svc", "serverAuth")
        client, client_key = self.authority.issue("kubelet-client", "/O=test:kubelet-clients/CN=kube-apiserver-kubelet-client")
        signing, public = self.authority.signing_key()
        (self.root / "front-proxy").mkdir()
        front_proxy = Authority(self.root / "front-proxy")
        proxy, proxy_key = front_proxy.issue("client", "/CN=front-proxy-client")
        self.api_flags = [
            "--etcd-servers", self.etcd, "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1",
            "--secure-port", str(self.port), "--tls-cert-file", str(certificate), "--tls-private-key-file", str(key),
            "--client-ca-file", str(self.ca_file), "--service-account-issuer", "https://kubernetes.default.svc",
            "--service-account-key-file", str(public), "--service-account-signing-key-file", str(signing),
            "--service-cluster-ip-range", "10.96.0.0/16", "--authorization-mode", "Node,RBAC",
            "--enable-admission-plugins", "NodeRestriction", "--enable-bootstrap-token-auth=true",
            "--endpoint-reconciler-type", "none", "--kubelet-preferred-address-types", "InternalIP,Hostname",
            "--kubelet-client-certificate", str(client), "--kubelet-client-key", str(client_key),
            # How it shows API servers behind it for whom it asks.
            "--requestheader-client-ca-file", str(front_proxy.certificate), "--requestheader-allowed-names", "front-proxy-client",
            "--requestheader-username-headers", "X-Remote-User", "--requestheader-group-headers", "X-Remote-Group",
            "--requestheader-extra-headers-prefix", "X-Remote-Extra-", "--proxy-client-cert-file", str(proxy),
            "--proxy-client-key-file", str(proxy_key),
            "--allow-privileged=true"]
        if self.audited:
            policy = self.root / "audit-policy.json"
            policy.write_text(json.dumps({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["ResponseStarted", "ResponseComplete"],
                                          "rules": [{"level": "Metadata"}]}))
            self.api_flags += ["--audit-policy-file", str(policy), "--audit-log-path", str(self.audit_log)]
        self.start_api_server()
        for rights in ("join-rights", "route-rights"):
            self.kubectl("apply", "-f", str(SOURCE / f"examples/cluster/{rights}.yaml"))
        self.apply(bootstrap_token(TOKEN), kubelet_clients())

    def start_api_server(self):
        """Starts it (again), and returns when it is ready."""
        daemon = self.start_daemon("kube-apiserver", *self.api_flags)
        daemon.wait_for("the API server to be ready", lambda: self.try_kubectl("get", "--raw", "/readyz").returncode == 0)

    def stop_api_server(self):
        self.daemons.pop("kube-apiserver").stop()

    def _start_controllers(self):
        for name, flags in (
                ("kube-controller-manager",
                 ("--controllers", "*,bootstrap-signer-controller,token-cleaner-controller", "--use-service-account-credentials",
                  # A node counts as away when two of its leases are missed: in tests soon.
                  "--node-monitor-grace-period=25s",
                  "--service-account-private-key-file", str(self.root / "sa.key"), "--root-ca-file", str(self.ca_file),
                  "--cluster-signing-cert-file", str(self.ca_file), "--cluster-signing-key-file", str(self.authority.key))),
                ("kube-scheduler", ())):
            config = self.kubeconfig(name, f"/CN=system:{name}")
            self.start_daemon(name, "--kubeconfig", str(config), "--leader-elect=false", "--secure-port=0", *flags)
        self.kubectl("wait", "--for=create", "serviceaccount/default", f"--timeout={TIMEOUT_S}s")

    # --- asking ---

    def kubeconfig(self, name, subject):
        """A kubeconfig with a certificate for `subject`."""
        certificate, key = self.authority.issue(name, subject)
        return self.write_kubeconfig(name, {"client-certificate": str(certificate), "client-key": str(key)})

    def write_kubeconfig(self, name, user, server=None):
        path = self.root / f"{name}.kubeconfig"
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": name}}],
            "clusters": [{"name": "test", "cluster": {"server": server or self.server, "certificate-authority-data": self.ca_bundle()}}],
            "users": [{"name": name, "user": user}]}))
        return path

    def ca_bundle(self):
        """The cluster's authority as objects and kubeconfigs have it."""
        return base64.b64encode(self.ca_file.read_bytes()).decode()

    def try_kubectl(self, *words, input=None, kubeconfig=None):
        return subprocess.run([str(PROGRAMS / "kubectl"), "--kubeconfig", str(kubeconfig or self.admin), *words], input=input, text=True,
                              capture_output=True, timeout=TIMEOUT_S * 2, env={"HOME": str(self.root), "PATH": "/usr/bin:/bin"})

    def kubectl(self, *words, input=None):
        """Runs kubectl as the cluster's administrator; gives its standard output."""
        done = self.try_kubectl(*words, input=input)
        if done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def apply(self, *objects):
        self.kubectl("apply", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def get(self, kind, name, namespace="default"):
        """The object, or nothing."""
        done = self.try_kubectl("get", kind, name, "-n", namespace, "-o", "json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait(self, what, condition, namespace="default", timeout_s=TIMEOUT_S):
        """kubectl wait --for=CONDITION."""
        done = self.try_kubectl("wait", "-n", namespace, f"--for={condition}", what, f"--timeout={timeout_s}s")
        if done.returncode != 0:
            state = self.try_kubectl("get", what, "-n", namespace, "-o", "yaml").stdout
            raise AssertionError(f"waited for {what}: {condition}\n{done.stderr}{state[-3000:]}")

    def wait_replaced(self, kind, name, uid, namespace="default"):
        """Returns when another object than the one with `uid` has the name. (kubectl's waiting for a deletion does not notice one that is
        made again within milliseconds.)"""
        watch = subprocess.Popen([str(PROGRAMS / "kubectl"), "--kubeconfig", str(self.admin), "get", kind, name, "-n", namespace, "--watch",
                                  "-o", "jsonpath={.metadata.uid}{'\\n'}"], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        timer = threading.Timer(TIMEOUT_S, watch.kill)
        timer.start()
        try:
            with watch.stdout as seen:
                if not any(line.strip() not in ("", uid) for line in seen):
                    raise AssertionError(f"waited {TIMEOUT_S} s for another {kind} {name}")
        finally:
            timer.cancel()
            watch.kill()
            watch.wait()

    # --- the end ---

    def close(self):
        atexit.unregister(self.close)
        for name in ("metrics-server", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd"):
            if name in self.daemons:
                self.daemons.pop(name).stop()
        shutil.rmtree(self.root, ignore_errors=True)


class Line:
    """The line between a node and its control plane: a proxy on loopback that can be cut."""

    STALL_S = 1.0  # as long as it takes until bytes that were lost are sent again

    def __init__(self, port):
        self.target = port
        self.delay_s, self.loss, self.chance = 0, 0, random.Random(1)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.whole = True
        self.open = set()
        self.count = 0  # of connections that were let through
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                if not self.whole:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self.target))
                except OSError:
                    near.close()
                    continue
                self.count += 1
                self.open |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source, sink):
        try:
            while data := source.recv(65536):
                self._travel()
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self.lock:
            self.open.discard(source)
        source.close()

    def _travel(self):
        """Waits as long as bytes are on their way."""
        with self.lock:
            lost = self.chance.random() < self.loss
            time_s = self.delay_s + (self.STALL_S if lost else 0)
        if time_s:
            threading.Event().wait(time_s)

    def worsen(self, delay_s, loss):
        """From now on bytes take `delay_s` each way, and the part `loss` of all pieces is lost once."""
        with self.lock:
            self.delay_s, self.loss = delay_s, loss

    def cut(self):
        with self.lock:
            self.whole = False
            for one in self.open:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def restore(self):
        with self.lock:
            self.whole = True

    def close(self):
        self.cut()
        self.listener.close()


def bootstrap_token(token):
    name, secret = token.split(".")
    return {"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
            "metadata": {"name": f"bootstrap-token-{name}", "namespace": "kube-system"},
            "stringData": {"token-id": name, "token-secret": secret, "usage-bootstrap-authentication": "true",
                           "usage-bootstrap-signing": "true"}}


def kubelet_clients():
    """The API server's right to ask kubelets."""
    group = "rbac.authorization.k8s.io"
    return {"apiVersion": f"{group}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "test:kubelet-clients"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "system:kubelet-api-admin"},
            "subjects": [{"apiGroup": group, "kind": "Group", "name": "test:kubelet-clients"}]}
