"""The server of the benchmarks for Python, on whichever package `grpc` is: prints its port, ends at SIGTERM.

Messages are bytes on both sides, so that no protobuf library is measured.
"""

import signal
import struct
import threading
from concurrent import futures

import grpc


def unary(request, context):
    return request


def server_stream(request, context):
    count, size = struct.unpack("<II", request)
    message = b"x" * size
    for _ in range(count):
        yield message


def client_stream(request_iterator, context):
    message = b""
    for message in request_iterator:
        pass
    return message


def both(request_iterator, context):
    yield from request_iterator


def main():
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "ServerStream": grpc.unary_stream_rpc_method_handler(server_stream),
        "ClientStream": grpc.stream_unary_rpc_method_handler(client_stream),
        "Both": grpc.stream_stream_rpc_method_handler(both),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Echo", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    ended.wait()
    server.stop(0).wait()


main()
