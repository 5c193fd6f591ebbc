"""The ways in which `import grpc` gives farcall."""

import pathlib
import sys

import pytest

PROGRAM = """
import grpc, grpc.experimental, grpc._cython.cygrpc, farcall
from grpc import StatusCode
from grpc.framework.foundation import logging_pool
from grpc._utilities import first_version_is_lower
assert grpc is farcall and sys.modules["grpc"] is farcall
assert grpc.experimental is farcall.experimental
assert grpc._cython.cygrpc is farcall._cython.cygrpc
assert grpc._channel.Channel is farcall._channel.Channel
assert farcall._cython.cygrpc.__spec__.name == "farcall._cython.cygrpc"
try:
    import grpc.nothing
except ModuleNotFoundError as error:
    assert error.name == "grpc.nothing", error.name
print("same", *sys.argv[1:])
"""


def test_installing_makes_all_modules_the_same(run):
    assert run("import sys, farcall; farcall.install_as_grpc(); farcall.install_as_grpc()" + PROGRAM).silent() == "same\n"


def test_installing_after_grpcio_is_refused(peer_python, run):
    import farcall

    where = str(pathlib.Path(farcall.__file__).parents[1])
    program = """
        import sys
        import grpc
        sys.path.insert(0, sys.argv[1])
        import farcall
        assert farcall is not grpc
        try:
            farcall.install_as_grpc()
        except RuntimeError as error:
            print(error)
    """
    said = run(program, where, python=peer_python).silent()
    assert said == "grpc has been imported already: call install_as_grpc() before that\n"


@pytest.mark.parametrize("how", ["file", "module", "code"])
def test_a_program_runs_with_farcall_as_grpc(tmp_path, how, run):
    program = tmp_path / "program.py"
    program.write_text("import sys, beside\n" + PROGRAM + "assert __name__ == '__main__'\n")
    (tmp_path / "beside.py").write_text("")
    arguments = {
        "file": [str(program)],
        "module": ["-m", "program"],
        "code": ["-c", "import sys\n" + PROGRAM],
    }[how]
    start = f"import os, sys; os.chdir({str(tmp_path)!r}); os.execv(sys.executable, [sys.executable, '-m', 'farcall', *sys.argv[1:]])"
    assert run(start, *arguments, "x", "y").silent() == "same x y\n"


def test_a_program_without_a_name_is_told_the_usage(run):
    done = run("import os, sys; os.execv(sys.executable, [sys.executable, '-m', 'farcall'])")
    assert done.code == 1 and done.err.startswith("usage: python -m farcall")


def test_the_alias_package_is_farcall(root, run):
    program = "import sys; sys.path.insert(0, sys.argv.pop(1))" + PROGRAM
    assert run(program, root / "python" / "alias").silent() == "same\n"


def test_pickles_do_not_depend_on_the_alias(run):
    dump = "import farcall, pickle, sys; farcall.install_as_grpc(); import grpc; sys.stdout.write(pickle.dumps([grpc.StatusCode.OK, grpc.RpcError('x')], 0).decode())"
    load = "import pickle, sys; print(pickle.loads(sys.argv[1].encode()))"
    assert run(load, run(dump).silent()).silent() == "[<StatusCode.OK: (0, 'ok')>, RpcError('x')]\n"


def test_generated_code_accepts_the_version(run):
    """What every *_pb2_grpc.py begins with since 1.63, for a generator of today and one to come."""
    run(
        """
        import farcall
        farcall.install_as_grpc()
        import grpc
        from grpc._utilities import first_version_is_lower
        for generated in ("1.63.0", "1.85.1", "1.120.0.dev0"):
            assert not first_version_is_lower(grpc.__version__, generated)
        """
    ).silent()


def test_other_names_of_companions_are_found(run):
    """grpcio's aliases of packages beside it; the package need not be there."""
    if not any((pathlib.Path(path) / "grpc_health").is_dir() for path in sys.path):
        pytest.fail("grpcio-health-checking is not installed: run scripts/python.sh")
    run(
        """
        import farcall
        farcall.install_as_grpc()
        import grpc, grpc.health, grpc_health
        assert grpc.health is grpc_health
        """
    ).silent()
