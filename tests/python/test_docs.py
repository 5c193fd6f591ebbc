"""The programs of docs/python, with the code generated for their service, against farcall's server and grpcio's."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

PAGES = pathlib.Path(__file__).resolve().parents[2] / "docs" / "python"
PROGRAMS = sorted(page.stem for page in (PAGES / "expected").glob("*.txt"))
OURS_ALONE = {"client_stream"}  # gives a list of requests, where grpcio takes iterators only


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Where the generated code is, and beside it a `farcall` that is grpcio, so that all programs run on that too."""
    generated = tmp_path_factory.mktemp("generated")
    tools = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PAGES}"]
    subprocess.run(
        [*tools, f"--python_out={generated}", f"--grpc_python_out={generated}", "places.proto"], check=True
    )
    instead = tmp_path_factory.mktemp("grpcio")
    shutil.copytree(generated, instead, dirs_exist_ok=True)
    (instead / "farcall.py").write_text("install_as_grpc = lambda: None\n")
    return {"farcall": generated, "grpcio": instead}


@pytest.fixture(scope="module")
def interpreters():
    peer = os.environ.get("FC_PEER_PYTHON", str(PAGES.parents[1] / "build/peers/python/bin/python"))
    return {"farcall": sys.executable, "grpcio": peer}


def environment(folder):
    paths = [str(folder), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


@pytest.fixture(scope="module")
def target_of(folders, interpreters, certs):
    """target_of(package, secure): the port of a server, one for each kind in the whole module."""
    servers = {}

    def target(package, secure):
        if (package, secure) not in servers:
            command = [interpreters[package], PAGES / "server.py", "localhost:0", *([certs] if secure else [])]
            server = subprocess.Popen(
                command, stdout=subprocess.PIPE, text=True, env=environment(folders[package])
            )
            servers[package, secure] = server, server.stdout.readline().strip()
        return "localhost:" + servers[package, secure][1]

    yield target
    for server, _ in servers.values():
        server.send_signal(signal.SIGTERM)
    try:
        assert [server.wait(10) for server, _ in servers.values()] == [0] * len(servers)
    finally:
        for server, _ in servers.values():
            server.kill()
            server.wait()
            server.stdout.close()


@pytest.mark.parametrize("server", ["farcall", "grpcio"])
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_prints_what_its_page_says(program, server, target_of, folders, certs):
    check(program, sys.executable, target_of(server, program == "secure"), folders["farcall"], certs)


@pytest.mark.parametrize("program", [program for program in PROGRAMS if program not in OURS_ALONE])
def test_the_same_program_does_the_same_on_grpcio(program, target_of, folders, interpreters, certs):
    target = target_of("farcall", program == "secure")
    check(program, interpreters["grpcio"], target, folders["grpcio"], certs)


def check(program, python, target, folder, certs):
    command = [python, PAGES / f"{program}.py", target, *([certs] if program == "secure" else [])]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=30, env=environment(folder), check=False
    )
    assert (done.stdout, done.returncode) == ((PAGES / "expected" / f"{program}.txt").read_text(), 0), done.stderr
    if python == sys.executable:
        assert done.stderr == ""


def test_every_page_is_in_the_readme_and_has_an_output():
    pages = {page.stem for page in PAGES.glob("*.py")} - {"server"}
    assert pages == set(PROGRAMS)
    readme = (PAGES / "README.md").read_text()
    assert all(f"({page}.py)" in readme for page in pages | {"server"})
