"""A stream of requests, from a list and from a generator; one response."""

import sys

import farcall

farcall.install_as_grpc()

import grpc
import places_pb2
import places_pb2_grpc

OSLO = places_pb2.Place(name="Oslo", latitude=59.91)
SUVA = places_pb2.Place(name="Suva", latitude=-18.14)


def measured():
    """May take its time: it runs on another thread, and is asked for more when the server takes more."""
    yield SUVA
    yield OSLO
    yield SUVA


def broken():
    yield SUVA
    raise ValueError("the disk is gone")


with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = places_pb2_grpc.PlacesStub(channel)

    summary = stub.Record([OSLO, SUVA], timeout=5)
    print(summary.places, summary.northernmost)

    summary, call = stub.Record.with_call(measured(), timeout=5)
    print(summary.places, summary.northernmost, call.code().name)

    try:
        stub.Record(broken(), timeout=5)
    except grpc.RpcError as error:
        print(error.code().name, error.details())
