"""What the tests of the Python package share.

FC_PEER_PYTHON is a Python with grpcio, FC_COMPANION_PYTHON one with farcall as grpc and the packages that build on
grpcio, FC_TEST_CERTS a folder made by scripts/certs.sh; scripts/python.sh sets them.
"""

import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "python"))


def _from_environment(name, otherwise):
    path = pathlib.Path(os.environ.get(name, ROOT / "build" / otherwise))
    if not path.exists():
        pytest.fail(f"{path} is missing: set {name}, or run scripts/python.sh")
    return path


@pytest.fixture(scope="session")
def root():
    """The source tree."""
    return ROOT


@pytest.fixture(scope="session")
def peer_python():
    """The interpreter that has grpcio."""
    return str(_from_environment("FC_PEER_PYTHON", "peers/python/bin/python"))


@pytest.fixture(scope="session")
def certs(tmp_path_factory):
    """The folder of certificates."""
    if "FC_TEST_CERTS" in os.environ:
        return pathlib.Path(os.environ["FC_TEST_CERTS"])
    folder = tmp_path_factory.mktemp("certs") / "certs"
    subprocess.run([ROOT / "scripts" / "certs.sh", folder], check=True)
    return folder


class Ran:
    """A program that has ended."""

    def __init__(self, completed):
        self.code = completed.returncode
        self.out = completed.stdout
        self.err = completed.stderr

    def silent(self):
        """Asserts that it succeeded and had nothing to complain about; returns what it printed."""
        assert (self.code, self.err) == (0, ""), f"exit code {self.code}\n{self.err}"
        return self.out


@pytest.fixture
def run():
    """run(program, *arguments, python=..., timeout=...): runs a program text in an interpreter of its own."""

    def run_program(program, *arguments, python=sys.executable, timeout=30, env=None):
        command = [python, "-c", textwrap.dedent(program), *map(str, arguments)]
        completed = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            env={**os.environ, **(env or {})},
            check=False,
        )
        return Ran(completed)

    return run_program


class Started:
    """A program that runs and has said something on its first line of output, such as its port."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said = self.process.stdout.readline().strip()
        assert self.said, f"{command} ended before it said anything"

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()


@pytest.fixture
def start():
    """start(command): runs a server in the background until the test ends; it is to leave when its stdin closes."""
    running = []

    def start_program(*command):
        running.append(Started([str(word) for word in command]))
        return running[-1]

    yield start_program
    for program in running:
        program.stop()


@pytest.fixture(params=["farcall", "grpcio"], scope="module")
def echo_port(request):
    """The port of support/echo_server.py, run by farcall and by grpcio in turn."""
    server = ROOT / "tests" / "python" / "support" / "echo_server.py"
    python = sys.executable if request.param == "farcall" else request.getfixturevalue("peer_python")
    running = Started([python, str(server), *(["farcall"] if request.param == "farcall" else [])])
    yield running.said
    running.stop()
