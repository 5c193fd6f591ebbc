"""A stream of responses: leaving it early, and what the call can be asked meanwhile."""

import sys

import farcall

farcall.install_as_grpc()

import grpc
import places_pb2
import places_pb2_grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = places_pb2_grpc.PlacesStub(channel)

    places = stub.List(places_pb2.Area(count=3), timeout=5)
    print(dict(places.initial_metadata()))
    print(*[place.name for place in places], sep=", ")
    print(places.code().name, places.is_active())

    # Whoever has seen enough cancels; the server stops too. Dropping the object does the same.
    places = stub.List(places_pb2.Area(count=1_000_000), timeout=60)
    for place in places:
        if place.name == "place 4":
            break
    print(place.name, places.is_active(), 0 < places.time_remaining() < 60)
    places.cancel()
    print(places.code().name, places.details())
