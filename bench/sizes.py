"""Memory of what is held open, the size of the libraries, and the time of a build."""
import os
import shutil
import subprocess
import tempfile
import threading
import time

import lab

GRPC_LIBRARIES = r"^lib(grpc|gpr|upb|address_sorting|protobuf|absl|cares|re2)"


def held(system, how, work, number):
    """Bytes that one of `number` held objects takes: (client, server)."""
    with lab.Server(system.server(how)) as server:
        command = system.client(f"{work}={number}", server, "1")
        client = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        watchdog = threading.Timer(60, client.kill)
        watchdog.start()
        try:
            seen = []
            for _ in range(2):
                if not client.stdout.readline():
                    raise lab.Failed(f"{work}: the client ended early")
                time.sleep(0.2)
                seen.append((lab.memory_kb(client.pid), lab.memory_kb(server.pid)))
                client.stdin.write("\n")
                client.stdin.flush()
            client.wait()
        finally:
            watchdog.cancel()
            client.kill()
            client.communicate()
    return tuple((after - before) * 1024 / number for before, after in zip(*seen))


def stripped(libraries, folder):
    """Total size in bytes of copies without symbols."""
    total = 0
    for library in libraries:
        copy = os.path.join(folder, "stripped.so")
        lab.run(["strip", "--strip-unneeded", "-o", copy, library])
        total += os.path.getsize(copy)
        os.remove(copy)
    return total


def build_seconds(source, compiler):
    """A clean release build of the library, configuring included."""
    folder = tempfile.mkdtemp(prefix="farcall-build-")
    try:
        begun = time.monotonic()
        lab.run(["cmake", "--preset", "release", "-B", folder, f"-DCMAKE_C_COMPILER={compiler}"], cwd=source)
        lab.run(["cmake", "--build", folder, "-j", str(len(lab.CPUS))], timeout=600)
        return time.monotonic() - begun
    finally:
        shutil.rmtree(folder, ignore_errors=True)
