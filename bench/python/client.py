"""The client of the benchmarks for Python, on whichever package `grpc` is.

client.py WORK PORT LIMIT SERVER_PID     WORK: unary, outstanding=N, echo, sstream, cstream, pingpong
LIMIT is a time such as 0.6s, after a warm-up, or a number of operations, without one. Prints a line of JSON.
"""

import array
import collections
import json
import os
import queue
import resource
import struct
import sys
import time

import grpc

SMALL, LARGE = b"x" * 64, b"x" * (1 << 20)
ENDLESS = struct.pack("<II", 0xFFFFFFFF, 64)
METHOD = "/bench.Echo/"
now = time.perf_counter


def processor_seconds(pid):
    """Of another process, in ticks of 10 ms."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_processor_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Run:
    """One measurement: warm(n) times before begin(); then work while more(); then end()."""

    def __init__(self, limit, pid):
        self.count = None if limit.endswith("s") else int(limit)
        self.seconds = float(limit.rstrip("s")) if self.count is None else 0
        self.pid, self.done, self.times = pid, 0, array.array("d")

    def warm(self, number):
        return range(number if self.count is None else 0)

    def begin(self):
        self.used = own_processor_seconds(), processor_seconds(self.pid)
        self.begun = now()
        self.stop = self.begun + self.seconds

    def more(self):
        self.done += 1
        return self.done <= self.count if self.count is not None else now() < self.stop

    def end(self):
        seconds = now() - self.begun
        used = own_processor_seconds() - self.used[0], processor_seconds(self.pid) - self.used[1]
        self.times = sorted(self.times)
        print(json.dumps({
            "operations": self.done - 1,
            "seconds": seconds,
            "p50_us": self.times[len(self.times) // 2] * 1e6 if self.times else None,
            "client_us": used[0] / self.done * 1e6,
            "server_us": used[1] / self.done * 1e6,
            "threads": len(os.listdir("/proc/self/task")),
        }))


def unary(channel, run, message, warm):
    call = channel.unary_unary(METHOD + "Unary")
    for _ in run.warm(warm):
        call(message)
    run.begin()
    while run.more():
        begun = now()
        call(message)
        run.times.append(now() - begun)
    run.end()


def outstanding(channel, run, depth):
    call = channel.unary_unary(METHOD + "Unary")
    window = collections.deque(call.future(SMALL) for _ in range(depth))
    for _ in run.warm(500):
        window.popleft().result()
        window.append(call.future(SMALL))
    run.begin()
    while run.more():
        window.popleft().result()
        window.append(call.future(SMALL))
    run.end()
    for future in window:
        future.result()


def sstream(channel, run):
    responses = channel.unary_stream(METHOD + "ServerStream")(ENDLESS)
    for _ in run.warm(1000):
        next(responses)
    run.begin()
    while run.more():
        next(responses)
    run.end()
    responses.cancel()


def cstream(channel, run):
    def requests():
        for _ in run.warm(1000):
            yield SMALL
        run.begin()
        while run.more():
            yield SMALL

    channel.stream_unary(METHOD + "ClientStream")(requests())
    run.end()


def pingpong(channel, run):
    to_send = queue.SimpleQueue()
    responses = channel.stream_stream(METHOD + "Both")(iter(to_send.get, None))
    for _ in run.warm(500):
        to_send.put(SMALL)
        next(responses)
    run.begin()
    while run.more():
        begun = now()
        to_send.put(SMALL)
        next(responses)
        run.times.append(now() - begun)
    run.end()
    to_send.put(None)


def main():
    work, port, limit, pid = sys.argv[1:]
    kind, _, number = work.partition("=")
    run = Run(limit, int(pid))
    large = [("grpc.max_receive_message_length", 1 << 24)] if kind == "echo" else None
    with grpc.insecure_channel("127.0.0.1:" + port, options=large) as channel:
        if kind == "unary":
            unary(channel, run, SMALL, 500)
        elif kind == "echo":
            unary(channel, run, LARGE, 20)
        elif kind == "outstanding":
            outstanding(channel, run, int(number))
        else:
            {"sstream": sstream, "cstream": cstream, "pingpong": pingpong}[kind](channel, run)


main()
