#!/usr/bin/env python3
"""Holds the library to the user-space instructions of an operation that budget.json allows, client and server.

Usage: bench/budget.py FOLDER [--update]    (where the release preset was built; see scripts/budget.sh)

A number more than 2 % away from its budget fails, above or below: so each change of it is seen and said. For 1 MiB it
is 10 %, since the system delivers that in other pieces each time. --update writes what was measured into budget.json.
BUDGET_ONLY=REGEX chooses workloads by their names.

steady.py holds still what would make counts differ from run to run. What they depend on beyond that, compiler and
libraries, is named in budget.json; where something else is found, workloads are skipped.
"""
import collections
import dataclasses
import json
import os
import re
import statistics
import subprocess
import sys
from concurrent import futures

import counts
import lab
import steady
import table

BUDGET = steady.BENCH / "budget.json"
TOLERANCE = 0.02
SAME = 0.005  # an update leaves alone what differs less, so that its diff shows what has changed
ONLY = re.compile(os.environ.get("BUDGET_ONLY", ""))

# How a workload is run: with few operations and with many, whose difference counts.
Workload = collections.namedtuple("Workload", "name few many system work pieces needs tolerance",
                                  defaults=[False, None, TOLERANCE])
WORKLOADS = [
    Workload("unary", 500, 1500, "C", "unary"),
    Workload("unary, 2 methods in turn", 500, 1500, "C", "methods=2"),
    Workload("unary, 20 methods in turn", 500, 1500, "C", "methods=20"),
    Workload("unary, deadline and metadata", 500, 1500, "C", "deadline"),
    Workload("unary, 100 outstanding", 1000, 3000, "C", "outstanding=100", True),
    Workload("message of a server stream", 2000, 6000, "C", "sstreams=100", True),
    Workload("message of a client stream", 2000, 6000, "C", "cstreams=100", True),
    Workload("message there and back", 500, 1500, "C", "bidi"),
    Workload("unary, 1 MiB", 10, 30, "C", "echo1m", True, tolerance=0.1),  # one more copy costs 50 %
    Workload("unary over TLS", 500, 1500, "TLS", "unary", False, "OpenSSL"),
    Workload("unary, Python", 500, 3000, "Python", "unary", True, "Python"),
]


# ---- measuring ----

def measure_once(folder, system, workload, side):
    counter = (steady.CounterOfPython if workload.system == "Python" else steady.Counter)(folder)
    steady.let_run_until_asleep(workload.pieces)
    few, many = (counts.total(counter, system, "", workload.work, side, operations,
                              re.sub(r"\W+", "_", f"budget {workload.name} {side} {operations}"))[""]
                 for operations in (workload.few, workload.many))
    return (many - few) / (workload.many - workload.few)


@dataclasses.dataclass
class Result:
    workload: Workload
    side: str
    budget: int | None
    measured: float | None = None
    problem: str = ""

    def off(self):
        """How far from the budget, as a part of it."""
        return self.measured / self.budget - 1 if self.budget else None

    def holds(self, tolerance=None):
        tolerance = tolerance or self.workload.tolerance
        return not self.problem and self.budget is not None and abs(self.off()) <= tolerance

    def measure(self, folder, system, updating):
        """Thrice for an update, whose median counts. Else until it holds, at most thrice: a run may be disturbed."""
        found = []
        try:
            while len(found) < 3 and (updating or not found or not self.holds()):
                found.append(measure_once(folder, system, self.workload, self.side))
                self.measured = statistics.median(found)
                if self.budget and not updating:
                    self.measured = min(found, key=lambda number: abs(number - self.budget))
        except (lab.Failed, OSError, IndexError, ValueError, subprocess.TimeoutExpired) as problem:
            self.problem = f"{type(problem).__name__}: {problem}"


def measure_all(results, programs, updating):
    """As many at a time as there are cores; those that take longest begin."""
    systems, cpus = steady.systems_of(programs), list(lab.CPUS)
    for result in results:
        if result.workload.system == "Python":
            steady.run_once(systems["Python", result.side], result.workload.work)
    with futures.ThreadPoolExecutor(len(cpus), initializer=steady.keep_to_one_core, initargs=(cpus,)) as pool:
        jobs = [pool.submit(result.measure, programs, systems[result.workload.system, result.side], updating)
                for result in reversed(results)]
    for job in jobs:
        job.result()  # raises what was not expected


def unlike(workload, written, here):
    """Which condition of the budget is not met, in words; else nothing."""
    for name, value in written.items():
        if name in ("OpenSSL", "Python") and workload.needs != name:
            continue
        if here[name] != value:
            return f"{name} is {here[name]} and not {value}"
    return ""


# ---- the budget ----

def read_budget():
    text = json.loads(BUDGET.read_text()) if BUDGET.exists() else {}
    return text.get("holds for", {}), text.get("instructions", {})


def line_for_line(title, entries):
    lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items())
    return f"  {json.dumps(title)}: {{\n{lines}\n  }}"


def write_budget(here, results, numbers):
    """A line a workload. Those not measured keep their numbers, and so do those that measure the same."""
    written = {workload.name: dict(numbers.get(workload.name, {})) for workload in WORKLOADS}
    for result in results:
        if not result.holds(SAME):
            written[result.workload.name][result.side] = round(result.measured)
    BUDGET.write_text("{\n" + ",\n".join([line_for_line("holds for", here),
                                          line_for_line("instructions", written)]) + "\n}\n")


# ---- telling ----

def row_of(result):
    off = result.off() if result.measured is not None else None
    return [result.workload.name, result.side, f"{result.budget:,}" if result.budget else "",
            f"{result.measured:,.0f}" if result.measured is not None else "", f"{off:+.2%}" if off is not None else ""]


def complaint(result):
    name = f"{result.workload.name}, {result.side}"
    if result.problem:
        return f"{name}: not measured: {result.problem}"
    if not result.budget:
        return f"{name}: has no budget: make budget-update"
    if result.off() > 0:
        return (f"{name}: {result.off():.1%} above its budget: find what costs it, "
                "or raise it with `make budget-update` and say why in the commit")
    return f"{name}: {-result.off():.1%} below its budget: lower it with `make budget-update`"


def check(results, skipped):
    failed = [result for result in results if not result.holds()]
    for result in failed:
        print(complaint(result))
    print(f"{len(results) - len(failed)} passed, {len(failed)} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed else 0


def update(here, results, written, numbers):
    failed = [result for result in results if result.problem]
    for result in failed:
        print(complaint(result))
    if failed or (ONLY.pattern and here != written):
        sys.exit("budget.json is left as it was" + ("" if failed else ": its other numbers hold elsewhere"))
    write_budget(here, results, numbers)
    print(f"{BUDGET} is written: say in the commit why a number rose")
    return 0


def main():
    if sys.argv[2:] not in ([], ["--update"]) or len(sys.argv) < 2:
        sys.exit(__doc__)
    folder, updating = os.path.abspath(sys.argv[1]), len(sys.argv) > 2
    (written, numbers), here = read_budget(), steady.conditions(folder)
    wanted = [workload for workload in WORKLOADS if ONLY.search(workload.name)]
    if not wanted:
        sys.exit(f"no workload is named like {ONLY.pattern}")
    reasons = {} if updating else {w: reason for w in wanted if (reason := unlike(w, written, here))}
    results = [Result(w, side, numbers.get(w.name, {}).get(side)) for w in wanted if w not in reasons
               for side in counts.SIDES]
    steady.hold_environment_still(folder)
    measure_all(results, os.path.join(folder, "bench"), updating)
    if results:
        print(table.Table("Instructions of an operation", ["workload", "side", "budget", "measured", "difference"],
                          [row_of(result) for result in results]).text())
    for workload, reason in reasons.items():
        print(f"{workload.name}: skipped, its budget does not hold here: {reason}")
    if updating:
        return update(here, results, written, numbers)
    return check(results, len(reasons) * len(counts.SIDES))


if __name__ == "__main__":
    sys.exit(main())
