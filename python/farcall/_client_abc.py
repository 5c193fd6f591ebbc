"""The client's side of the API: what a channel, a call and a future can be asked.

A metadata argument is a sequence of (key, value) pairs; values are str, or bytes where the key ends in "-bin".
Times are seconds, as int or float; None is without limit. Messages are whatever the serializer takes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from ._typing_base import TYPE_CHECKING, Generic, Request, Response, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Any

    from ._codes import ChannelConnectivity, Compression, StatusCode
    from ._credentials_abc import CallCredentials
    from ._typing import DeserializingFunction, MetadataType, RequestIterable, SerializingFunction


class Future(ABC, Generic[Value]):
    """The result of something that goes on elsewhere, such as a call started with `future`."""

    __slots__ = ()

    @abstractmethod
    def cancel(self) -> bool:
        """Cancels what goes on, without waiting. Says whether that could still be done."""

    @abstractmethod
    def cancelled(self) -> bool:
        """Says whether it was cancelled before it had a result."""

    @abstractmethod
    def running(self) -> bool:
        """Says whether it still goes on: the opposite of done()."""

    @abstractmethod
    def done(self) -> bool:
        """Says whether it has ended: with a result, with an exception or by being cancelled."""

    @abstractmethod
    def result(self, timeout: float | None = None) -> Value:
        """Waits for the result, at most `timeout` seconds.

        Raises FutureTimeoutError when that time passes, FutureCancelledError when it was cancelled, and the
        exception with which it ended, for a call an RpcError.
        """

    @abstractmethod
    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Waits like result(), and returns the exception with which it ended, or None if there is a result.

        Raises FutureTimeoutError and FutureCancelledError like result().
        """

    @abstractmethod
    def traceback(self, timeout: float | None = None) -> TracebackType | None:
        """Waits like exception(), and returns the traceback of that exception, or None."""

    @abstractmethod
    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        """Calls `fn(self)` once it has ended; at once if it already has.

        What fn raises is logged and goes no further.
        """


class RpcContext(ABC):
    """What both sides of a call can be asked."""

    __slots__ = ()

    @abstractmethod
    def is_active(self) -> bool:
        """Says whether the call still goes on."""

    @abstractmethod
    def time_remaining(self) -> float | None:
        """Seconds until the deadline, never below 0; None without a deadline."""

    @abstractmethod
    def cancel(self) -> Any:
        """Cancels the call. Does nothing when it is over."""

    @abstractmethod
    def add_callback(self, callback: Callable[[], object]) -> bool:
        """Calls `callback()` when the call ends. False says that it is over already: there will be no call."""


class Call(RpcContext):
    """A call as its client sees it."""

    __slots__ = ()

    @abstractmethod
    def initial_metadata(self) -> MetadataType:
        """Waits for the metadata that precedes the response: a tuple of (key, value) pairs."""

    @abstractmethod
    def trailing_metadata(self) -> MetadataType:
        """Waits for the end of the call, and returns the metadata that came with it."""

    @abstractmethod
    def code(self) -> StatusCode:
        """Waits for the end of the call, and returns its status code."""

    @abstractmethod
    def details(self) -> str | None:
        """Waits for the end of the call, and returns the text that came with its status."""


if TYPE_CHECKING:

    class CallFuture(Call, Future[Value]):
        """What `future` returns."""

    class CallIterator(Call, Future[Any], Generic[Value]):
        """What a call with a stream of responses returns: iterator, Call and Future at once."""

        def __iter__(self) -> Iterator[Value]: ...

        def __next__(self) -> Value: ...


class UnaryUnaryMultiCallable(ABC, Generic[Request, Response]):
    """Starts calls of one method: one request, one response."""

    __slots__ = ()

    @abstractmethod
    def __call__(
        self,
        request: Request,
        timeout: float | None = None,
        metadata: MetadataType | None = None,
        credentials: CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: Compression | None = None,
    ) -> Response:
        """Calls, waits and returns the response.

        request: the message. timeout: seconds for all of the call. metadata: pairs to send. credentials: for
        this call, over a secure channel. wait_for_ready: True lets the call wait for a connection instead of
        failing while there is none. compression: of the request.

        Raises RpcError, which is a Call too, when the status is not OK; ValueError for malformed metadata.
        """

    @abstractmethod
    def with_call(
        self,
        request: Request,
        timeout: float | None = None,
        metadata: MetadataType | None = None,
        credentials: CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: Compression | None = None,
    ) -> tuple[Response, Call]:
        """Like calling it, and returns the response with the Call, which has metadata, code and details."""

    @abstractmethod
    def future(
        self,
        request: Request,
        timeout: float | None = None,
        metadata: MetadataType | None = None,
        credentials: CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: Compression | None = None,
    ) -> CallFuture[Response]:
        """Starts the call and returns at once. What it returns is a Future of the response and a Call."""


class UnaryStreamMultiCallable(ABC, Generic[Request, Response]):
    """Starts calls of one method: one request, a stream of responses."""

    __slots__ = ()

    @abstractmethod
    def __call__(
        self,
        request: Request,
        timeout: float | None = None,
        metadata: MetadataType | None = None,
        credentials: CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: Compression | None = None,
    ) -> CallIterator[Response]:
        """Starts the call and returns at once; the parameters are those of UnaryUnaryMultiCallable.

        What it returns iterates over the responses, and raises RpcError when the call ends with a status other
        than OK. It is a Call and a Future too; dropping it cancels the call.
        """


class StreamUnaryMultiCallable(ABC, Generic[Request, Response]):
    """Starts calls of one method: a stream of requests, one response."""

    __slots__ = ()

    @abstractmethod
    def __call__(
        self,
        request_iterator: RequestIterable[Request],
        timeout: float | None = None,
        metadata: MetadataType | None = None,
        credentials: CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: Compression | None = None,
    ) -> Response:
        """Calls, waits and returns the response.

        request_iterator: any iterable of messages. It is advanced no faster than the peer takes them, and, if it
        may block, on another thread. The other parameters and errors are those of UnaryUnaryMultiCallable; an
        iterator that raises ends the call with UNKNOWN.
        """

    @abstractmethod
    def with_call(
        self,
        request_iterator: RequestIterable[Request],
        timeout: float | None = None,
        metadata: MetadataType | None = None,
        credentials: CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: Compression | None = None,
    ) -> tuple[Response, Call]:
        """Like calling it, and returns the response with the Call, which has metadata, code and details."""

    @abstractmethod
    def future(
        self,
        request_iterator: RequestIterable[Request],
        timeout: float | None = None,
        metadata: MetadataType | None = None,
        credentials: CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: Compression | None = None,
    ) -> CallFuture[Response]:
        """Starts the call and returns at once. What it returns is a Future of the response and a Call."""


class StreamStreamMultiCallable(ABC, Generic[Request, Response]):
    """Starts calls of one method: a stream of requests, a stream of responses."""

    __slots__ = ()

    @abstractmethod
    def __call__(
        self,
        request_iterator: RequestIterable[Request],
        timeout: float | None = None,
        metadata: MetadataType | None = None,
        credentials: CallCredentials | None = None,
        wait_for_ready: bool | None = None,
        compression: Compression | None = None,
    ) -> CallIterator[Response]:
        """Starts the call and returns at once: requests as in StreamUnary-, responses as in UnaryStream-."""


class Channel(ABC):
    """Calls to one target, over connections that it makes and remakes by itself. Usable from any thread."""

    __slots__ = ()

    @abstractmethod
    def subscribe(
        self, callback: Callable[[ChannelConnectivity], object], try_to_connect: bool = False
    ) -> None:
        """Calls `callback(state)` with the present state and with each one that follows, on another thread.

        try_to_connect: True makes an idle channel connect now, rather than for its first call.
        """

    @abstractmethod
    def unsubscribe(self, callback: Callable[[ChannelConnectivity], object]) -> None:
        """Ends what subscribe began. Does nothing for a callback that it does not know."""

    @abstractmethod
    def unary_unary(
        self,
        method: str,
        request_serializer: SerializingFunction[Request] | None = None,
        response_deserializer: DeserializingFunction[Response] | None = None,
        _registered_method: bool | None = False,
    ) -> UnaryUnaryMultiCallable[Request, Response]:
        """Makes the object that calls `method`, a path like "/package.Service/Method".

        request_serializer: turns a request into bytes. response_deserializer: turns bytes into a response.
        Without them messages are bytes.
        """

    @abstractmethod
    def unary_stream(
        self,
        method: str,
        request_serializer: SerializingFunction[Request] | None = None,
        response_deserializer: DeserializingFunction[Response] | None = None,
        _registered_method: bool | None = False,
    ) -> UnaryStreamMultiCallable[Request, Response]:
        """Like unary_unary, for a method with a stream of responses."""

    @abstractmethod
    def stream_unary(
        self,
        method: str,
        request_serializer: SerializingFunction[Request] | None = None,
        response_deserializer: DeserializingFunction[Response] | None = None,
        _registered_method: bool | None = False,
    ) -> StreamUnaryMultiCallable[Request, Response]:
        """Like unary_unary, for a method with a stream of requests."""

    @abstractmethod
    def stream_stream(
        self,
        method: str,
        request_serializer: SerializingFunction[Request] | None = None,
        response_deserializer: DeserializingFunction[Response] | None = None,
        _registered_method: bool | None = False,
    ) -> StreamStreamMultiCallable[Request, Response]:
        """Like unary_unary, for a method with streams both ways."""

    @abstractmethod
    def close(self) -> None:
        """Cancels the calls that go on and closes the connections. Calls started later raise ValueError."""

    def __enter__(self) -> Channel:
        """Returns the channel itself."""
        raise NotImplementedError

    def __exit__(self, exc_type: object, exc_val: object, exc_tb: object) -> bool | None:
        """Closes the channel."""
        raise NotImplementedError
