#!/usr/bin/env python3
"""Whole node: static files from a folder and from a ConfigMap, as the confined gateway reads them."""

import gzip
import http.client
import json
import os
import pathlib
import shutil
import tempfile
import unittest

from site_fixture import Site, route


def static_service(name, annotation, value):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "annotations": {f"duet.edge/{annotation}": value}},
            "spec": {"ports": [{"port": 80}]}}


def below(name, path):
    """A route whose path is taken off before the Service is asked."""
    made = route(name, path, name)
    made["spec"]["rules"][0]["filters"] = [
        {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}}]
    return made


def config_map(text):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "pages"}, "data": {"index.html": text}, "binaryData": {"a.png": "aGVsbG8="}}


class Files(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="duet-www-"))
        cls.addClassCleanup(shutil.rmtree, cls.root)
        cls.root.chmod(0o755)
        (cls.root / "shop").mkdir()
        (cls.root / "shop/index.html").write_text("<p>shop")
        (cls.root / "secret").write_text("secret")
        (cls.root / "shop/long.txt").write_text("a line of text\n" * 1000)
        (cls.root / "shop/private").write_text("private")
        (cls.root / "shop/private").chmod(0o600)
        (cls.root / "shop/link").symlink_to("/etc/hostname")
        cls.site = Site()
        cls.addClassCleanup(cls.site.close)
        packed = route("packed", "/long.txt", "www")
        packed["metadata"]["annotations"] = {"duet.edge/compression": "gzip"}
        cls.site.write("site.yaml", packed, static_service("www", "static-files", "www/shop"), below("www", "/www"),
                       static_service("map", "static-configmap", "pages"), below("map", "/map"),
                       static_service("missing", "static-files", "other"), below("missing", "/missing"))
        cls.site.write("pages.yaml", config_map("<p>one"))
        cls.site.start(gateway={"workers": 1, "staticRoots": {"www": str(cls.root)}})
        cls.site.wait_answer("/www/", 200)

    def test_a_folder_of_the_node(self):
        status, fields, body = self.site.request("/www/")
        self.assertEqual((status, body, fields["Content-Type"]), (200, "<p>shop", "text/html; charset=utf-8"))
        self.assertEqual(self.site.request("/www/", headers={"If-None-Match": fields["ETag"]})[0], 304)
        self.assertEqual(self.site.request("/www/index.html", headers={"Range": "bytes=3-"})[::2], (206, "shop"))
        for path, expected in (("/www/../secret", 400), ("/www/%2e%2e/secret", 400), ("/www/link", 404), ("/www/none", 404)):
            self.assertEqual(self.site.request(path)[0], expected, path)

    def test_the_gateway_reads_as_its_own_user(self):
        status, _, body = self.site.request("/www/private")
        self.assertEqual((status, body), (403, "403 Forbidden: FileUnreadable\n"))

    def test_a_route_compresses(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/long.txt", headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        self.assertEqual((answer.status, answer.headers["Content-Encoding"], answer.headers["Vary"]),
                         (200, "gzip", "Accept-Encoding"))
        self.assertLess(len(body), 1000)
        self.assertEqual(gzip.decompress(body).decode(), (self.root / "shop/long.txt").read_text())
        self.assertNotIn("Content-Encoding", self.site.request("/www/long.txt")[1])

    def test_a_config_map_is_served_as_it_is_now(self):
        self.assertEqual(self.site.wait_answer("/map/", 200)[2], "<p>one")
        _, fields, body = self.site.request("/map/a.png")
        self.assertEqual((fields["Content-Type"], body), ("image/png", "hello"))
        self.site.write("pages.yaml", config_map("<p>two"))
        self.site.wait_for("the new page", lambda: self.site.request("/map/")[2] == "<p>two")
        self.site.wait_for("the old one to be removed", lambda: len(os.listdir(self.site.root / "run/static")) == 1)

    def test_what_is_missing_is_told(self):
        self.assertEqual(self.site.wait_answer("/missing/", 503)[2], "503 Service Unavailable: StaticFilesNotFound\n")
        events = json.loads(self.site.duet("get", "events", "-o", "json"))["items"]
        self.assertTrue(any(event["reason"] == "StaticFilesNotFound" and "\"other\"" in event["message"] for event in events))


if __name__ == "__main__":
    unittest.main()
