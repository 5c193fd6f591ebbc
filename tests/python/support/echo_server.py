"""A server of four methods over bytes, for whichever package `grpc` is: prints its port, leaves when stdin closes.

echo_server.py [FARCALL]: with an argument `import farcall as grpc`.
"""

import sys
import threading
import time
from concurrent import futures

if len(sys.argv) > 1:
    import farcall as grpc
else:
    import grpc


def unary(request, context):
    context.send_initial_metadata((("initial", "i"),))
    context.set_trailing_metadata(tuple((k, v) for k, v in context.invocation_metadata() if k.startswith("x-")))
    if request == b"fail":
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "it failed: ä")
    if request == b"slow":
        time.sleep(0.5)
    if request == b"hang":
        gone = threading.Event()
        if context.add_callback(gone.set):
            gone.wait()
    return request


def down(request, context):
    for number in range(int(request)):
        yield b"%d" % number


def up(request_iterator, context):
    return b"".join(request_iterator)


def both(request_iterator, context):
    yield from request_iterator


HANDLERS = {
    "Unary": grpc.unary_unary_rpc_method_handler(unary),
    "Down": grpc.unary_stream_rpc_method_handler(down),
    "Up": grpc.stream_unary_rpc_method_handler(up),
    "Both": grpc.stream_stream_rpc_method_handler(both),
}


def make(pool):
    server = grpc.server(pool)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", HANDLERS),))
    return server, server.add_insecure_port("127.0.0.1:0")


if __name__ == "__main__":
    server, port = make(futures.ThreadPoolExecutor(8))
    server.start()
    print(port, flush=True)
    sys.stdin.read()
    server.stop(None)
