"""What is measured by the clock: workloads, side by side, in rounds."""
import dataclasses
import statistics

import lab

LATENCY, RATE, BYTES = "µs", "/s", "MB/s"
RAW, FARCALL, GRPC, NGHTTP2 = "raw TCP", "farcall", "grpc C++", "nghttp2"
SYSTEMS = (RAW, FARCALL, GRPC, NGHTTP2)


@dataclasses.dataclass(frozen=True)
class Row:
    """One workload. For each system: how its server is started, and the client's workload."""
    key: str
    title: str
    unit: str
    cpus: tuple
    cells: dict
    tls: bool = False


def _row(key, title, unit, cpus, raw=None, farcall=None, grpc=None, nghttp2=None, tls=False):
    cells = zip(SYSTEMS, (raw, farcall, grpc, nghttp2))
    return Row(key, title, unit, cpus, {system: cell for system, cell in cells if cell}, tls)


ONE, TWO = lab.ONE_CORE, lab.TWO_CORES
ROWS = [
    _row("unary.1core", "unary, blocking client, asynchronous handler", LATENCY, ONE,
         ("echo", "ping"), ("", "unary"), ("callback", "unary"), ("", "1 64")),
    _row("unary.2core", "the same", LATENCY, TWO,
         ("echo", "ping"), ("", "unary"), ("callback", "unary"), ("", "1 64")),
    _row("pool.1core", "unary, blocking client, handler on a worker thread", LATENCY, ONE,
         ("echo", "ping"), ("", "blocking"), ("sync", "unary")),
    _row("pool.2core", "the same", LATENCY, TWO,
         ("echo", "ping"), ("", "blocking"), ("sync", "unary")),
    _row("outstanding.2core", "100 calls outstanding, polled by the program", RATE, TWO,
         ("echo", "outstanding=100"), ("", "outstanding=100"), ("async", "outstanding=100"), ("", "100 64")),
    _row("background.2core", "100 calls outstanding, callbacks on the library's thread", RATE, TWO,
         ("echo", "outstanding=100"), ("", "background=100"), ("callback", "background=100")),
    _row("bidi.1core", "ping-pong on one stream", LATENCY, ONE,
         ("echo", "ping"), ("", "bidi"), ("sync", "bidi")),
    _row("bidi.2core", "the same", LATENCY, TWO,
         ("echo", "ping"), ("", "bidi"), ("sync", "bidi")),
    _row("sstream.2core", "server stream of 64 B messages", RATE, TWO,
         ("sink", "stream"), ("", "sstream"), ("sync", "sstream")),
    _row("cstream.2core", "client stream of 64 B messages, from a source by callback", RATE, TWO,
         ("sink", "stream"), ("", "cstream-callback"), ("sync", "cstream")),
    _row("cstream-blocking.2core", "client stream of 64 B messages, a blocking send for each", RATE, TWO,
         ("sink", "stream"), ("", "cstream"), ("sync", "cstream")),
    _row("echo1m.2core", "echo of 1 MiB", BYTES, TWO,
         ("echo", "echo1m"), ("", "echo1m"), ("sync", "echo1m"), ("", f"1 {1 << 20}")),
    _row("tls.1core", "unary over TLS, blocking client, asynchronous handler", LATENCY, ONE,
         None, ("", "unary"), ("callback", "unary"), ("", "1 64"), tls=True),
    _row("tls.2core", "the same", LATENCY, TWO,
         None, ("", "unary"), ("callback", "unary"), ("", "1 64"), tls=True),
    _row("tls-outstanding.2core", "100 calls outstanding over TLS, polled by the program", RATE, TWO,
         None, ("", "outstanding=100"), ("async", "outstanding=100"), ("", "100 64"), tls=True),
    _row("tls-echo1m.2core", "echo of 1 MiB over TLS", BYTES, TWO,
         None, ("", "echo1m"), ("sync", "echo1m"), ("", f"1 {1 << 20}"), tls=True),
]


def micros(row, result):
    """Time of one operation: the median where operations come one after the other."""
    if row.unit == LATENCY:
        return result["p50_us"]
    return result["seconds"] / result["operations"] * 1e6


class Timed:
    """The results of all rounds, by row and system. Cells that are the same experiment share it. `systems` is by name, for
    rows without and with TLS: {False: ..., True: ...}."""

    def __init__(self, systems, rows, seconds):
        self.systems, self.seconds = systems, seconds
        self.rows = [row for row in rows if row.cpus]
        self.results = {}
        self.failures = []

    def _identity(self, row, system):
        return (system, *row.cells[system], row.cpus, row.tls)

    def one_round(self, say):
        done = set()
        for row in self.rows:
            for system in row.cells:
                identity = self._identity(row, system)
                if system in self.systems[row.tls] and identity not in done:
                    done.add(identity)
                    self._experiment(row, system, identity, say)

    def _experiment(self, row, system, identity, say):
        try:
            how, work = row.cells[system]
            result = lab.measure(self.systems[row.tls][system], how, work, f"{round(self.seconds * 1000)}ms", row.cpus)
        except (lab.Failed, OSError, ValueError, lab.subprocess.TimeoutExpired) as problem:
            self.failures.append(f"{row.key}, {system}: {problem}")
            return
        self.results.setdefault(identity, []).append(result)
        say(f"  {row.key:18} {system:9} {micros(row, result):10.2f} µs")

    def all(self, row, system):
        return self.results.get(self._identity(row, system), []) if system in row.cells else []

    def median(self, row, system, of):
        """The median over all rounds of of(result), or None."""
        got = self.all(row, system)
        return statistics.median(map(of, got)) if got else None

    def micros(self, row, system):
        return self.median(row, system, lambda result: micros(row, result))

    def row(self, key):
        return next((row for row in self.rows if row.key == key), None)
