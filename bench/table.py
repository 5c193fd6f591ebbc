"""What was measured, as text and as Markdown."""
import dataclasses

from timed import BYTES, FARCALL, GRPC, LATENCY, NGHTTP2, RAW

SIDES = ("client", "server")


@dataclasses.dataclass
class Table:
    """Rows of texts under a head. The first column is words, the others are figures."""
    title: str
    head: list
    rows: list
    note: str = ""

    def markdown(self):
        lines = [f"### {self.title}", "", "| " + " | ".join(self.head) + " |",
                 "|---|" + "---:|" * (len(self.head) - 1)]
        lines += ["| " + " | ".join(row) + " |" for row in self.rows]
        return "\n".join(lines + (["", self.note] if self.note else [])) + "\n"

    def text(self):
        widths = [max(len(row[i]) for row in [self.head, *self.rows]) for i in range(len(self.head))]
        lines = [self.title, "-" * len(self.title)]
        for row in [self.head, *self.rows]:
            cells = [cell.rjust(width) for cell, width in zip(row, widths)]
            lines.append("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
        return "\n".join(lines + ([self.note] if self.note else [])) + "\n"


def figure(x):
    """A number in three or four digits; nothing for None."""
    if x is None:
        return ""
    if x == 0:
        return "0"
    if abs(x) >= 100:
        return f"{x:,.0f}"
    return f"{x:.1f}" if abs(x) >= 10 else f"{x:.2f}"


def ratio(a, b):
    return f"{a / b:.2f}" if a and b else ""


def size(count):
    """Bytes, in the unit that suits."""
    if count is None:
        return ""
    return f"{count / 1024:.1f} KiB" if count < 1 << 20 else f"{count / (1 << 20):.1f} MiB"


def cores_of(row):
    return "1" if row.cpus[0] == row.cpus[1] else "2"


def _shown(row, micros):
    """The time of an operation in the row's unit."""
    if micros is None:
        return ""
    if row.unit == LATENCY:
        return figure(micros)
    return figure((1 << 20) / micros if row.unit == BYTES else 1e6 / micros)


def timed_table(timed):
    rows = []
    for row in timed.rows:
        times = {system: timed.micros(row, system) for system in (RAW, FARCALL, GRPC, NGHTTP2)}
        if any(times.values()):
            rows.append([row.title, cores_of(row), row.unit, *(_shown(row, t) for t in times.values()),
                         ratio(times[FARCALL], times[RAW]), ratio(times[GRPC], times[FARCALL])])
    return Table("Side by side", ["workload", "cores", "unit", RAW, FARCALL, GRPC, NGHTTP2, "farcall ÷ raw",
                                  "grpc ÷ farcall"], rows,
                 "Medians. Both ratios are of the time of one operation: smaller is better in the first, larger in the "
                 "second. µs are the median round trip (nghttp2: the mean).")


def cpu_table(timed):
    rows = []
    for row in timed.rows:
        cells = []
        for system in (RAW, FARCALL, GRPC):
            both = [timed.median(row, system, lambda r, k=key: r[k]) for key in ("client_us", "server_us")]
            cells.append(f"{figure(both[0])} + {figure(both[1])}" if both[0] is not None else "")
        if any(cells):
            rows.append([row.title, cores_of(row), *cells])
    return Table("Processor time of one operation, client + server, µs",
                 ["workload", "cores", RAW, FARCALL, GRPC], rows)


def flat_table(all_series):
    numbers = sorted({number for series in all_series for number in series.numbers})
    rows = [[series.title, *(figure(series.cost(n)) if n in series.costs else "" for n in numbers),
             figure(series.growth())] for series in all_series if any(series.costs.values())]
    return Table("Processor time of a unary call beside others, client + server on one core, µs",
                 ["beside", *(f"{n:,}" for n in numbers), "growth"], rows,
                 "Growth is the most that a larger number costs as a multiple of any smaller one: "
                 "1 is flat or falling.")


def count_table(counted, plans):
    rows = []
    for name, plan in plans:
        for key, title, _, _, _ in plan:
            for side in SIDES:
                cells = [counted.total(name, key, system, side) for system in (FARCALL, GRPC, NGHTTP2)]
                if any(cell is not None for cell in cells):
                    rows.append([f"{name}, {title}, {side}", *map(figure, cells)])
    return Table("Counted, for one operation", ["what", FARCALL, GRPC, NGHTTP2], rows, _kinds_note(counted))


def _kinds_note(counted):
    """Which system calls those of farcall are."""
    parts = []
    for side in SIDES:
        kinds = counted.kinds("system calls", "unary", FARCALL, side)
        named = [f"{count:.1f} {kind}" for kind, count in sorted(kinds.items()) if count >= 0.01]
        if named:
            parts.append(f"{side}: {', '.join(named)}")
    return "System calls of farcall: " + "; ".join(parts) + "." if parts else ""


def fact_table(facts):
    """facts: {title: {system: shown text}}"""
    rows = [[title, cells.get(FARCALL, ""), cells.get(GRPC, "")] for title, cells in facts.items() if cells]
    return Table("Memory, threads, size", ["what", FARCALL, GRPC], rows)
