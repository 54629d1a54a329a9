#!/usr/bin/env python3
"""Whole node: a handler asks a server by https, with an authority that the node's configuration names."""

import http.server
import pathlib
import ssl
import subprocess
import threading
import unittest

from peer import TextHandler
from site_fixture import Site, pod, route, service


def run(*command):
    subprocess.run(command, check=True, capture_output=True)


def make_authority(folder, name):
    """<folder>/<name>.pem and its key."""
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
        "-subj", f"/CN={name}", "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem")
    return folder / f"{name}.pem"


def sign(folder, authority, host):
    """A certificate for `host`, with its key in one file."""
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=server",
        "-keyout", f"{folder}/key", "-out", f"{folder}/request")
    (folder / "names").write_text(f"subjectAltName=DNS:{host}\n")
    run("openssl", "x509", "-req", "-in", f"{folder}/request", "-CA", f"{folder}/{authority}.pem", "-CAkey",
        f"{folder}/{authority}.key", "-CAcreateserial", "-days", "1", "-extfile", f"{folder}/names", "-out", f"{folder}/crt")
    made = folder / f"{authority}-{host}"
    made.write_text((folder / "crt").read_text() + (folder / "key").read_text())
    return str(made)


class Echo(TextHandler):
    protocol_version = "HTTP/1.1"

    def text(self):
        return f"{self.command} {self.path} by {self.connection.version()}"


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, certificate):
        super().__init__(("127.0.0.1", 0), Echo)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):  # on the connection's own thread
        try:
            with self.context.wrap_socket(request, server_side=True) as secure:
                super().finish_request(secure, client_address)
        except OSError:
            pass  # a client that does not trust it goes

    def close(self):
        self.shutdown()
        self.server_close()


class Https(unittest.TestCase):
    def setUp(self):
        self.site = Site()
        self.addCleanup(self.site.close)
        self.site.root.chmod(0o755)  # the gateway, which is nobody, writes the handler's log below
        self.folder = self.site.root / "ca"
        self.folder.mkdir()

    def server(self, authority, host="localhost"):
        server = Server(sign(self.folder, authority, host))
        self.addCleanup(server.close)
        return f"https://localhost:{server.server_address[1]}"

    def ask(self, url):
        status, _, body = self.site.request("/", headers={"x-url": url})
        return status, body

    def handler_log(self):
        return "".join(path.read_text() for path in self.site.logs.rglob("*.log"))

    def test_a_handler_asks_servers_of_the_sites_authority(self):
        authority = make_authority(self.folder, "site")
        make_authority(self.folder, "stranger")
        good, wrong, unknown = self.server("site"), self.server("site", "other.test"), self.server("stranger")
        outgoing = pod("asker", "test.example/outgoing:v1", {"ports": [{"containerPort": 80}]})
        outgoing["metadata"]["annotations"] = {"duet.edge/allow-outbound": f"{good}, {wrong}, {unknown}"}
        self.site.pack("outgoing_handler", "test.example/outgoing:v1")
        self.site.write("site.yaml", outgoing, service("asker"), route("all", "/", "asker"))
        named = self.folder / "named.pem"
        named.write_text(authority.read_text())
        self.site.start(gateway={"caFile": str(named)})
        self.site.wait_answer("/", 400)  # it wants to be told where to go

        self.assertEqual(self.ask(f"{good}/x?y"), (200, "GET /x?y by TLSv1.3"))
        self.assertEqual(self.ask(wrong), (502, "error-code 13\n"))
        self.assertEqual(self.ask(unknown), (502, "error-code 13\n"))
        self.assertEqual(self.ask(good.replace("https", "http")), (502, "error-code 15\n"))
        self.site.wait_for("the handler's log", lambda: self.handler_log().count("the server's certificate") == 2)
        self.assertIn(f"outgoing request to {wrong} failed: the server's certificate: hostname mismatch", self.handler_log())
        self.assertIn(f"outgoing request to {unknown} failed: the server's certificate: unable to get local issuer", self.handler_log())

        # The file is read anew with the routes.
        named.write_text((self.folder / "stranger.pem").read_text())
        self.site.write("more.yaml", service("more"))
        self.site.wait_for("the other authority", lambda: self.ask(f"{unknown}/z")[0] == 200)
        # And what is no authority leaves things as they are, and says so.
        named.write_text("nothing")
        self.site.write("more.yaml", service("again"))
        told = f"certificate authorities of {pathlib.Path(named)}: there is no certificate in PEM"
        self.site.wait_for("a line in the agent's log", lambda: told in self.site.tail())
        self.assertEqual(self.ask(f"{unknown}/z")[0], 200)


if __name__ == "__main__":
    unittest.main()
