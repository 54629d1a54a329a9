"""A real metrics-server for a test's control plane, behind its API server as an APIService."""

from site_fixture import free_port

NAME, NAMESPACE = "metrics-server", "kube-system"
RIGHTS = "rbac.authorization.k8s.io"
RESOLUTION_S = 10  # the shortest that it takes


def start(plane):
    """Starts it and returns when the API server has found it. It ends with the control plane."""
    port = free_port()
    plane.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": NAMESPACE}},
                *rights(), service(), api_service(plane, port))
    token = plane.kubectl("create", "token", NAME, "-n", NAMESPACE, "--duration=2h").strip()
    config = str(plane.write_kubeconfig(NAME, {"token": token}))
    certificate, key = plane.authority.issue(NAME, f"/CN={NAME}", f"DNS:{NAME}.{NAMESPACE}.svc", "serverAuth")
    daemon = plane.start_daemon(NAME, "--kubeconfig", config, "--authentication-kubeconfig", config, "--authorization-kubeconfig", config,
                                "--bind-address", "127.0.0.1", "--secure-port", str(port), "--tls-cert-file", str(certificate),
                                "--tls-private-key-file", str(key), "--metric-resolution", f"{RESOLUTION_S}s",
                                "--kubelet-preferred-address-types", "InternalIP", "--kubelet-use-node-status-port",
                                "--kubelet-certificate-authority", str(plane.ca_file), "--kubelet-request-timeout", "5s")
    daemon.wait_for("the API server to find it", lambda: plane.try_kubectl("get", "--raw", "/apis/metrics.k8s.io/v1beta1").returncode == 0)


def rights():
    """What it may: ask who asks it, see nodes and pods, and read kubelets' metrics."""
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    yield {"apiVersion": f"{RIGHTS}/v1", "kind": "ClusterRole", "metadata": {"name": NAME},
           "rules": [{"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
                     {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]}]}
    for role in (NAME, "system:auth-delegator"):
        yield {"apiVersion": f"{RIGHTS}/v1", "kind": "ClusterRoleBinding", "metadata": {"name": f"{NAME}:{role}"},
               "roleRef": {"apiGroup": RIGHTS, "kind": "ClusterRole", "name": role}, "subjects": [subject]}
    yield {"apiVersion": f"{RIGHTS}/v1", "kind": "RoleBinding", "metadata": {"name": NAME, "namespace": NAMESPACE},
           "roleRef": {"apiGroup": RIGHTS, "kind": "Role", "name": "extension-apiserver-authentication-reader"}, "subjects": [subject]}


def service():
    """There is no network of Services: the API server takes this one by its external name."""
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME, "namespace": NAMESPACE},
            "spec": {"type": "ExternalName", "externalName": "localhost"}}


def api_service(plane, port):
    return {"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"},
            "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
                     "caBundle": plane.ca_bundle(), "service": {"name": NAME, "namespace": NAMESPACE, "port": port}}}
