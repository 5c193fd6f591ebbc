"""Interceptors: channels whose calls pass through one, and the row of them before a server's handlers."""

from __future__ import annotations

from ._abc import (
    Channel,
    StreamStreamClientInterceptor,
    StreamUnaryClientInterceptor,
    UnaryStreamClientInterceptor,
    UnaryUnaryClientInterceptor,
)
from ._intercepted import CallDetails as _ClientCallDetails
from ._intercepted import (
    InterceptedStreamStream,
    InterceptedStreamUnary,
    InterceptedUnaryStream,
    InterceptedUnaryUnary,
)
from ._outcome import FailureOutcome as _FailureOutcome
from ._outcome import UnaryOutcome as _UnaryOutcome

__all__ = ("intercept_channel", "service_pipeline")

_KINDS = (
    UnaryUnaryClientInterceptor,
    UnaryStreamClientInterceptor,
    StreamUnaryClientInterceptor,
    StreamStreamClientInterceptor,
)


class _Channel(Channel):
    """A channel before which one interceptor stands."""

    def __init__(self, channel, interceptor):
        self._channel = channel
        self._interceptor = interceptor

    def subscribe(self, callback, try_to_connect=False):
        self._channel.subscribe(callback, try_to_connect=try_to_connect)

    def unsubscribe(self, callback):
        self._channel.unsubscribe(callback)

    def unary_unary(
        self, method, request_serializer=None, response_deserializer=None, _registered_method=False
    ):
        make = _maker(
            self._channel.unary_unary, request_serializer, response_deserializer, _registered_method
        )
        if not isinstance(self._interceptor, UnaryUnaryClientInterceptor):
            return make(method)
        return InterceptedUnaryUnary(make, method, self._interceptor.intercept_unary_unary)

    def unary_stream(
        self, method, request_serializer=None, response_deserializer=None, _registered_method=False
    ):
        make = _maker(
            self._channel.unary_stream, request_serializer, response_deserializer, _registered_method
        )
        if not isinstance(self._interceptor, UnaryStreamClientInterceptor):
            return make(method)
        return InterceptedUnaryStream(make, method, self._interceptor.intercept_unary_stream)

    def stream_unary(
        self, method, request_serializer=None, response_deserializer=None, _registered_method=False
    ):
        make = _maker(
            self._channel.stream_unary, request_serializer, response_deserializer, _registered_method
        )
        if not isinstance(self._interceptor, StreamUnaryClientInterceptor):
            return make(method)
        return InterceptedStreamUnary(make, method, self._interceptor.intercept_stream_unary)

    def stream_stream(
        self, method, request_serializer=None, response_deserializer=None, _registered_method=False
    ):
        make = _maker(
            self._channel.stream_stream, request_serializer, response_deserializer, _registered_method
        )
        if not isinstance(self._interceptor, StreamStreamClientInterceptor):
            return make(method)
        return InterceptedStreamStream(make, method, self._interceptor.intercept_stream_stream)

    def close(self):
        self._channel.close()

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        self._channel.close()
        return False


def _maker(kind, request_serializer, response_deserializer, registered):
    """Makes multi-callables by path. A channel of another package may not know the last argument."""
    arguments = (request_serializer, response_deserializer)
    if registered:
        arguments += (registered,)
    return lambda method: kind(method, *arguments)


def intercept_channel(channel, *interceptors):
    for interceptor in interceptors:
        if not isinstance(interceptor, _KINDS):
            raise TypeError(f"{interceptor!r} derives from none of the four classes of client interceptors")
    for interceptor in reversed(interceptors):
        channel = _Channel(channel, interceptor)
    return channel


class _ServicePipeline:
    """A server's interceptors in a row; `execute` sends the details of a call through them."""

    def __init__(self, interceptors):
        self.interceptors = tuple(interceptors)

    def execute(self, find_handler, handler_call_details):
        return self._at(0, find_handler, handler_call_details)

    def _at(self, index, find_handler, details):
        if index == len(self.interceptors):
            return find_handler(details)

        def continuation(new_details):
            return self._at(index + 1, find_handler, new_details)

        return self.interceptors[index].intercept_service(continuation, details)


def service_pipeline(interceptors):
    """Makes a row of server interceptors, or None of none."""
    return _ServicePipeline(interceptors) if interceptors else None
