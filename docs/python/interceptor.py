"""An interceptor that marks every call, and makes those again that may be made again."""

import sys

import farcall

farcall.install_as_grpc()

import grpc
import places_pb2
import places_pb2_grpc


class MarkAndRetry(grpc.UnaryUnaryClientInterceptor):
    def intercept_unary_unary(self, continuation, client_call_details, request):
        metadata = (*(client_call_details.metadata or ()), ("request-id", "7"))
        details = client_call_details._replace(metadata=metadata)
        call = continuation(details, request)
        if call.code() is grpc.StatusCode.UNAVAILABLE:
            print("again:", call.details())
            call = continuation(details._replace(metadata=(*metadata, ("attempt", "2"))), request)
        return call


with grpc.insecure_channel(sys.argv[1]) as channel:
    stub = places_pb2_grpc.PlacesStub(grpc.intercept_channel(channel, MarkAndRetry()))

    place, call = stub.Find.with_call(places_pb2.Name(text="Storm"), timeout=5)
    print(place.name, dict(call.trailing_metadata()))

    # Futures pass through it too.
    print(stub.Find.future(places_pb2.Name(text="Oslo"), timeout=5).result().name)
