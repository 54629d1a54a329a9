"""`duet run` and `duet serve`: one program, container or handler now, without a node."""

import json
import os
import pathlib
import pty
import select
import signal
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request

import site_fixture
from site_fixture import DUET, GUESTS, TIMEOUT_S, Site


class CommandTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.site = Site()

    @classmethod
    def tearDownClass(cls):
        cls.site.close()

    def run_guest(self, guest, *words, flags=(), input=None):
        return self.site.try_duet("run", *flags, str(GUESTS / f"{guest}.wasm"), *words, input=input)


class RunWasm(CommandTest):
    def test_output_arguments_and_exit_code_are_the_programs(self):
        done = self.run_guest("args", "--", "-x", "two words")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "arg 0 args.wasm\narg 1 -x\narg 2 two words\n")
        self.assertEqual(self.run_guest("exit", "7").returncode, 7)
        self.assertEqual(self.run_guest("cat", input="through\n").stdout, "through\n")

    def test_a_trap_and_a_missing_import_say_why(self):
        trap = self.run_guest("trap")
        self.assertEqual(trap.returncode, 134)
        self.assertIn("trap", trap.stderr)
        missing = self.run_guest("missing_import")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("nowhere", missing.stderr)

    def test_a_folder_is_seen_under_its_name_only(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            pathlib.Path(folder, "in").write_text("from the host\n")
            inside = lambda *words, mode="": self.run_guest("file", *words, flags=("--dir", f"{folder}::/data{mode}"))
            self.assertEqual(inside("read", "/data/in").stdout, "from the host\n")
            self.assertEqual(inside("write", "/data/out", "made").returncode, 0)
            self.assertEqual(pathlib.Path(folder, "out").read_text().strip(), "made")
            self.assertNotEqual(inside("write", "/data/no", "x", mode=":ro").returncode, 0)
            self.assertFalse(pathlib.Path(folder, "no").exists())
            self.assertNotEqual(inside("read", f"{folder}/in").returncode, 0)
            self.assertNotEqual(inside("read", "/data/../etc/passwd").returncode, 0)

    def test_an_image_runs_as_its_file_does(self):
        self.site.pack("exit", "test.example/exit:v1")
        self.assertEqual(self.site.try_duet("run", "test.example/exit:v1", "--", "3").returncode, 3)

    def test_nothing_of_the_host_is_in_the_environment(self):
        environment = dict(os.environ, SECRET="do not tell")
        handler = ["run", "-e", "SHOWN=yes", str(GUESTS / "args.wasm")]
        done = self.site.try_duet(*handler, env=environment)
        self.assertNotIn("do not tell", done.stdout)

    def test_what_is_no_program_is_refused(self):
        handler = self.run_guest("hello_handler")
        self.assertEqual(handler.returncode, 1)
        self.assertIn("duet serve", handler.stderr)
        self.assertIn("there is no file", self.site.try_duet("run", "./nothing.wasm").stderr)
        with tempfile.NamedTemporaryFile(suffix=".wasm") as file:
            file.write(b"\0asm\1\0\0\0 and then nonsense")
            file.flush()
            self.assertEqual(self.site.try_duet("run", file.name).returncode, 1)
        self.assertEqual(self.site.try_duet("run", "/etc/passwd").returncode, 1)

    def test_it_works_as_another_user(self):
        with tempfile.TemporaryDirectory() as home:
            os.chown(home, 65534, 65534)
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "-i", f"HOME={home}", DUET, "run",
                       str(GUESTS / "args.wasm"), "one"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S)
            if "setpriv: failed" in done.stderr:
                self.fail("this test needs root to become another user")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("arg 1 one", done.stdout)
            self.assertTrue(pathlib.Path(home, ".local/state/duet/code").is_dir())


class RunContainer(CommandTest):
    @classmethod
    def setUpClass(cls):
        site_fixture.need_root()
        super().setUpClass()
        cls.site.import_busybox()

    def run_box(self, *words, flags=(), input=None):
        return self.site.try_duet("run", *flags, "test.example/busybox:v1", "--", *words, input=input)

    def test_streams_and_exit_codes_are_the_containers(self):
        done = self.run_box("sh", "-c", "cat; echo err >&2; exit 5", input="through\n")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (5, "through\n", "err\n"))
        done = self.run_box("sh", "-c", "echo $FROM_IMAGE $MINE", flags=("-e", "MINE=also"))
        self.assertEqual(done.stdout, "yes also\n")

    def test_nothing_of_it_is_left(self):
        self.run_box("sh", "-c", "echo x > /tmp/file")
        self.assertEqual(list((self.site.root / "state" / "run").iterdir()), [])
        self.assertNotIn(str(self.site.root), pathlib.Path("/proc/mounts").read_text())

    def test_a_command_that_does_not_exist_is_told(self):
        done = self.run_box("/no/such/program")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("/no/such/program", done.stderr)

    def test_a_folder_and_its_mode(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "in").write_text("from the host\n")
            done = self.run_box("sh", "-c", "cat /host/in; echo x > /host/out", flags=("--dir", f"{folder}::/host:ro"))
            self.assertEqual(done.stdout, "from the host\n")
            self.assertFalse(pathlib.Path(folder, "out").exists())

    def test_it_has_a_terminal_when_asked(self):
        near, far = pty.openpty()
        command = [DUET, "run"] + self.site.flags + ["-t", "test.example/busybox:v1", "--", "sh", "-c", "[ -t 0 ] && echo terminal"]
        with subprocess.Popen(command, stdin=far, stdout=far, stderr=far) as process:
            os.close(far)
            text = read_terminal(near)
            self.assertEqual(process.wait(timeout=TIMEOUT_S), 0, text)
        self.assertIn("terminal", text)

    def test_sigterm_ends_the_container(self):
        command = [DUET, "run"] + self.site.flags + ["test.example/busybox:v1", "--", "sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 1; done"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(timeout=TIMEOUT_S), 9)
        self.assertEqual(list((self.site.root / "state" / "run").iterdir()), [])


class Serve(CommandTest):
    def serve(self, guest, *flags):
        command = [DUET, "serve"] + self.site.flags + ["--addr", "127.0.0.1:0", *flags, str(GUESTS / f"{guest}.wasm")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, process)
        line = process.stderr.readline()
        self.assertIn("http://127.0.0.1:", line)
        return process, line.split("http://")[1].split("/")[0]

    def end(self, process):
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=TIMEOUT_S)

    def test_requests_are_answered_and_logged_until_it_is_interrupted(self):
        process, address = self.serve("hello_handler")
        with urllib.request.urlopen(f"http://{address}/some/path", timeout=TIMEOUT_S) as answer:
            self.assertEqual((answer.status, answer.read()), (200, b"hello from duet\n"))
        entry = json.loads(process.stdout.readline())
        self.assertEqual((entry["path"], entry["status"]), ("/some/path", 200))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(timeout=TIMEOUT_S), 0)
        with self.assertRaises(urllib.error.URLError):
            urllib.request.urlopen(f"http://{address}/", timeout=TIMEOUT_S)

    def test_variables_reach_the_handler(self):
        _, address = self.serve("environment_handler", "--env", "GREETING=Hi there")
        with urllib.request.urlopen(f"http://{address}/", timeout=TIMEOUT_S) as answer:
            self.assertIn("Hi there", answer.read().decode())

    def test_a_taken_port_and_a_program_are_refused(self):
        _, address = self.serve("hello_handler")
        before = gateways()
        taken = self.site.try_duet("serve", "--addr", address, str(GUESTS / "hello_handler.wasm"))
        self.assertEqual(taken.returncode, 1)
        self.assertIn(address, taken.stderr)
        for pid in gateways() - before:
            self.assertTrue(ended(int(pid)), "the gateway of the refused command stays")
        program = self.site.try_duet("serve", str(GUESTS / "hello.wasm"))
        self.assertEqual(program.returncode, 1)
        self.assertIn("duet run", program.stderr)


def gateways():
    """The process IDs of gateways that `duet serve` started and that are not about to end."""
    found = set()
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"duet-gateway" in words and b"/duet-serve-" in words:
            found.add(folder.name)
    return found


def ended(pid):
    """Whether the process ends in time."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ready, _, _ = select.select([process], [], [], TIMEOUT_S)
    os.close(process)
    return bool(ready)


def read_terminal(fd):
    """All output of a terminal until its other side is closed by everyone."""
    text = b""
    while True:
        ready, _, _ = select.select([fd], [], [], TIMEOUT_S)
        try:
            piece = os.read(fd, 4096) if ready else b""
        except OSError:
            piece = b""
        if not piece:
            os.close(fd)
            return text.decode(errors="replace")
        text += piece


if __name__ == "__main__":
    unittest.main()
