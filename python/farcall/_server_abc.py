"""The server's side of the API: the server, its handlers, and what a handler can ask and do."""

from __future__ import annotations

from abc import ABC, ABCMeta, abstractmethod

from ._client_abc import RpcContext
from ._typing_base import TYPE_CHECKING, Generic, Request, Response

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any, NoReturn, Protocol, runtime_checkable

    from ._codes import Compression, StatusCode
    from ._credentials_abc import ServerCredentials
    from ._typing import DeserializingFunction, MetadataType, SerializingFunction


class Status(ABC):
    """A whole status for ServicerContext.abort_with_status.

    code: a StatusCode. details: a str. trailing_metadata: (key, value) pairs or None.
    """

    if TYPE_CHECKING:
        code: StatusCode
        details: str
        trailing_metadata: MetadataType | None


class ServicerContext(RpcContext):
    """A call as its handler sees it."""

    __slots__ = ()

    @abstractmethod
    def invocation_metadata(self) -> MetadataType:
        """The metadata that the client sent: a tuple of (key, value) pairs."""

    @abstractmethod
    def peer(self) -> str:
        """The client's address, such as "ipv4:127.0.0.1:40000", "ipv6:%5B::1%5D:40000" or "unix:"."""

    @abstractmethod
    def peer_identities(self) -> Iterable[bytes] | None:
        """Names of the client that its certificate proves; None when it proved none."""

    @abstractmethod
    def peer_identity_key(self) -> str | None:
        """The key of auth_context() under which peer_identities() were found, or None."""

    @abstractmethod
    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        """What is known of the connection's security: name to values."""

    def set_compression(self, compression: Compression) -> None:
        """Compresses the responses of this call. Raises ValueError once one has been sent."""
        raise NotImplementedError

    @abstractmethod
    def send_initial_metadata(self, initial_metadata: MetadataType) -> None:
        """Sends the metadata that precedes the response. Raises ValueError when it has been sent already."""

    @abstractmethod
    def set_trailing_metadata(self, trailing_metadata: MetadataType) -> None:
        """Sets the metadata that ends the call."""

    def trailing_metadata(self) -> MetadataType:
        """The metadata that will end the call, as set so far."""
        raise NotImplementedError

    @abstractmethod
    def abort(self, code: StatusCode, details: str) -> NoReturn:
        """Ends the call with this status by raising; code OK is refused, and UNKNOWN sent in its place."""

    @abstractmethod
    def abort_with_status(self, status: Status) -> NoReturn:
        """Like abort, with trailing metadata from the status object."""

    @abstractmethod
    def set_code(self, code: StatusCode) -> None:
        """Sets the code with which the call will end when the handler returns."""

    @abstractmethod
    def set_details(self, details: str) -> None:
        """Sets the text that will go with the code."""

    def code(self) -> StatusCode | None:
        """The code set so far, or None."""
        raise NotImplementedError

    def details(self) -> str | None:
        """The text set so far, or None."""
        raise NotImplementedError

    def disable_next_message_compression(self) -> None:
        """Sends the next response uncompressed, whatever compression the call uses."""
        raise NotImplementedError


class RpcMethodHandler(ABC, Generic[Request, Response]):
    """How one method is served.

    request_streaming, response_streaming: bool. request_deserializer, response_serializer: functions from and to
    bytes, or None for messages that are bytes. unary_unary, unary_stream, stream_unary, stream_stream: the
    function `(request or iterator, context)` that serves, under the name of the method's kind; else None.
    """

    if TYPE_CHECKING:
        request_streaming: bool
        response_streaming: bool
        request_deserializer: DeserializingFunction[Request] | None
        response_serializer: SerializingFunction[Response] | None
        unary_unary: Callable[[Request, ServicerContext], Response] | None
        unary_stream: Callable[[Request, ServicerContext], Iterator[Response]] | None
        stream_unary: Callable[[Iterator[Request], ServicerContext], Response] | None
        stream_stream: Callable[[Iterator[Request], ServicerContext], Iterator[Response]] | None

        def _replace(self, **changes: Any) -> RpcMethodHandler[Any, Any]: ...


if TYPE_CHECKING:

    @runtime_checkable
    class HandlerCallDetails(Protocol):
        """Describes a call that has arrived: its path, and the metadata that came with it."""

        method: str
        invocation_metadata: Any

else:

    class _HasDetails(ABCMeta):
        """Makes isinstance ask for the attributes, as a runtime-checkable protocol does."""

        def __instancecheck__(cls, instance):
            return hasattr(instance, "method") and hasattr(instance, "invocation_metadata")

    class HandlerCallDetails(metaclass=_HasDetails):
        """Describes a call that has arrived: its path, and the metadata that came with it."""


class GenericRpcHandler(ABC):
    """Finds handlers for paths."""

    @abstractmethod
    def service(self, handler_call_details: HandlerCallDetails) -> RpcMethodHandler[Any, Any] | None:
        """Returns the handler of the call described, or None if it is not this object's."""


class ServiceRpcHandler(GenericRpcHandler):
    """Finds the handlers of one service."""

    @abstractmethod
    def service_name(self) -> str:
        """The name of the service, such as "package.Service"."""


class Server(ABC):
    """Serves calls on ports. Usable from any thread."""

    @abstractmethod
    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[GenericRpcHandler]) -> None:
        """Adds handlers, which are asked in the order of their adding. Only before start()."""

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, RpcMethodHandler[Any, Any]]
    ) -> None:
        """Adds handlers of a service by method name. They are found before the generic ones."""

    @abstractmethod
    def add_insecure_port(self, address: str) -> int:
        """Listens without TLS on an address such as "localhost:50051" or "unix:/run/place.sock".

        Returns the port, which the system chose if the address says 0. Raises RuntimeError with the reason when
        the address cannot be bound.
        """

    @abstractmethod
    def add_secure_port(self, address: str, server_credentials: ServerCredentials) -> int:
        """Like add_insecure_port, for connections that the credentials secure."""

    @abstractmethod
    def start(self) -> None:
        """Begins to serve. Raises ValueError when it was called before."""

    @abstractmethod
    def stop(self, grace: float | None) -> threading.Event:
        """Takes no further calls and returns at once; those that go on have `grace` seconds to end, None is none.

        Returns an event that is set when all have ended. May be called again: the shortest time counts.
        """

    def wait_for_termination(self, timeout: float | None = None) -> bool:
        """Waits until the server has stopped. Returns True if `timeout` seconds passed before that."""
        raise NotImplementedError
