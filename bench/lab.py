"""The place of the experiments: the machine, its processors, and pairs of a server and a client on them."""
import contextlib
import glob
import json
import os
import platform
import re
import resource
import shutil
import signal
import socket
import subprocess
import time

CPUS = sorted(os.sched_getaffinity(0))
ONE_CORE = (CPUS[0], CPUS[0])
TWO_CORES = (CPUS[0], CPUS[1]) if len(CPUS) > 1 else None
FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # that a process may open
if FILES == resource.RLIM_INFINITY:
    FILES = 1 << 20


class Failed(Exception):
    """A program did not do what it should."""


def have(tool):
    return shutil.which(tool) is not None


def run(command, **options):
    """The completed process; its failure is ours."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=options.pop("timeout", 120), **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit {done.returncode}: {done.stderr.strip()[-300:]}")
    return done


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        return (done.stdout + done.stderr).strip().splitlines()[0]
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "unknown"


# ---- servers ----

def pinned(cpu, command):
    return command if cpu is None else ["taskset", "-c", str(cpu), *command]


def stop(process):
    """Ends a server; returns what it wrote to standard error."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.communicate(timeout=100)[1]  # under callgrind, on a busy machine
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[1]


class Server:
    """One server for the time of a with statement. `log` is its standard error, once it has ended."""

    def __init__(self, command, cpu=None, prefix=(), env=None):
        self.command, self.cpu, self.prefix = command, cpu, list(prefix)
        self.env = {**os.environ, **(env or {})}
        self.log = ""

    def __enter__(self):
        own_port = "{port}" in self.command  # it is told one, and does not say
        self.port = str(free_port()) if own_port else None
        command = [part.replace("{port}", self.port or "") for part in self.command]
        self.process = subprocess.Popen(pinned(self.cpu, self.prefix + command), stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, env=self.env)
        if own_port:
            wait_for_port(self.process, self.port)
        else:
            self.port = self.process.stdout.readline().strip()
        if not self.port.isdigit():
            self.log = stop(self.process)
            raise Failed(f"{' '.join(command)}: {self.log.strip()[-300:]}")
        self.pid = self.process.pid
        return self

    def __exit__(self, *_):
        self.log = stop(self.process)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(process, port):
    for _ in range(400):
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", int(port)), 1).close()
            return
        if process.poll() is not None:
            break
        time.sleep(0.025)
    stop(process)
    raise Failed(f"nothing listens on port {port}")


# ---- systems: each knows its programs ----

class Peer:
    """A system whose programs are NAME_server and NAME_client. `certificates` is a folder: then over TLS."""

    def __init__(self, folder, name, certificates=None):
        self.env = {"BENCH_TLS": certificates} if certificates else {}
        self.server_path = os.path.join(folder, name + "_server")
        self.client_path = os.path.join(folder, name + "_client")

    def there(self):
        return os.path.exists(self.client_path)

    def server(self, how):
        return [self.server_path, *how.split()]

    def client(self, work, server, limit):
        return [self.client_path, work, server.port, limit, str(server.pid)]

    def result(self, done):
        return json.loads(done.stdout)


class Nghttp2:
    """nghttpd answers each POST with a file of the request's size; h2load asks. `work` is the number of streams and the
    size of the body."""

    env = {}

    def __init__(self, folder, certificates=None):
        self.certificates = certificates
        self.folder = os.path.join(folder, "www")
        os.makedirs(self.folder, exist_ok=True)
        for size in (64, 1 << 20):
            with open(os.path.join(self.folder, str(size)), "wb") as f:
                f.write(b"x" * (size + 5))

    def there(self):
        return have("h2load") and have("nghttpd")

    def server(self, how):
        tls = ["server.key", "server.pem"] if self.certificates else []
        return ["nghttpd", *([] if tls else ["--no-tls"]), "-a", "127.0.0.1", "-w", "24", "-W", "24", "-d", self.folder,
                "{port}", *(os.path.join(self.certificates, name) for name in tls)]

    def client(self, work, server, limit):
        streams, size = work.split()
        length = ["-D", limit, "--warm-up-time", "200ms"] if limit.endswith("s") else ["-n", limit]
        return ["h2load", *length, "-c", "1", "-m", streams, "-w", "24", "-W", "24",
                "-d", os.path.join(self.folder, size), "-H", "content-type: application/grpc",
                "-H", "te: trailers", f"http{'s' if self.certificates else ''}://127.0.0.1:{server.port}/{size}"]

    def result(self, done):
        rate = float(re.search(r"finished in .*?, ([\d.]+) req/s", done.stdout).group(1))
        passed = re.search(r"(\d+) succeeded, (\d+) failed, (\d+) errored", done.stdout)
        if int(passed.group(2)) or int(passed.group(3)):
            raise Failed("h2load: " + passed.group(0))
        mean = re.search(r"time for request:\s+\S+\s+\S+\s+([\d.]+)(us|ms|s)", done.stdout)
        return {"operations": rate, "seconds": 1.0,
                "p50_us": float(mean.group(1)) * {"us": 1, "ms": 1e3, "s": 1e6}[mean.group(2)]}


def measure(system, how, work, limit, cpus):
    """Runs a client against a fresh server; returns its figures."""
    with Server(system.server(how), cpus[0], env=system.env) as server:
        done = run(pinned(cpus[1], system.client(work, server, limit)), env={**os.environ, **system.env})
    return system.result(done)


# ---- the machine ----

def cpu_ticks():
    """Of this machine since it started: stolen by its host, and all."""
    with open("/proc/stat") as f:
        ticks = [int(x) for x in f.readline().split()[1:9]]
    return ticks[7], sum(ticks)


def stolen_since(before):
    now = cpu_ticks()
    return (now[0] - before[0]) / max(1, now[1] - before[1])


def cpu_model():
    with open("/proc/cpuinfo") as f:
        names = re.findall(r"(?:model name|Model|Processor)\s*:\s*(.+)", f.read())
    return names[0] if names else platform.machine()


def memory_kb(pid):
    """Resident memory of a process, exactly."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            text = f.read()
    except FileNotFoundError:  # a kernel without it
        with open(f"/proc/{pid}/status") as f:
            text = f.read().replace("VmRSS", "Rss")
    return int(re.search(r"^Rss:\s+(\d+) kB", text, re.M).group(1))


def shared_libraries(program, pattern):
    """Paths of the libraries that a program loads and whose names match."""
    listed = re.findall(r"=> (\S+)", run(["ldd", program]).stdout)
    return sorted({os.path.realpath(path) for path in listed if re.search(pattern, os.path.basename(path))})


def library_of(folder):
    """The shared library in a build folder, or None."""
    found = [path for path in glob.glob(os.path.join(folder, "libfarcall.so.*")) if not os.path.islink(path)]
    return found[0] if found else None
