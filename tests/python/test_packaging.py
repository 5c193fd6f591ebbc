"""What is distributed, and what having it costs. FC_DIST is the folder of the distributions; scripts/python.sh sets it."""

import os
import pathlib
import resource
import subprocess
import sys
import tarfile
import zipfile

import pytest

import farcall


@pytest.fixture(scope="module")
def distributions():
    folder = os.environ.get("FC_DIST")
    if folder is None:
        pytest.skip("not run by scripts/python.sh")
    return pathlib.Path(folder)


def one(folder, pattern):
    found = list(folder.glob(pattern))
    assert len(found) == 1, found
    return found[0]


def test_one_wheel_serves_all_versions(distributions):
    wheel = one(distributions, "farcall-*.whl")
    assert wheel.name.startswith(f"farcall-{farcall.__farcall_version__}-cp311-abi3-")
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    extensions = [name for name in sizes if name.endswith(".so")]
    assert extensions == ["farcall/_engine.abi3.so"]
    assert sizes[extensions[0]] < 1_000_000
    assert "farcall/py.typed" in sizes
    assert not any(name.startswith(("tests", "docs", "include", "lib")) for name in sizes)


def test_the_source_distribution_holds_what_building_needs_and_no_more(distributions):
    with tarfile.open(one(distributions, "farcall-*.tar.gz")) as archive:
        folders = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {"CMakeLists.txt", "LICENSE", "cmake", "include", "pyproject.toml", "python", "src"} <= folders
    assert folders.isdisjoint({"tests", "bench", "examples", "docs", "fuzz", "build", "scripts"})


def test_the_alias_satisfies_what_asks_for_grpcio(distributions):
    name = one(distributions, "grpcio-*.whl").name
    assert name.split("-")[1] == farcall.__version__


def test_the_extension_exports_nothing_but_its_beginning():
    engine = pathlib.Path(farcall._channel._engine.__file__)
    listed = subprocess.run(["nm", "-D", "--defined-only", engine], capture_output=True, text=True, check=True)
    assert [line.split()[-1] for line in listed.stdout.splitlines()] == ["PyInit__engine"]


def processor_ms(program):
    """The least of several runs: what the work takes, whatever else the machine does."""

    def once():
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", program], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000

    return min(once() for _ in range(10))


def test_importing_takes_fifteen_milliseconds_at_most():
    # Without compiled files, as in a source tree that must not be written to, most of it would be the compiler's.
    if not list(pathlib.Path(farcall.__file__).parent.glob("__pycache__/*.pyc")):
        pytest.skip("the package is not compiled")
    bare = processor_ms("pass")
    # A busy machine is slower at everything: 15 ms are five times what importing enum takes on one that is not.
    limit = max(15, 5 * (processor_ms("import enum") - bare))
    assert processor_ms("import farcall") - bare <= limit
