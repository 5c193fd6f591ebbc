"""What of a package is not a matter of speed: start, memory, threads, size. Each is measured in fresh processes."""

import os
import pathlib
import subprocess
import time

REPEATS = 15

# A blocking call to a server, and what the process has become by it.
THREADS = """
import grpc, os, sys
before = len(os.listdir("/proc/self/task"))
channel = grpc.insecure_channel("127.0.0.1:" + sys.argv[1])
channel.unary_unary("/bench.Echo/Unary")(b"", timeout=10)
print(len(os.listdir("/proc/self/task")) - before)
"""
RESIDENT = """
import os
def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
"""
MEMORY_OF_IMPORT = RESIDENT + """
before = resident()
import grpc
print(resident() - before)
"""
MEMORY_OF_CHANNELS = RESIDENT + """
import grpc, sys
def connect():
    channel = grpc.insecure_channel("127.0.0.1:" + sys.argv[1], options=[("grpc.use_local_subchannel_pool", 1)])
    channel.unary_unary("/bench.Echo/Unary")(b"", timeout=10)
    return channel
first = connect()
before = resident()
channels = [connect() for _ in range(100)]
print((resident() - before) // 100)
"""


def printed(python, program, *arguments):
    done = subprocess.run(
        [python, "-c", program, *arguments], capture_output=True, text=True, timeout=60, check=True
    )
    return int(done.stdout)


def start_ms(python, program):
    """The least of several, which is what the work takes; the rest is what the machine did besides."""
    def once():
        begun = time.perf_counter()
        subprocess.run([python, "-c", program], check=True)
        return (time.perf_counter() - begun) * 1e3

    return min(once() for _ in range(REPEATS))


def import_ms(python):
    return start_ms(python, "import grpc") - start_ms(python, "pass")


def installed_bytes(python):
    """Of all files of the package, but for compiled Python."""
    show = "import grpc; print(grpc.__file__)"
    done = subprocess.run([python, "-c", show], capture_output=True, text=True, check=True)
    folder = pathlib.Path(done.stdout.strip()).parent
    files = (pathlib.Path(path, name) for path, _, names in os.walk(folder) for name in names)
    return sum(file.stat().st_size for file in files if file.suffix != ".pyc")
