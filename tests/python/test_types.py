"""The types that users of the package see."""

import os
import pathlib
import subprocess
import sys

import farcall

HERE = pathlib.Path(__file__).parent


def mypy(*arguments):
    """Checks as a user would whose package lies where it was imported from."""
    where = str(pathlib.Path(farcall.__file__).parents[1])
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir=/dev/null", *arguments]
    environment = dict(os.environ)
    if "site-packages" not in where:
        environment["MYPYPATH"] = where
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_a_typed_program_is_clean_under_strict_rules():
    done = mypy(HERE / "typed" / "program.py")
    assert done.returncode == 0, done.stdout


def test_mistakes_are_found(tmp_path):
    program = tmp_path / "wrong.py"
    program.write_text(
        "import farcall as grpc\n"
        "channel = grpc.insecure_channel(1)\n"
        "call: grpc.UnaryUnaryMultiCallable[bytes, str] = channel.unary_unary('/m', bytes, bytes.decode)\n"
        "number: int = call(b'')\n"
        "call('text')\n"
    )
    done = mypy(program)
    assert [line.split(":")[1] for line in done.stdout.splitlines() if ": error:" in line] == ["2", "4", "5"]


def test_the_typed_program_runs(run):
    out = run((HERE / "typed" / "program.py").read_text()).silent()
    assert out == "a c f g\nINVALID_ARGUMENT which?\n"
