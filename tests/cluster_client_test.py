#!/usr/bin/env python3
"""The client of API servers against a real one."""

import os
import subprocess
import unittest

from control_plane import TOKEN, ControlPlane
from site_fixture import BUILD

TIMEOUT_S = 120


class RealApiServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.plane = ControlPlane()
        cls.addClassCleanup(cls.plane.close)

    def run_client(self, filters):
        """Runs tests of tests/cluster_client.cc, each of which says in its name what it is about."""
        environment = {name: value for name, value in os.environ.items() if name != "GTEST_OUTPUT"}
        environment["DUET_ADMIN_KUBECONFIG"] = str(self.plane.admin)
        environment["DUET_BOOTSTRAP_KUBECONFIG"] = str(self.plane.write_kubeconfig("bootstrap", {"token": TOKEN}))
        environment["DUET_STRANGER_KUBECONFIG"] = str(self.plane.write_kubeconfig("stranger", {"token": "abcdef.wrong0123456789a"}))
        done = subprocess.run([str(BUILD / "tests" / "cluster_client"), f"--gtest_filter={filters}"], env=environment,
                              capture_output=True, text=True, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, 0, done.stdout[-5000:] + done.stderr[-2000:])
        self.assertNotIn("0 tests from 0 test suites ran", done.stdout)

    def test_objects_are_read_and_written(self):
        self.run_client("Objects.*")

    def test_lists_are_followed(self):
        self.run_client("Watches.*")

    def test_certificates_are_asked_for_kept_and_renewed(self):
        self.run_client("Certificates.*")

    def test_rights_are_what_the_server_says(self):
        self.run_client("Rights.*")


if __name__ == "__main__":
    unittest.main()
