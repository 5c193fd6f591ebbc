"""A server in the test's own process, with a channel to it."""

import contextlib
from concurrent import futures

import farcall as grpc

ONE = grpc.unary_unary_rpc_method_handler
DOWN = grpc.unary_stream_rpc_method_handler
UP = grpc.stream_unary_rpc_method_handler
BOTH = grpc.stream_stream_rpc_method_handler


class Serving:
    """server, port and channel; methods by their names, as in serving.one("Name")(request)."""

    def __init__(self, server, port):
        self.server = server
        self.port = port
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")

    def one(self, name, **codec):
        return self.channel.unary_unary(f"/test.S/{name}", **codec)

    def down(self, name, **codec):
        return self.channel.unary_stream(f"/test.S/{name}", **codec)

    def up(self, name, **codec):
        return self.channel.stream_unary(f"/test.S/{name}", **codec)

    def both(self, name, **codec):
        return self.channel.stream_stream(f"/test.S/{name}", **codec)

    def failure(self, name, request=b"", **arguments):
        """The status of a call with one response that is to fail: its code and details."""
        try:
            self.one(name)(request, timeout=10, **arguments)
        except grpc.RpcError as error:
            return error.code(), error.details()
        raise AssertionError(f"{name} has succeeded")


@contextlib.contextmanager
def serve(handlers, pool=None, threads=8, **arguments):
    """Serves a dictionary of method handlers as the service test.S."""
    own = pool is None
    pool = pool or futures.ThreadPoolExecutor(threads)
    server = grpc.server(pool, **arguments)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.S", handlers),))
    serving = Serving(server, server.add_insecure_port("127.0.0.1:0"))
    server.start()
    try:
        yield serving
    finally:
        serving.channel.close()
        server.stop(None)
        if own:
            pool.shutdown()
