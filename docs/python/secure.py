"""TLS, a token with every call, and compressed requests.

secure.py TARGET FOLDER: FOLDER holds ca.pem, the authority that vouches for the server.
"""

import pathlib
import sys

import farcall

farcall.install_as_grpc()

import grpc
import places_pb2
import places_pb2_grpc

target, folder = sys.argv[1], pathlib.Path(sys.argv[2])
tls = grpc.ssl_channel_credentials(root_certificates=(folder / "ca.pem").read_bytes())


class Tenant(grpc.AuthMetadataPlugin):
    """Makes metadata for each call; asked on a thread of its own, so that it may take its time."""

    def __call__(self, context, callback):
        callback((("tenant", context.method_name),), None)


credentials = grpc.composite_channel_credentials(
    tls, grpc.access_token_call_credentials("open sesame"), grpc.metadata_call_credentials(Tenant())
)
with grpc.secure_channel(target, credentials, compression=grpc.Compression.Gzip) as channel:
    stub = places_pb2_grpc.PlacesStub(channel)
    print(stub.Find(places_pb2.Name(text="Oslo"), timeout=5).name)

# Without the token the server refuses; a token for one call alone is enough.
with grpc.secure_channel(target, tls) as channel:
    stub = places_pb2_grpc.PlacesStub(channel)
    try:
        stub.Find(places_pb2.Name(text="Oslo"), timeout=5)
    except grpc.RpcError as error:
        print(error.code().name, error.details())
    token = grpc.access_token_call_credentials("open sesame")
    print(stub.Find(places_pb2.Name(text="Suva"), timeout=5, credentials=token).name)
