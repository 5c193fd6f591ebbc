"""Whether a call costs the same beside many others: processor time of both ends, on one core."""
import statistics

import lab

DEPTHS = (1, 10, 100, 1000, 10000)
CONNECTIONS = (1, 10, 100, 1000, 5000)
STREAMS = "20000"  # what the server allows on a connection: more than any depth


class Series:
    """One system's cost per call by a number, over rounds."""

    def __init__(self, key, title, system, how, work, numbers, judged=False):
        self.key, self.title, self.numbers, self.judged = key, title, numbers, judged
        self.system, self.how, self.work = system, how, work
        self.costs = {number: [] for number in numbers}
        self.failures = []

    def one_round(self, seconds, say):
        for number in self.numbers:
            work = f"{self.work}={number}"
            try:
                r = lab.measure(self.system, self.how, work, f"{round(seconds * 1000)}ms", lab.ONE_CORE)
            except (lab.Failed, OSError, ValueError, lab.subprocess.TimeoutExpired) as problem:
                self.failures.append(f"{self.key} {number}: {problem}")
                continue
            cost = r["client_us"] + r["server_us"]
            self.costs[number].append(cost)
            say(f"  {self.key:18} {number:9} {cost:10.2f} µs")

    def cost(self, number):
        return statistics.median(self.costs[number]) if self.costs[number] else None

    def growth(self):
        """The most that a larger number costs, as a multiple of what any smaller one does: 1 is flat or falling."""
        known = [cost for cost in map(self.cost, self.numbers) if cost]
        return max((later / min(known[:i + 1]) for i, later in enumerate(known)), default=None)


def all_series(systems, most_connections, short):
    """The series to measure."""
    depths = [n for n in DEPTHS if not short or n in (1, 100, 1000)]
    connections = [n for n in CONNECTIONS if n <= most_connections and (not short or n in (1, 100))]
    farcall, raw = systems["farcall"], systems["raw TCP"]
    return [
        Series("flat.outstanding", "calls outstanding on one connection", farcall, STREAMS, "outstanding", depths,
               judged=True),
        Series("flat.connections", "connections, called in turn", farcall, "", "connections", connections, judged=True),
        Series("flat.raw", "connections of raw TCP, used in turn", raw, "epoll", "connections", connections),
    ]
