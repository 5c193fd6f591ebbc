"""The floors: what must hold, whatever is changed. Each is judged by figures of the same run."""
from table import Table, figure
from timed import FARCALL, GRPC, RAW

ROWS = ("unary.1core", "outstanding.2core", "background.2core", "sstream.2core", "cstream.2core", "echo1m.2core")


def _quotient(a, b):
    return a / b if a and b else None


def _time(timed, key, system):
    row = timed.row(key)
    return timed.micros(row, system) if row else None


def _best(*times):
    """The shortest of the times that are known."""
    return min((time for time in times if time), default=None)


def _found(timed, all_series, counted):
    """(floor, limit, measured, whether larger is better)"""
    farcall, grpc = ({key: _time(timed, key, system) for key in ROWS} for system in (FARCALL, GRPC))
    many = _best(farcall["outstanding.2core"], farcall["background.2core"])
    grpc_many = _best(grpc["outstanding.2core"], grpc["background.2core"])
    yield ("unary on one core: times raw TCP's median", 1.6,
           _quotient(farcall["unary.1core"], _time(timed, "unary.1core", RAW)), False)
    yield "100 outstanding: times the calls of grpc C++", 4, _quotient(grpc_many, many), True
    for side in ("client", "server"):
        yield (f"user-space instructions of a unary call, {side}", 5000,
               counted.total("instructions", "unary", FARCALL, side), False)
    for key, name in (("sstream.2core", "server"), ("cstream.2core", "client")):
        yield f"{name} stream of 64 B: times the messages of grpc C++", 5, _quotient(grpc[key], farcall[key]), True
    yield ("echo of 1 MiB: part of raw TCP's rate", 0.4,
           _quotient(_time(timed, "echo1m.2core", RAW), farcall["echo1m.2core"]), True)
    for series in all_series:
        if series.judged:
            yield f"growth of a call's cost up to {series.numbers[-1]:,} {series.title}", 1.5, series.growth(), False


def floor_table(timed, all_series, counted):
    rows = []
    for title, limit, measured, larger in _found(timed, all_series, counted):
        held = "not measured"
        if measured is not None:
            held = "pass" if (measured >= limit if larger else measured <= limit) else "FAIL"
        rows.append([title, f"{'≥' if larger else '≤'} {limit:,}", figure(measured), held])
    return Table("Floors", ["what must hold", "floor", "measured", ""], rows)
