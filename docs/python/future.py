"""Calls that go on while the program does something else; waiting for them for a while; deadlines."""

import sys
import threading

import farcall

farcall.install_as_grpc()

import grpc
import places_pb2
import places_pb2_grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = places_pb2_grpc.PlacesStub(channel)

    # Many at once: each is on its way before the first answer is awaited.
    names = ["Oslo", "Quito", "Suva"]
    calls = [stub.Find.future(places_pb2.Name(text=name), timeout=5) for name in names]
    print(*[call.result().name for call in calls])

    # A wait that gives up leaves the call alone.
    slow = stub.Find.future(places_pb2.Name(text="Oslo", delay_ms=300))
    try:
        slow.result(timeout=0.05)
    except grpc.FutureTimeoutError:
        print("not yet; still running:", slow.running())
    print(slow.result(timeout=5).name, slow.done())

    # A deadline ends the call, on both sides.
    late = stub.Find.future(places_pb2.Name(text="Oslo", delay_ms=60_000), timeout=0.05)
    print(late.exception().code().name)

    # A callback is told when the call is over, whichever way.
    over = threading.Event()
    call = stub.Find.future(places_pb2.Name(text="Suva"), timeout=5)
    call.add_done_callback(lambda done: (print(done.result().name, done.code().name), over.set()))
    over.wait(5)

    # A cancelled one has no result.
    call = stub.Find.future(places_pb2.Name(text="Oslo", delay_ms=60_000))
    call.cancel()
    try:
        call.result()
    except grpc.FutureCancelledError:
        print("cancelled:", call.cancelled(), call.code().name)
