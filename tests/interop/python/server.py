"""The test server of service.md on the official grpcio: server.py [--certs FOLDER [--mutual]]. Prints its port."""
import argparse
import pathlib
import queue
import signal
import threading
import time
from concurrent import futures

import grpc

CODES = {code.value[0]: code for code in grpc.StatusCode}
ENCODINGS = {"gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}

cancelled = set()
orders = queue.Queue()
strict_address = None
credentials = None


class Wish:
    """What a request's metadata asks for."""

    def __init__(self, context):
        self.context = context
        self.over = threading.Event()
        self.finishing = False
        metadata = context.invocation_metadata()
        self.first = [m for m in metadata if m[0].startswith("first-")]
        self.last = [m for m in metadata if m[0].startswith("last-")]
        self.wants = dict(metadata)
        if context.time_remaining() < 1e6:  # grpcio tells centuries where there is no deadline
            self.last.append(("saw-deadline-ms", str(int(context.time_remaining() * 1000))))
        self.last += [("saw-authorization", value) for key, value in metadata if key == "authorization"]
        if "want-last-bytes" in self.wants:
            self.last.append(("last-filler", "f" * int(self.wants["want-last-bytes"])))
        if not context.add_callback(self.ended):
            self.ended()
        if "want-encoding" in self.wants:
            context.set_compression(ENCODINGS[self.wants["want-encoding"]])
        if self.first:
            context.send_initial_metadata(self.first)
        if "want-delay-ms" in self.wants:
            self.over.wait(int(self.wants["want-delay-ms"]) / 1000)

    def ended(self):
        if not self.finishing and "id" in self.wants:
            cancelled.add(self.wants["id"])
        self.over.set()

    def response(self, request):
        return b"r" * int(self.wants["want-size"]) if "want-size" in self.wants else request

    def finish(self):
        if "id" in self.wants:
            self.over.wait(2)  # the requests end before the context tells that it was cancelled
        self.finishing = self.context.is_active()
        code = CODES[int(self.wants.get("want-code", 0))]
        if "want-details-bin" in self.wants:
            self.last.append(("grpc-status-details-bin", self.wants["want-details-bin"]))
        self.context.set_trailing_metadata(self.last)
        if code is not grpc.StatusCode.OK:
            self.context.set_code(code)
            self.context.set_details(self.wants.get("want-message-bin", b"").decode())
        return code is grpc.StatusCode.OK


def unary(request, context):
    wish = Wish(context)
    return wish.response(request) if wish.finish() else b""


def down(request, context):
    wish = Wish(context)
    response = wish.response(request)
    for _ in range(int(wish.wants.get("want-count", 1))):
        yield response
    wish.finish()


def up(requests, context):
    wish = Wish(context)
    sizes = [len(request) for request in requests]
    wish.finish()
    return b"%d %d" % (len(sizes), sum(sizes))


def both(requests, context):
    wish = Wish(context)
    for request in requests:
        yield wish.response(request)
    wish.finish()


def collect(requests, context):
    wish = Wish(context)
    yield from list(requests)
    wish.finish()


def early(requests, context):
    Wish(context).finish()
    return iter(())


def wait(request, context):
    wish = Wish(context)
    wish.over.wait(10)
    wish.finish()
    return b""


def noticed(request, context):
    end = time.monotonic() + 5
    while request.decode() not in cancelled and time.monotonic() < end:
        time.sleep(0.01)
    return b"yes" if request.decode() in cancelled else b"no"


def known(request, context):
    return b"\n".join(context.auth_context().get(request.decode(), []))


def strict(request, context):
    return strict_address.encode()


def stop(request, context):
    orders.put(int(request))
    return request


HANDLERS = {
    "Unary": grpc.unary_unary_rpc_method_handler(unary),
    "Down": grpc.unary_stream_rpc_method_handler(down),
    "Up": grpc.stream_unary_rpc_method_handler(up),
    "Both": grpc.stream_stream_rpc_method_handler(both),
    "Collect": grpc.stream_stream_rpc_method_handler(collect),
    "Early": grpc.stream_stream_rpc_method_handler(early),
    "Wait": grpc.unary_unary_rpc_method_handler(wait),
    "Noticed": grpc.unary_unary_rpc_method_handler(noticed),
    "Known": grpc.unary_unary_rpc_method_handler(known),
    "Strict": grpc.unary_unary_rpc_method_handler(strict),
    "Stop": grpc.unary_unary_rpc_method_handler(stop),
}
LENIENT = [
    ("grpc.max_concurrent_streams", 100),
    ("grpc.http.overload_protection", 0),  # else it refuses streams of clients that keep to the 100
    ("grpc.http2.min_ping_interval_without_data_ms", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 1),
    ("grpc.http2.max_ping_strikes", 0),
]


def serve(address, options):
    server = grpc.server(futures.ThreadPoolExecutor(32), options=options)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("interop.Test", HANDLERS),))
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    server.start()
    return server, port


def credentials_from(folder, mutual):
    pair = (folder / "server.key").read_bytes(), (folder / "server.pem").read_bytes()
    return grpc.ssl_server_credentials([pair], (folder / "ca.pem").read_bytes() if mutual else None, mutual)


def main():
    global strict_address, credentials
    parser = argparse.ArgumentParser()
    parser.add_argument("--certs", type=pathlib.Path)
    parser.add_argument("--mutual", action="store_true")
    asked = parser.parse_args()
    if asked.certs:
        credentials = credentials_from(asked.certs, asked.mutual)
    signal.signal(signal.SIGTERM, lambda *_: orders.put(None))
    strict_server, strict_port = serve("127.0.0.1:0", [])
    strict_address = "127.0.0.1:%d" % strict_port
    server, port = serve("127.0.0.1:0", LENIENT)
    print(port, flush=True)
    while (away_ms := orders.get()) is not None:
        server.stop(10).wait()
        time.sleep(away_ms / 1000)
        server, _ = serve("127.0.0.1:%d" % port, LENIENT)
    server.stop(0).wait()
    strict_server.stop(0).wait()


if __name__ == "__main__":
    main()
