#!/usr/bin/env python3
"""Measures the Python package beside grpcio and writes one table: to standard output as text, to FOLDER/table.md as
Markdown, and all single results to FOLDER/results.json.

Usage: bench/python/run.py FOLDER FARCALL_PYTHON GRPCIO_PYTHON    (see scripts/bench_python.sh)

    BENCH_ROUNDS=5      how often each is measured in turn; the median counts
    BENCH_SECONDS=1     length of each measurement
    BENCH_ONLY=REGEX    only rows whose key matches, such as 'unary|import'
"""
import collections
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

import counts
import facts
import lab
import table

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "1"))
ONLY = re.compile(os.environ.get("BENCH_ONLY", ""))
FARCALL, GRPCIO = "farcall", "grpcio"

# Key, title, whether both ends share a core, the figure's unit, the client's work, and the least ratio to grpcio.
Row = collections.namedtuple("Row", "key title one_core unit work floor")
ROWS = [
    Row("unary.1core", "unary, blocking", True, "µs", "unary", 5),
    Row("unary.2core", "unary, blocking", False, "µs", "unary", None),
    Row("outstanding", "unary, 100 outstanding by futures", True, "/s", "outstanding=100", 3),
    Row("sstream", "messages of a server stream", True, "/s", "sstream", 5),
    Row("cstream", "messages of a client stream", True, "/s", "cstream", 5),
    Row("pingpong", "ping-pong on a stream", True, "µs", "pingpong", 3),
    Row("echo", "echo of 1 MiB", True, "µs", "echo", 3),
]


class Package:
    """A package as an interpreter has it, in the form of lab.Peer."""

    env = {"PYTHONDONTWRITEBYTECODE": "1"}

    def __init__(self, python):
        self.python = python

    def server(self, how):
        return [self.python, str(HERE / "server.py")]

    def client(self, work, server, limit):
        return [self.python, str(HERE / "client.py"), work, server.port, limit, str(server.pid)]

    def result(self, done):
        return json.loads(done.stdout)

    def version(self):
        show = "import grpc; print(getattr(grpc, '__farcall_version__', grpc.__version__))"
        return lab.run([self.python, "-c", show]).stdout.strip()


def say(text):
    print(text, file=sys.stderr, flush=True)


def wanted(key):
    return bool(ONLY.search(key))


def shown_value(row, result):
    """In the row's unit: a median time, or a rate."""
    return result["p50_us"] if row.unit == "µs" else result["operations"] / result["seconds"]


def measure_rows(packages, failures):
    """{row: {package: [result, ...]}}, all rounds."""
    rows = [row for row in ROWS if wanted(row.key) and (row.one_core or lab.TWO_CORES)]
    results = {row: {name: [] for name in packages} for row in rows}
    for number in range(ROUNDS):
        say(f"round {number + 1} of {ROUNDS}")
        for row in rows:
            for name, package in packages.items():
                cpus = lab.ONE_CORE if row.one_core else lab.TWO_CORES
                try:
                    result = lab.measure(package, "", row.work, f"{SECONDS}s", cpus)
                except (lab.Failed, OSError, ValueError, subprocess.TimeoutExpired) as problem:
                    failures.append(f"{row.key}, {name}: {problem}")
                    continue
                results[row][name].append(result)
                say(f"  {row.key} {name}: {table.figure(shown_value(row, result))} {row.unit}")
    return results


def median(results, value):
    return statistics.median(map(value, results)) if results else None


def timed_rows(results):
    """Yields (row, {package: figure}, how many times better farcall is)."""
    for row, by_package in results.items():
        figures = {name: median(found, lambda r, row=row: shown_value(row, r)) for name, found in by_package.items()}
        ours, theirs = figures[FARCALL], figures[GRPCIO]
        better = None
        if ours and theirs:
            better = theirs / ours if row.unit == "µs" else ours / theirs
        yield row, figures, better


def timed_table(results):
    rows = []
    for row, figures, better in timed_rows(results):
        used = [median(found, lambda r: r["client_us"] + r["server_us"]) for found in results[row].values()]
        floor = "" if row.floor is None else f"{row.floor}: {'met' if better and better >= row.floor else 'MISSED'}"
        rows.append([row.title, "1" if row.one_core else "2", row.unit, *map(table.figure, figures.values()),
                     table.figure(better), floor, *map(table.figure, used)])
    return table.Table("Side by side", ["workload", "cores", "unit", FARCALL, GRPCIO, "times better", "floor",
                                        "CPU farcall, µs", "CPU grpcio, µs"], rows,
                       "Both ends of one package. Medians of all rounds; µs are round trips, one at a time.")


def count_instructions(packages, folder, failures):
    """User-space instructions of one blocking call, {package: {side: count}}."""
    counter, found = counts.Instructions(str(folder)), {}
    if not wanted("instructions") or not counter.there():
        return found
    for name, package in packages.items():
        say(f"counting {name}")
        try:
            sides = counts.per_operation(counter, package, "", "unary", f"unary.{name}", 100, 400)
        except (lab.Failed, OSError, IndexError, subprocess.TimeoutExpired) as problem:
            failures.append(f"instructions, {name}: {problem}")
            continue
        found[name] = {side: sum(kinds.values()) for side, kinds in sides.items()}
    return found


def measure_facts(packages):
    """[(title, {package: number}, how to show it)]"""
    titles = {
        "import, beyond a bare interpreter": (facts.import_ms, lambda ms: f"{ms:.1f} ms"),
        "memory of the import": (lambda p: facts.printed(p, facts.MEMORY_OF_IMPORT), table.size),
        "installed package": (facts.installed_bytes, table.size),
    }
    served = {
        "threads added by a channel and a blocking call": (facts.THREADS, str),
        "memory of a connected channel": (facts.MEMORY_OF_CHANNELS, table.size),
    }
    found = []
    for title, (measure, show) in titles.items():
        if wanted(title):
            found.append((title, {name: measure(package.python) for name, package in packages.items()}, show))
    for title, (program, show) in served.items():
        if wanted(title):
            found.append((title, {name: from_server(package, program) for name, package in packages.items()}, show))
    return found


def from_server(package, program):
    with lab.Server(package.server(""), env=package.env) as server:
        return facts.printed(package.python, program, server.port)


def fact_table(counted, measured):
    rows = [[f"instructions of a unary call, {side}", *(table.figure(counted[name][side]) for name in counted),
             table.ratio(counted[GRPCIO][side], counted[FARCALL][side])]
            for side in counts.SIDES if len(counted) == 2]
    for title, numbers, show in measured:
        rows.append([title, *map(show, numbers.values()), table.ratio(numbers[GRPCIO], numbers[FARCALL])])
    return table.Table("Counted and weighed", ["what", FARCALL, GRPCIO, "grpcio ÷ farcall"], rows)


def machine(packages):
    yield f"{lab.cpu_model()}, {len(lab.CPUS)} cores, Linux {os.uname().release}"
    python = next(iter(packages.values())).python
    yield f"{lab.first_line([python, '--version'])}; " + ", ".join(
        f"{name} {package.version()}" for name, package in packages.items())
    yield f"{ROUNDS} rounds of {SECONDS} s each; load of the machine before: {os.getloadavg()[0]:.1f}"


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    packages = {FARCALL: Package(sys.argv[2]), GRPCIO: Package(sys.argv[3])}
    begun, ticks, failures = time.monotonic(), lab.cpu_ticks(), []
    lines = list(machine(packages))
    results = measure_rows(packages, failures)
    tables = [timed_table(results),
              fact_table(count_instructions(packages, folder, failures), measure_facts(packages))]
    lines.append(f"time that the host took away: {lab.stolen_since(ticks):.1%}; "
                 f"all took {time.monotonic() - begun:.0f} s")
    tables = [t for t in tables if t.rows]
    print("\n".join(lines) + "\n\n" + "\n".join(t.text() for t in tables))
    markdown = "".join(f"- {line}\n" for line in lines) + "\n" + "\n".join(t.markdown() for t in tables)
    (folder / "table.md").write_text(markdown)
    (folder / "results.json").write_text(
        json.dumps({f"{row.key} {name}": found for row, both in results.items() for name, found in both.items()}, indent=1))
    for failure in failures:
        say("not measured: " + failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
