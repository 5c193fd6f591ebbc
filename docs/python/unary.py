"""Blocking calls: metadata both ways, the call beside the response, and an error."""

import sys

import farcall

farcall.install_as_grpc()

import grpc
import places_pb2
import places_pb2_grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = places_pb2_grpc.PlacesStub(channel)

    place = stub.Find(places_pb2.Name(text="Oslo"), timeout=5)
    print(place.name, place.latitude, place.longitude)

    metadata = (("request-id", "42"), ("trace-bin", b"\x00\x01"))
    place, call = stub.Find.with_call(places_pb2.Name(text="Quito"), timeout=5, metadata=metadata)
    print(place.name, call.code().name, dict(call.initial_metadata()), dict(call.trailing_metadata()))

    try:
        stub.Find(places_pb2.Name(text="Atlantis"), timeout=5)
    except grpc.RpcError as error:
        print(error.code().name, error.details())
