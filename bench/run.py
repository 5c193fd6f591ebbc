#!/usr/bin/env python3
"""Measures farcall beside raw TCP, grpc C++ and nghttp2, and writes one table: to standard output as text, to
FOLDER/table.md as Markdown, and all single results to FOLDER/results.json (a short run: short.md, short.json).

Usage: bench/run.py FOLDER    (where a preset was built with FC_BUILD_BENCH; see scripts/bench.sh)

    BENCH_ROUNDS=5      how often each is measured in turn; the median counts
    BENCH_SECONDS=0.6   length of each measurement
    BENCH_ONLY=REGEX    only rows whose key matches, such as 'unary|flat|instructions'
    BENCH_SHORT=1       a run of half a minute without the peers that shows only that everything works
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import counts
import flat
import floors
import lab
import sizes
import table
import timed

SHORT = os.environ.get("BENCH_SHORT", "") not in ("", "0")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "1" if SHORT else "5"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "0.1" if SHORT else "0.6"))
ONLY = re.compile(os.environ.get("BENCH_ONLY", ""))
SOURCE = str(pathlib.Path(__file__).resolve().parent.parent)
HELD = {"farcall": (100, 100) if SHORT else (2000, 5000), "grpc C++": (200, 1000)}  # connections, calls


def say(text):
    print(text, file=sys.stderr, flush=True)


def wanted(key):
    return bool(ONLY.search(key))


def find_systems(programs, certificates=None):
    systems = {timed.FARCALL: lab.Peer(programs, "farcall", certificates)}
    if not certificates:
        systems[timed.RAW] = lab.Peer(programs, "tcp")
    if not SHORT:
        systems |= {timed.GRPC: lab.Peer(programs, "grpc", certificates),
                    timed.NGHTTP2: lab.Nghttp2(programs, certificates)}
    for name in [name for name, system in systems.items() if not system.there()]:
        say(f"{name} is not here and not measured")
        del systems[name]
    return systems


def make_certificates(programs):
    folder = os.path.join(programs, "certs")
    lab.run([os.path.join(SOURCE, "scripts", "certs.sh"), folder])
    return folder


def measure_times(systems, programs):
    """The clock's part: all rounds, first the workloads side by side, then the series."""
    rows = [row for row in timed.ROWS if wanted(row.key)]
    over_tls = find_systems(programs, make_certificates(programs)) if any(row.tls for row in rows) else {}
    results = timed.Timed({False: systems, True: over_tls}, rows, SECONDS)
    series = [s for s in flat.all_series(systems, lab.FILES - 100, SHORT) if wanted(s.key)]
    for i in range(ROUNDS):
        say(f"round {i + 1} of {ROUNDS}")
        results.one_round(say)
        for one in series:
            one.one_round(SECONDS, say)
    return results, series


def count(systems, programs):
    say("counting")
    counted = counts.Counted(systems)
    counted.run(counts.Instructions(programs), counts.INSTRUCTIONS[:1] if SHORT else counts.INSTRUCTIONS, wanted, say)
    counted.run(counts.Allocations(programs), counts.UNARY, wanted, say)
    counted.run(counts.SystemCalls(programs), counts.UNARY, wanted, say)
    return counted


def held_facts(systems, failures):
    how = {"farcall": flat.STREAMS, "grpc C++": "callback"}
    titles = {"memory of an idle connection, client / server": ("hold-connections", 0),
              "memory of an open call, client / server": ("hold-calls", 1)}
    facts = {title: {} for title in titles}
    for title, (work, which) in titles.items():
        for name, numbers in HELD.items():
            if name not in systems or not wanted(work):
                continue
            try:
                both = sizes.held(systems[name], how[name], work, numbers[which])
                facts[title][name] = " / ".join(map(table.size, both))
                say(f"  {work} {name}: {facts[title][name]}")
            except (lab.Failed, OSError, subprocess.TimeoutExpired) as problem:
                failures.append(f"{work}, {name}: {problem}")
    return facts


def thread_facts(results):
    row = results.row("unary.1core")
    found = {name: results.median(row, name, lambda r: r["threads"]) for name in HELD} if row else {}
    return {"threads of a blocking client": {name: f"{number:.0f}" for name, number in found.items() if number}}


def size_facts(systems, folder, failures):
    """The library stripped, and its build; without TLS, libc and zlib on both sides."""
    facts = {"library, stripped": {}, "clean build, configuring included": {}}
    if SHORT or not wanted("size"):
        return facts
    library = lab.library_of(folder)
    try:
        if library:
            facts["library, stripped"]["farcall"] = table.size(sizes.stripped([library], folder))
        if "grpc C++" in systems:
            libraries = lab.shared_libraries(systems["grpc C++"].client_path, sizes.GRPC_LIBRARIES)
            total = table.size(sizes.stripped(libraries, folder))
            facts["library, stripped"]["grpc C++"] = f"{total} in {len(libraries)} files"
        say("building")
        seconds = sizes.build_seconds(SOURCE, compiler_of(folder))
        facts["clean build, configuring included"]["farcall"] = f"{seconds:.1f} s"
    except (lab.Failed, OSError, subprocess.TimeoutExpired) as problem:
        failures.append(f"size: {problem}")
    return facts


def compiler_of(folder):
    cache = pathlib.Path(folder, "CMakeCache.txt").read_text()
    return re.search(r"^CMAKE_C_COMPILER:\w+=(.+)$", cache, re.M).group(1)


def machine(folder, systems):
    """What the figures depend on, a line each."""
    yield f"{lab.cpu_model()}, {len(lab.CPUS)} cores, Linux {os.uname().release}"
    yield "compiler: " + lab.first_line([compiler_of(folder), "--version"])
    if "grpc C++" in systems:
        yield "grpc C++ " + lab.first_line(["pkg-config", "--modversion", "grpc++"]) + " as distributed"
    if "nghttp2" in systems:
        yield lab.first_line(["h2load", "--version"])
    yield f"{ROUNDS} rounds of {SECONDS} s each; load of the machine before: {os.getloadavg()[0]:.1f}"


def write(folder, text, raw):
    name = "short" if SHORT else "table"
    pathlib.Path(folder, name + ".md").write_text(text)
    pathlib.Path(folder, "short.json" if SHORT else "results.json").write_text(raw)


def raw_results(results, series, counted):
    """Every single result, for who wants to look closer."""
    return json.dumps({"timed": {" ".join(map(str, key)): value for key, value in results.results.items()},
                       "flat": {one.key: one.costs for one in series},
                       "counted": {" ".join(key): value for key, value in counted.results.items()}}, indent=1)


def all_tables(results, series, counted, facts):
    plans = [("instructions", counts.INSTRUCTIONS), ("allocations", counts.UNARY), ("system calls", counts.UNARY)]
    tables = [table.timed_table(results), table.cpu_table(results), table.flat_table(series),
              table.count_table(counted, plans), table.fact_table(facts)]
    if not SHORT:
        tables.append(floors.floor_table(results, series, counted))
    return [t for t in tables if t.rows]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder, begun, ticks = os.path.abspath(sys.argv[1]), time.monotonic(), lab.cpu_ticks()
    programs = os.path.join(folder, "bench")
    systems = find_systems(programs)
    lines = list(machine(folder, systems))
    results, series = measure_times(systems, programs)
    counted = count(systems, programs)
    failures = results.failures + counted.failures + [failure for one in series for failure in one.failures]
    facts = {**held_facts(systems, failures), **thread_facts(results), **size_facts(systems, folder, failures)}
    lines.append(f"time that the host took away: {lab.stolen_since(ticks):.1%}; "
                 f"all took {time.monotonic() - begun:.0f} s")
    tables = all_tables(results, series, counted, facts)
    print("\n".join(lines) + "\n\n" + "\n".join(t.text() for t in tables))
    write(folder, "".join(f"- {line}\n" for line in lines) + "\n" + "\n".join(t.markdown() for t in tables),
          raw_results(results, series, counted))
    for failure in failures:
        say("not measured: " + failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
