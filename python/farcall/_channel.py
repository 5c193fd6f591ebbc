"""The client: thin classes over the engine's."""

from __future__ import annotations

import os

from . import _engine, _registered
from ._abc import Call as _Call
from ._abc import Channel as _AbstractChannel
from ._abc import Future as _Future
from ._abc import (
    RpcContext,
    RpcError,
    StreamStreamMultiCallable,
    StreamUnaryMultiCallable,
    UnaryStreamMultiCallable,
    UnaryUnaryMultiCallable,
)
from ._errors import InactiveRpcError as _InactiveRpcError
from ._errors import RPCState as _RPCState
from ._errors import InvalidMetadataError as _InvalidMetadataError
from ._errors import inactive_rpc_error, invalid_metadata_error, traceback_of
from ._grpcio_metadata import __version__
from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Any

    from ._abc import ChannelConnectivity, Compression
    from ._typing import DeserializingFunction, SerializingFunction

__all__ = ("Channel",)

_USER_AGENT = f"grpc-python/{__version__}"
_SINGLE_THREADED_UNARY_STREAM = "SingleThreadedUnaryStream"

_InactiveRpcError.__module__ = _InvalidMetadataError.__module__ = __name__


# ---- calls ----


class _Rendezvous(_engine.Call, RpcError, RpcContext):
    """A call: iterator of its responses, and the error it ends with if it fails."""

    def __reduce__(self) -> Any:
        if self.is_active():
            raise TypeError(f"a {type(self).__name__} that is still active cannot be pickled")
        outcome = (
            self.initial_metadata(),
            self.trailing_metadata(),
            self.code(),
            self.details(),
            self.debug_error_string(),
        )
        return type(self), outcome


class _MultiThreadedRendezvous(_Rendezvous, _Call, _Future):
    """A call that any thread may ask, wait for and cancel."""

    def traceback(self, timeout: float | None = None) -> TracebackType | None:
        error = self.exception(timeout)
        return None if error is None else traceback_of(error)


class _SingleThreadedRendezvous(_Rendezvous, _Call, _Future):
    """A stream of responses that only the iterating thread drives: asking for its outcome does not wait."""

    def _expect_end(self, what: str) -> None:
        if self.is_active():
            from .experimental import UsageError

            raise UsageError(f"{type(self).__name__} only supports {what}() when the RPC is complete.")

    def result(self, timeout: float | None = None) -> Any:
        self._expect_end("result")
        return super().result()

    def exception(self, timeout: float | None = None) -> Any:
        self._expect_end("exception")
        return super().exception()

    def traceback(self, timeout: float | None = None) -> TracebackType | None:
        self._expect_end("traceback")
        error = super().exception()
        return None if error is None else traceback_of(error)

    def code(self) -> Any:
        self._expect_end("code")
        return super().code()

    def details(self) -> Any:
        self._expect_end("details")
        return super().details()

    def trailing_metadata(self) -> Any:
        self._expect_end("trailing_metadata")
        return super().trailing_metadata()

    def debug_error_string(self) -> Any:
        self._expect_end("debug_error_string")
        return super().debug_error_string()


# ---- callables ----


class _Registered:
    """What generated code asks for, saying that a method is registered, and its tests look for."""

    _registered_call_handle: int | None = None

    def _registered(self, registered: bool | None) -> Any:
        if registered:
            self._registered_call_handle = id(self)
        return self


class _UnaryUnaryMultiCallable(_engine.UnaryUnary, _Registered, UnaryUnaryMultiCallable):
    """Starts calls of one method; the engine does all of it."""


class _UnaryStreamMultiCallable(_engine.UnaryStream, _Registered, UnaryStreamMultiCallable):
    """Starts calls of one method; the engine does all of it."""


class _StreamUnaryMultiCallable(_engine.StreamUnary, _Registered, StreamUnaryMultiCallable):
    """Starts calls of one method; the engine does all of it."""


class _StreamStreamMultiCallable(_engine.StreamStream, _Registered, StreamStreamMultiCallable):
    """Starts calls of one method; the engine does all of it."""


# ---- channels ----


def _engine_options(
    options: Iterable[tuple[str, Any]], compression: Compression | None
) -> list[tuple[str, Any]]:
    added: list[tuple[str, Any]] = [("grpc.primary_user_agent", _USER_AGENT)]
    if compression is not None:
        added.append(("grpc.default_compression_algorithm", int(compression)))
    if os.environ.get("GRPC_SINGLE_THREADED_UNARY_STREAM") is not None:
        added.append((_SINGLE_THREADED_UNARY_STREAM, 1))
    return [*options, *added]


class Channel(_AbstractChannel):
    """A channel of the engine, and who watches its state."""

    def __init__(
        self,
        target: str,
        options: Iterable[tuple[str, Any]],
        credentials: Any,
        compression: Compression | None,
    ) -> None:
        self._target = target
        self._watches: list[tuple[Any, Any]] = []
        self._channel = _engine.Channel(target, _engine_options(options, compression), credentials)

    def subscribe(
        self, callback: Callable[[ChannelConnectivity], object], try_to_connect: bool | None = False
    ) -> None:
        self._watches.append((callback, self._channel.watch(callback)))
        if try_to_connect:
            self._channel.state(True)

    def unsubscribe(self, callback: Callable[[ChannelConnectivity], object]) -> None:
        for entry in self._watches:
            if entry[0] == callback:
                self._watches.remove(entry)
                entry[1].cancel()
                break

    def unary_unary(
        self,
        method: str,
        request_serializer: SerializingFunction[Any] | None = None,
        response_deserializer: DeserializingFunction[Any] | None = None,
        _registered_method: bool | None = False,
    ) -> Any:
        return _UnaryUnaryMultiCallable(
            self._channel, method, request_serializer, response_deserializer
        )._registered(_registered_method)

    def unary_stream(
        self,
        method: str,
        request_serializer: SerializingFunction[Any] | None = None,
        response_deserializer: DeserializingFunction[Any] | None = None,
        _registered_method: bool | None = False,
    ) -> Any:
        return _UnaryStreamMultiCallable(
            self._channel, method, request_serializer, response_deserializer
        )._registered(_registered_method)

    def stream_unary(
        self,
        method: str,
        request_serializer: SerializingFunction[Any] | None = None,
        response_deserializer: DeserializingFunction[Any] | None = None,
        _registered_method: bool | None = False,
    ) -> Any:
        return _StreamUnaryMultiCallable(
            self._channel, method, request_serializer, response_deserializer
        )._registered(_registered_method)

    def stream_stream(
        self,
        method: str,
        request_serializer: SerializingFunction[Any] | None = None,
        response_deserializer: DeserializingFunction[Any] | None = None,
        _registered_method: bool | None = False,
    ) -> Any:
        return _StreamStreamMultiCallable(
            self._channel, method, request_serializer, response_deserializer
        )._registered(_registered_method)

    def close(self) -> None:
        watches, self._watches = self._watches, []
        for _, watch in watches:
            watch.cancel()
        self._channel.close()

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *exc_info: object) -> bool:
        self.close()
        return False


_engine.register(
    MultiThreadedRendezvous=_MultiThreadedRendezvous,
    SingleThreadedRendezvous=_SingleThreadedRendezvous,
    inactive_rpc_error=inactive_rpc_error,
    invalid_metadata_error=invalid_metadata_error,
)
