"""The server of the benchmarks for Python, on whichever package `grpc` is: server.py [THREADS] prints its port and ends
at SIGTERM.

Messages are bytes on both sides, so that no protobuf library is measured.
"""

import signal
import struct
import sys
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
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # in all threads: one that sleeps would keep it
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=threads))
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
    signal.sigwait({signal.SIGTERM})
    server.stop(0).wait()


main()
