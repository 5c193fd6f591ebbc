"""Counts of instructions that are the same in every run and on every machine, as far as programs can make them so.

Client and server share a core, so that both see the same bytes in the same pieces. The C library and OpenSSL use the
instructions that every x86-64 processor with AES has. Only PATH and LD_LIBRARY_PATH come from outside. What is left are
the compiler, its flags and the libraries: conditions() names them.
"""
import collections
import contextlib
import glob
import os
import pathlib
import platform
import re
import sys

import counts
import lab

BENCH = pathlib.Path(__file__).resolve().parent

# Capabilities of the processor that the C library would choose its functions by.
GLIBC_OFF = ("AVX512F AVX512VL AVX512BW AVX2 AVX SSE4_2 SSE4_1 SSSE3 SSE3 ERMS FSRM BMI2 LZCNT MOVBE POPCNT RTM Slow_BSF "
             "Fast_Unaligned_Load Fast_Unaligned_Copy AVX_Fast_Unaligned_Load").split()
OPENSSL_ON = "0x02000203078bffff:0"  # SSE3, SSSE3, PCLMULQDQ and AES beside what all have


# ---- the place ----

def hold_environment_still(folder):
    passed_on = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    os.environ.clear()
    os.environ.update(passed_on)
    os.environ.update({
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join("-" + name for name in GLIBC_OFF)
                          + ":glibc.cpu.x86_non_temporal_threshold=0x40000000",
        "OPENSSL_ia32cap": OPENSSL_ON,
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONPATH": f"{folder}/python:{BENCH.parent}/python/alias",
        "PYTHONPYCACHEPREFIX": f"{folder}/pycache",
    })


def keep_to_one_core(cpus):
    """This thread, and the processes that it starts."""
    os.sched_setaffinity(0, {cpus.pop()})


def let_run_until_asleep(yes):
    """Whether a process goes on when the other one is woken: else each small piece is read by itself, or is not. It waits
    for all others of the machine too, so this is only for workloads with many pieces to a turn."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_BATCH if yes else os.SCHED_OTHER, os.sched_param(0))


# ---- counting ----

class Counter(counts.Instructions):
    """All instructions of a process."""

    def prefix(self, tag):
        return [*super().prefix(tag), "--vgdb=no"]


class CounterOfPython(Counter):
    """Those of the package and of Python. How threads wait for each other, which is the C library's part, differs with
    the load of the machine when there are several."""

    def read(self, tag, log):
        super().read(tag, log)  # fails if the program has not ended by itself
        own = own_instructions(os.path.join(self.folder, tag + ".callgrind"))
        return {"": sum(number for path, number in own.items() if re.search(r"/(_engine|libpython|python|_queue)[^/]*$", path))}


def own_instructions(profile):
    """{path of a program or library: instructions}. Numbers behind a line `calls=` are those of the callee."""
    own, paths, path, of_callee = collections.Counter(), {}, "", False
    with open(profile) as f:
        for line in f:
            if named := re.match(r"c?ob=\((\d+)\)(?: (.*))?", line):
                paths.setdefault(named[1], named[2])
                path = paths[named[1]] if line.startswith("ob=") else path
            elif line.startswith("calls="):
                of_callee = True
            elif cost := re.match(r"[-+*\d]\S* (\d+)$", line):
                own[path] += 0 if of_callee else int(cost[1])
                of_callee = False
    return own


# ---- the programs ----

class WithPython:
    """The Python package on one side; the other is the program in C, so that each side is measured against the same."""

    env = {}

    def __init__(self, side, other):
        self.side, self.other = side, other

    def server(self, how):
        if self.side == "client":
            return self.other.server(how)
        return [sys.executable, str(BENCH / "python" / "server.py"), "1"]  # a second thread may come sooner or later

    def client(self, work, server, limit):
        command = self.other.client(work, server, limit)
        return command if self.side == "server" else [sys.executable, str(BENCH / "python" / "client.py"), *command[1:]]


def systems_of(programs):
    """{(name, side): system}"""
    plain = lab.Peer(programs, "farcall")
    certificates = os.path.join(programs, "certs")
    lab.run([str(BENCH.parent / "scripts" / "certs.sh"), certificates])
    tls = lab.Peer(programs, "farcall", certificates)
    return {**{("C", side): plain for side in counts.SIDES}, **{("TLS", side): tls for side in counts.SIDES},
            **{("Python", side): WithPython(side, plain) for side in counts.SIDES}}


def run_once(system, work):
    """Uncounted. Python compiles what it imports for the first time, and keeps that."""
    with lab.Server(system.server("")) as server:
        lab.run(system.client(work, server, "1"))


# ---- what counts depend on ----

def cmake_value(text, name):
    found = re.search(rf'^(?:{name}:\w+=|set\({name} ")(.*?)"?\)?$', text, re.M)
    return found.group(1) if found else ""


def minor(version):
    return ".".join(version.split(".")[:2])


def conditions(folder):
    """The names and versions on which counts depend."""
    cache = pathlib.Path(folder, "CMakeCache.txt").read_text()
    compiler = pathlib.Path(max(glob.glob(f"{folder}/CMakeFiles/*/CMakeCCompiler.cmake"), key=os.path.getmtime)).read_text()
    flags = [cmake_value(cache, name) for name in ("CMAKE_C_FLAGS", "CMAKE_C_FLAGS_RELEASE")]
    flags += ["-flto"] if cmake_value(cache, "FC_LTO") == "ON" else []
    return {
        "processor": platform.machine(),
        "compiler": " ".join([cmake_value(compiler, "CMAKE_C_COMPILER_ID"),
                              cmake_value(compiler, "CMAKE_C_COMPILER_VERSION").split(".")[0]]),
        "flags": " ".join(filter(None, flags)),
        "C library": " ".join(platform.libc_ver()),
        "OpenSSL": minor(lab.first_line(["openssl", "version"]).split()[1]),
        "Python": platform.python_version(),
    }
