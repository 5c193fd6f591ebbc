"""Method handlers: how a program tells a server which function serves which method, and in which way."""

from __future__ import annotations

from collections import namedtuple

from ._abc import HandlerCallDetails, RpcMethodHandler, ServicerContext, ServiceRpcHandler
from ._typing_base import TYPE_CHECKING, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from ._abc import GenericRpcHandler
    from ._typing import DeserializingFunction, SerializingFunction


class MethodHandler(
    namedtuple(
        "MethodHandler",
        "request_streaming response_streaming request_deserializer response_serializer"
        " unary_unary unary_stream stream_unary stream_stream",
    ),
    RpcMethodHandler,
):
    """An RpcMethodHandler as a named tuple, so that `_replace` makes a changed one."""


class ServiceHandler(ServiceRpcHandler):
    """Serves the methods of one service out of a dictionary."""

    def __init__(self, service: str, method_handlers: Mapping[str, RpcMethodHandler[Any, Any]]) -> None:
        self._name = service
        self._method_handlers = {f"/{service}/{method}": handler for method, handler in method_handlers.items()}

    def service_name(self) -> str:
        return self._name

    def service(self, handler_call_details: HandlerCallDetails) -> RpcMethodHandler[Any, Any] | None:
        return self._method_handlers.get(handler_call_details.method)


def unary_unary_rpc_method_handler(
    behavior: Callable[[Request, ServicerContext], Response],
    request_deserializer: DeserializingFunction[Request] | None = None,
    response_serializer: SerializingFunction[Response] | None = None,
) -> RpcMethodHandler[Request, Response]:
    """Serves one request with one response: `behavior(request, context)` returns it.

    request_deserializer: makes a request of bytes. response_serializer: makes bytes of a response. Without them
    messages are bytes.
    """
    return MethodHandler(
        False, False, request_deserializer, response_serializer, behavior, None, None, None
    )


def unary_stream_rpc_method_handler(
    behavior: Callable[[Request, ServicerContext], Iterator[Response]],
    request_deserializer: DeserializingFunction[Request] | None = None,
    response_serializer: SerializingFunction[Response] | None = None,
) -> RpcMethodHandler[Request, Response]:
    """Serves one request with a stream of responses: `behavior(request, context)` is an iterator of them."""
    return MethodHandler(
        False, True, request_deserializer, response_serializer, None, behavior, None, None
    )


def stream_unary_rpc_method_handler(
    behavior: Callable[[Iterator[Request], ServicerContext], Response],
    request_deserializer: DeserializingFunction[Request] | None = None,
    response_serializer: SerializingFunction[Response] | None = None,
) -> RpcMethodHandler[Request, Response]:
    """Serves a stream of requests with one response: `behavior(request_iterator, context)` returns it."""
    return MethodHandler(
        True, False, request_deserializer, response_serializer, None, None, behavior, None
    )


def stream_stream_rpc_method_handler(
    behavior: Callable[[Iterator[Request], ServicerContext], Iterator[Response]],
    request_deserializer: DeserializingFunction[Request] | None = None,
    response_serializer: SerializingFunction[Response] | None = None,
) -> RpcMethodHandler[Request, Response]:
    """Serves streams both ways: `behavior(request_iterator, context)` is an iterator of responses."""
    return MethodHandler(
        True, True, request_deserializer, response_serializer, None, None, None, behavior
    )


def method_handlers_generic_handler(
    service: str, method_handlers: Mapping[str, RpcMethodHandler[Any, Any]]
) -> GenericRpcHandler:
    """Joins the handlers of one service: `service` like "package.Service", handlers by method name."""
    return ServiceHandler(service, method_handlers)
