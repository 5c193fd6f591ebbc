"""Back-pressure: a fast producer waits for a slow consumer, without a line of code for it."""

import itertools
import sys

import farcall

farcall.install_as_grpc()

import grpc
import places_pb2
import places_pb2_grpc

produced = 0


def endless():
    """Requests of 64 KiB. It is asked for the next one when there is room for it on the way to the server."""
    global produced
    for produced in itertools.count(1):
        yield places_pb2.Note(text="a" * 65536)


with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = places_pb2_grpc.PlacesStub(channel)
    notes = stub.Chat(endless(), timeout=30)

    # The server answers each note; whoever reads no answers holds it back, and it in turn the producer.
    for _ in range(1000):
        next(notes)
    print("taken: 1000; produced much more:", produced > 5000)
    notes.cancel()

    # So too the other way: of a million responses only those come that the reader has room for.
    places = stub.List(places_pb2.Area(count=1_000_000), timeout=30)
    print(next(places).name, next(places).name)
    places.cancel()
