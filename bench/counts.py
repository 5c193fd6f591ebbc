"""What is counted and not timed, so that the load of the machine does not matter: user-space instructions, allocations,
system calls. Each count is the difference of two runs with different numbers of operations, so starting up and
shutting down cancel out."""
import os
import re
import subprocess
import time
from concurrent import futures

import lab

SIDES = ("client", "server")


class Instructions:
    """By callgrind."""
    name = "instructions"

    def __init__(self, folder):
        self.folder = folder

    def there(self):
        return lab.have("valgrind")

    def prefix(self, tag):
        return ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.path.join(self.folder, tag)}.callgrind"]

    def environment(self):
        return {}

    def read(self, tag, log):
        return {"": int(re.findall(r"Collected : (\d+)", log)[-1])}


class Allocations:
    """By a library that is loaded before the C library."""
    name = "allocations"

    def __init__(self, folder):
        self.library = os.path.join(folder, "count_malloc.so")

    def there(self):
        return os.path.exists(self.library)

    def prefix(self, tag):
        return []

    def environment(self):
        return {"LD_PRELOAD": self.library}

    def read(self, tag, log):
        return {"": int(re.search(r"^allocations: (\d+)", log, re.M).group(1))}


class SystemCalls:
    """By strace, each kind for itself. -D keeps the traced program our own child, so a signal reaches it."""
    name = "system calls"

    def __init__(self, folder):
        self.folder = folder

    def there(self):
        """Whether strace is installed and may trace."""
        return lab.have("strace") and subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True,
                                                     check=False).returncode == 0

    def _file(self, tag):
        return os.path.join(self.folder, tag + ".strace")

    def prefix(self, tag):
        if os.path.exists(self._file(tag)):
            os.remove(self._file(tag))
        return ["strace", "-D", "-f", "-c", "-o", self._file(tag)]

    def environment(self):
        return {}

    def read(self, tag, log):
        """strace writes its summary after the program has ended."""
        for _ in range(200):
            with open(self._file(tag)) as f:
                lines = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", f.read(), re.M)
            if lines and lines[-1][1] == "total":
                return {name: int(count) for count, name in lines[:-1]}
            time.sleep(0.025)
        raise lab.Failed("strace wrote no summary")


def total(counter, system, how, work, side, operations, tag):
    """What the counter says of one side after so many operations."""
    prefix, env = counter.prefix(tag), {**system.env, **counter.environment()}
    if side == "server":
        with lab.Server(system.server(how), prefix=prefix, env=env) as server:
            lab.run(system.client(work, server, str(operations)), env={**os.environ, **system.env})
        return counter.read(tag, server.log)
    with lab.Server(system.server(how), env=system.env) as server:
        done = lab.run(prefix + system.client(work, server, str(operations)), env={**os.environ, **env})
    return counter.read(tag, done.stderr)


def per_operation(counter, system, how, work, key, few, many):
    """{side: {kind: count of one operation}}; two runs at a time, as counts do not depend on load."""
    runs = [(side, n) for side in SIDES for n in (few, many)]
    with futures.ThreadPoolExecutor(len(lab.CPUS)) as pool:
        totals = dict(zip(runs, pool.map(
            lambda r: total(counter, system, how, work, *r, f"{key}.{r[0]}.{r[1]}".replace(" ", "_")), runs)))
    return {side: {kind: (totals[side, many].get(kind, 0) - totals[side, few].get(kind, 0)) / (many - few)
                   for kind in sorted({**totals[side, many], **totals[side, few]})}
            for side in SIDES}


# What is counted of which workload: key, title, operations of the two runs, and how each system does it.
INSTRUCTIONS = [
    ("unary", "unary", 500, 1500,
     {"farcall": ("", "unary"), "grpc C++": ("sync", "unary"), "nghttp2": ("", "1 64")}),
    ("outstanding", "unary, 100 outstanding", 1000, 3000,
     {"farcall": ("", "outstanding=100"), "grpc C++": ("async", "outstanding=100"), "nghttp2": ("", "100 64")}),
    ("sstream", "message of a server stream", 5000, 15000,
     {"farcall": ("", "sstream"), "grpc C++": ("sync", "sstream")}),
]
UNARY = [("unary", "unary", 500, 1500, {"farcall": ("", "unary"), "grpc C++": ("sync", "unary")})]


class Counted:
    """The results by (counter's name, key, system): {side: {kind: count}}."""

    def __init__(self, systems):
        self.systems, self.results, self.failures = systems, {}, []

    def run(self, counter, plan, wanted, say):
        if not counter.there():
            say(f"  {counter.name}: the tool for it is not here")
            return
        for key, _, few, many, cells in plan:
            for system, (how, work) in cells.items():
                if system in self.systems and wanted(f"{counter.name} {key}"):
                    self._one(counter, key, system, how, work, few, many, say)

    def _one(self, counter, key, system, how, work, few, many, say):
        try:
            found = per_operation(counter, self.systems[system], how, work, f"{key}.{system}", few, many)
        except (lab.Failed, OSError, IndexError, AttributeError, ValueError, subprocess.TimeoutExpired) as problem:
            self.failures.append(f"{counter.name} of {key}, {system}: {problem}")
            return
        self.results[counter.name, key, system] = found
        totals = " / ".join(f"{sum(found[side].values()):.1f}" for side in SIDES)
        say(f"  {counter.name} {key} {system}: {totals}")

    def total(self, counter, key, system, side):
        found = self.results.get((counter, key, system))
        return sum(found[side].values()) if found else None

    def kinds(self, counter, key, system, side):
        found = self.results.get((counter, key, system))
        return found[side] if found else {}
