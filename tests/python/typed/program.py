"""A typed program over the whole API, for mypy --strict. Each assert_type is what a user is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any, assert_type

import farcall as grpc


class Place:
    def __init__(self, name: str) -> None:
        self.name = name

    def encode(self) -> bytes:
        return self.name.encode()

    @staticmethod
    def decode(data: bytes) -> Place:
        return Place(data.decode())


class PlaceStub:
    def __init__(self, channel: grpc.Channel) -> None:
        self.find: grpc.UnaryUnaryMultiCallable[Place, Place] = channel.unary_unary(
            "/place.Places/Find", request_serializer=Place.encode, response_deserializer=Place.decode
        )
        self.list = channel.unary_stream("/place.Places/List", Place.encode, Place.decode)
        self.count = channel.stream_unary("/place.Places/Count", Place.encode, Place.decode)
        self.chat = channel.stream_stream("/place.Places/Chat", Place.encode, Place.decode)


def call_everything(stub: PlaceStub) -> list[str]:
    names = [stub.find(Place("a"), timeout=1.5, metadata=(("key", "value"), ("key-bin", b"value"))).name]
    response, call = stub.find.with_call(Place("b"), wait_for_ready=True, compression=grpc.Compression.Gzip)
    assert_type(response, Place)
    assert_type(call.code(), grpc.StatusCode)
    assert_type(call.details(), str | None)
    future = stub.find.future(Place("c"))
    future.add_done_callback(lambda done: None)
    names.append(future.result(timeout=1).name)
    error = future.exception()
    assert_type(error, BaseException | None)
    responses = stub.list(Place("d"))
    for each in responses:
        assert_type(each, Place)
        break
    responses.cancel()
    assert_type(responses.time_remaining(), float | None)
    assert_type(stub.count(iter([Place("e")])), Place)
    assert_type(stub.count([Place("e")]), Place)
    for each in stub.chat(Place(name) for name in "fg"):
        names.append(each.name)
    return names


class Hello(grpc.UnaryUnaryClientInterceptor[Place, Place]):
    def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Place], Any],
        client_call_details: grpc.ClientCallDetails,
        request: Place,
    ) -> Any:
        metadata = [*(client_call_details.metadata or ()), ("hello", "world")]
        return continuation(client_call_details._replace(metadata=metadata, timeout=3), request)


class Refuse(grpc.ServerInterceptor):
    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler | None:
        if handler_call_details.method.endswith("/Secret"):
            return None
        return continuation(handler_call_details)


class Places:
    def find(self, request: Place, context: grpc.ServicerContext) -> Place:
        assert_type(context.peer(), str)
        if not request.name:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "which?")
        context.set_trailing_metadata([("found", request.name)])
        return request

    def list(self, request: Place, context: grpc.ServicerContext) -> Iterator[Place]:
        while context.is_active():
            yield request

    def count(self, request_iterator: Iterator[Place], context: grpc.ServicerContext) -> Place:
        return Place(str(sum(1 for _ in request_iterator)))

    def chat(self, request_iterator: Iterator[Place], context: grpc.ServicerContext) -> Iterator[Place]:
        yield from request_iterator


def serve(places: Places) -> tuple[grpc.Server, int]:
    server = grpc.server(
        futures.ThreadPoolExecutor(4), interceptors=[Refuse()], options=[("grpc.so_reuseport", 0)]
    )
    handlers = {
        "Find": grpc.unary_unary_rpc_method_handler(places.find, Place.decode, Place.encode),
        "List": grpc.unary_stream_rpc_method_handler(places.list, Place.decode, Place.encode),
        "Count": grpc.stream_unary_rpc_method_handler(places.count, Place.decode, Place.encode),
        "Chat": grpc.stream_stream_rpc_method_handler(places.chat, Place.decode, Place.encode),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("place.Places", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


class Token(grpc.AuthMetadataPlugin):
    def __call__(
        self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback
    ) -> None:
        callback((("token", context.method_name),), None)


def secure(target: str) -> grpc.Channel:
    credentials = grpc.composite_channel_credentials(
        grpc.ssl_channel_credentials(root_certificates=b""),
        grpc.metadata_call_credentials(Token(), name="token"),
        grpc.access_token_call_credentials("secret"),
    )
    return grpc.secure_channel(target, credentials, options=(("grpc.default_authority", "x"),))


def call_in_bytes(channel: grpc.Channel) -> None:
    echo = channel.unary_unary("/test.Echo/Unary")
    print(echo(b"text"))


def main() -> None:
    server, port = serve(Places())
    states: list[grpc.ChannelConnectivity] = []
    with grpc.intercept_channel(grpc.insecure_channel(f"127.0.0.1:{port}"), Hello()) as channel:
        channel.subscribe(states.append, try_to_connect=True)
        grpc.channel_ready_future(channel).result(timeout=5)
        print(*call_everything(PlaceStub(channel)))
        try:
            PlaceStub(channel).find(Place(""))
        except grpc.RpcError as error:
            assert_type(error.code(), grpc.StatusCode)
            print(error.code().name, error.details())
    assert_type(server.stop(grace=None), threading.Event)


if __name__ == "__main__":
    main()
