"""What an interceptor implements, on either side, and what describes a call to it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ._typing_base import TYPE_CHECKING, Generic, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._client_abc import CallFuture, CallIterator
    from ._codes import Compression
    from ._credentials_abc import CallCredentials
    from ._server_abc import HandlerCallDetails, RpcMethodHandler
    from ._typing import MetadataType, RequestIterable


class ClientCallDetails(ABC):
    """How a call is to be made.

    method: its path. timeout: seconds or None. metadata: (key, value) pairs or None. credentials: CallCredentials
    or None. wait_for_ready: True, False or None, the channel's choice. compression: a Compression or None.

    Those that farcall hands to interceptors are named tuples: `details._replace(timeout=3)` makes another.
    """

    if TYPE_CHECKING:
        method: str
        timeout: float | None
        metadata: MetadataType | None
        credentials: CallCredentials | None
        wait_for_ready: bool | None
        compression: Compression | None

        def _replace(self, **changes: Any) -> ClientCallDetails: ...


class UnaryUnaryClientInterceptor(ABC, Generic[Request, Response]):
    """Stands between a program and its calls with one request and one response."""

    __slots__ = ()

    @abstractmethod
    def intercept_unary_unary(
        self,
        continuation: Callable[[ClientCallDetails, Request], CallFuture[Response]],
        client_call_details: ClientCallDetails,
        request: Request,
    ) -> CallFuture[Response] | Any:
        """Makes the call, or answers in its place.

        continuation: `continuation(details, request)` goes on, any number of times; it returns an object that is
        Call and Future. A failed call is such an object too: it raises when its result is asked for.

        Returns an object that is Call and Future; what it raises becomes the outcome of the call.
        """


class UnaryStreamClientInterceptor(ABC, Generic[Request, Response]):
    """Stands between a program and its calls with one request and a stream of responses."""

    __slots__ = ()

    @abstractmethod
    def intercept_unary_stream(
        self,
        continuation: Callable[[ClientCallDetails, Request], CallIterator[Response]],
        client_call_details: ClientCallDetails,
        request: Request,
    ) -> CallIterator[Response] | Any:
        """Like intercept_unary_unary. What is returned iterates over the responses; continuation's also is a Call."""


class StreamUnaryClientInterceptor(ABC, Generic[Request, Response]):
    """Stands between a program and its calls with a stream of requests and one response."""

    __slots__ = ()

    @abstractmethod
    def intercept_stream_unary(
        self,
        continuation: Callable[[ClientCallDetails, RequestIterable[Request]], CallFuture[Response]],
        client_call_details: ClientCallDetails,
        request_iterator: RequestIterable[Request],
    ) -> CallFuture[Response] | Any:
        """Like intercept_unary_unary, with an iterator of requests. Only one continuation can consume it."""


class StreamStreamClientInterceptor(ABC, Generic[Request, Response]):
    """Stands between a program and its calls with streams both ways."""

    __slots__ = ()

    @abstractmethod
    def intercept_stream_stream(
        self,
        continuation: Callable[[ClientCallDetails, RequestIterable[Request]], CallIterator[Response]],
        client_call_details: ClientCallDetails,
        request_iterator: RequestIterable[Request],
    ) -> CallIterator[Response] | Any:
        """Like intercept_unary_stream, with an iterator of requests."""


class ServerInterceptor(ABC, Generic[Request, Response]):
    """Stands between a server and its handlers."""

    __slots__ = ()

    @abstractmethod
    def intercept_service(
        self,
        continuation: Callable[[HandlerCallDetails], RpcMethodHandler[Request, Response] | None],
        handler_call_details: HandlerCallDetails,
    ) -> RpcMethodHandler[Request, Response] | None:
        """Chooses the handler of a call that has just arrived, before its request is read.

        continuation: `continuation(details)` returns the handler that would serve, or None.

        Returns a handler, perhaps another one that wraps it; None answers UNIMPLEMENTED.
        """
