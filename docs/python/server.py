"""A server of all four kinds of methods.

server.py ADDRESS [FOLDER]: FOLDER holds server.pem, server.key and ca.pem; with it the server speaks TLS, and Find
asks for a token.
"""

import pathlib
import signal
import sys
import threading
from concurrent import futures

import farcall

farcall.install_as_grpc()  # what is generated says `import grpc`

import grpc
import places_pb2
import places_pb2_grpc

KNOWN = {
    "Oslo": (59.91, 10.75),
    "Quito": (-0.18, -78.47),
    "Suva": (-18.14, 178.44),
}


class Places(places_pb2_grpc.PlacesServicer):
    def __init__(self, wants_token):
        self._wants_token = wants_token

    def Find(self, request, context):
        metadata = dict(context.invocation_metadata())
        if self._wants_token and metadata.get("authorization") != "Bearer open sesame":
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "no such token")
        if request.text == "Storm" and "attempt" not in metadata:
            context.abort(grpc.StatusCode.UNAVAILABLE, "try again")
        if request.delay_ms:
            over = threading.Event()
            if context.add_callback(over.set):  # else the client has gone already
                over.wait(request.delay_ms / 1000)
        context.send_initial_metadata((("served-by", "places"),))
        context.set_trailing_metadata((("request-id", metadata.get("request-id", "none")),))
        if request.text not in KNOWN and request.text != "Storm":
            context.abort(grpc.StatusCode.NOT_FOUND, f"there is no {request.text}")
        latitude, longitude = KNOWN.get(request.text, (0, 0))
        return places_pb2.Place(name=request.text, latitude=latitude, longitude=longitude)

    def List(self, request, context):
        context.send_initial_metadata((("served-by", "places"),))
        for number in range(request.count):
            yield places_pb2.Place(name=f"place {number}")

    def Record(self, request_iterator, context):
        places = list(request_iterator)
        northernmost = max(places, key=lambda place: place.latitude)
        return places_pb2.Summary(places=len(places), northernmost=northernmost.name)

    def Chat(self, request_iterator, context):
        for note in request_iterator:
            yield places_pb2.Note(text=note.text.upper())


def serve(address, certificates=None):
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    places_pb2_grpc.add_PlacesServicer_to_server(Places(wants_token=certificates is not None), server)
    if certificates is None:
        port = server.add_insecure_port(address)
    else:
        key, chain = ((certificates / name).read_bytes() for name in ("server.key", "server.pem"))
        port = server.add_secure_port(address, grpc.ssl_server_credentials([(key, chain)]))
    server.start()
    return server, port


if __name__ == "__main__":
    server, port = serve(sys.argv[1], pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    print(port, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: server.stop(grace=5))
    server.wait_for_termination()
