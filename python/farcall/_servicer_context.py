"""ServicerContext: a call as its handler sees it."""

from __future__ import annotations

import sys

from . import _engine
from . import _registered as _registered  # the classes that both sides need
from ._abc import RpcError, ServicerContext, StatusCode
from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, NoReturn

    from ._abc import Status


class AbortError(RpcError):
    """Raised by ServicerContext.abort: the call ends with the status it was given."""

    def __init__(self, code: StatusCode, details: str) -> None:
        super().__init__(code, details)
        self._code = code
        self._details = details

    def code(self) -> StatusCode:
        return self._code

    def details(self) -> str:
        return self._details


class Context(_engine.ServicerContext, ServicerContext):
    """A call as its handler sees it. What is asked or said often is the engine's."""

    def abort(self, code: StatusCode, details: str) -> NoReturn:
        if code is StatusCode.OK:
            server_logger().error("abort() called with StatusCode.OK; returning UNKNOWN")
            code, details = StatusCode.UNKNOWN, ""
        self.set_code(code)
        self.set_details(details)
        self._set_aborted()
        raise AbortError(code, details)

    def abort_with_status(self, status: Status) -> NoReturn:
        self.set_trailing_metadata(status.trailing_metadata)
        self.abort(status.code, status.details)

    # What libraries that watch calls look up in grpcio's contexts.

    @property
    def _rpc_event(self) -> CallEvent:
        return CallEvent(self)

    @property
    def _state(self) -> CallState:
        return CallState(self)


class CallEvent:
    """The call behind a context, under grpcio's private names."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def call_details(self) -> CallEvent:
        return self

    @property
    def method(self) -> bytes:
        return self._context._method().encode()

    @property
    def invocation_metadata(self) -> Any:
        return self._context.invocation_metadata()


class CallState:
    """What a handler has said so far, under grpcio's private names."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def code(self) -> StatusCode | None:
        return self._context.code()

    @property
    def details(self) -> bytes | None:
        return self._context.details()

    @property
    def trailing_metadata(self) -> Any:
        return self._context.trailing_metadata()

    @property
    def aborted(self) -> bool:
        return self._context._is_aborted()

    @property
    def client(self) -> str:
        """Whether the client is still there; asked while the handler runs, for then only it can have ended the call."""
        return "open" if self._context.is_active() else "cancelled"


def create_servicer_context(rpc_event: Any, state: Any, request_deserializer: Any) -> Any:
    """Gives, as a context manager, the ServicerContext of a call; here the engine has made it already."""
    from contextlib import nullcontext

    return nullcontext(rpc_event._context)


def server_logger() -> Any:
    import logging

    return logging.getLogger("grpc._server")


def log_exception(text: str, exception: BaseException) -> None:
    """Tells the log what handlers have raised. Where nobody has imported logging, nobody listens."""
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger("grpc._server").error(text, exc_info=exception)


_engine.register(ServicerContext=Context, log_server_exception=log_exception)
