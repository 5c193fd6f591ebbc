"""The server: thin classes over the engine's."""

from __future__ import annotations

import enum
import threading
from collections import namedtuple

from . import _engine
from ._abc import HandlerCallDetails, Server
from ._handlers import ServiceHandler
from ._servicer_context import Context as _Context
from ._servicer_context import create_servicer_context as _create_servicer_context
from ._servicer_context import server_logger
from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from ._abc import (
        Compression,
        GenericRpcHandler,
        RpcMethodHandler,
        ServerCredentials,
        ServerInterceptor,
    )


class _HandlerCallDetails(
    namedtuple("_HandlerCallDetails", "method invocation_metadata"), HandlerCallDetails
):
    """Describes a call to interceptors and generic handlers."""


class _ServerStage(enum.Enum):
    STOPPED = "stopped"
    STARTED = "started"
    GRACE = "grace"


class _Resolver:
    """Finds handlers as interceptors and generic handlers have it. The engine asks it on the pool's threads."""

    def __init__(
        self, generic_handlers: list[GenericRpcHandler], interceptors: Sequence[ServerInterceptor[Any, Any]]
    ) -> None:
        self._generic_handlers = generic_handlers
        self._interceptors = interceptors

    def __call__(
        self, method: str, metadata: Any, registered: RpcMethodHandler[Any, Any] | None
    ) -> RpcMethodHandler[Any, Any] | None:
        def search(details: HandlerCallDetails) -> RpcMethodHandler[Any, Any] | None:
            return self._search(details) if registered is None else registered

        return self._intercept(0, search, _HandlerCallDetails(method, metadata))

    def _intercept(self, index: int, search: Any, details: HandlerCallDetails) -> Any:
        if index == len(self._interceptors):
            return search(details)
        return self._interceptors[index].intercept_service(
            lambda details: self._intercept(index + 1, search, details), details
        )

    def _search(self, details: HandlerCallDetails) -> RpcMethodHandler[Any, Any] | None:
        for generic_handler in self._generic_handlers:
            handler = generic_handler.service(details)
            if handler is not None:
                return handler
        return None


class _State:
    """What the server's threads share with the Server, which they do not keep alive."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.stage = _ServerStage.STOPPED
        self.started = False
        self.terminated = threading.Event()
        self.events = [self.terminated]

    def end(self) -> None:
        """Called by the engine, once, when all calls are over."""
        with self.lock:
            self.stage = _ServerStage.STOPPED
            events = self.events
        for event in events:
            event.set()


class _Server(Server):
    def __init__(
        self,
        thread_pool: Any,
        generic_handlers: Sequence[GenericRpcHandler],
        interceptors: Sequence[ServerInterceptor[Any, Any]],
        options: Iterable[tuple[str, Any]],
        maximum_concurrent_rpcs: int | None,
        compression: Compression | None,
    ) -> None:
        self._state = _State()
        self._thread_pool = thread_pool
        self._generic_handlers = list(generic_handlers)
        self._registered: dict[str, RpcMethodHandler[Any, Any]] = {}
        self._engine = _engine.Server(
            thread_pool,
            _Resolver(self._generic_handlers, tuple(interceptors)),
            bool(interceptors),
            options,
            maximum_concurrent_rpcs,
            compression,
            self._state.end,
        )

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[GenericRpcHandler]) -> None:
        handlers = tuple(generic_rpc_handlers)
        _validate_generic_rpc_handlers(handlers)
        self._generic_handlers.extend(handlers)

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, RpcMethodHandler[Any, Any]]
    ) -> None:
        with self._state.lock:
            if self._state.started:
                server_logger().warning("Cannot register method handlers once server has started")
                return
            for method, handler in method_handlers.items():
                self._registered[f"/{service_name}/{method}"] = handler

    def add_insecure_port(self, address: str) -> int:
        return self._engine.listen(_text(address), None)

    def add_secure_port(self, address: str, server_credentials: ServerCredentials) -> int:
        return self._engine.listen(_text(address), server_credentials._credentials)

    def start(self) -> None:
        with self._state.lock:
            if self._state.started:
                raise ValueError("Cannot start already-started server!")
            self._state.started = True
            self._register_handlers()
            self._engine.start()
            self._state.stage = _ServerStage.STARTED
        _attend_exit()

    def stop(self, grace: float | None) -> threading.Event:
        event = threading.Event()
        with self._state.lock:
            if self._state.stage is _ServerStage.STOPPED:
                event.set()
                return event
            self._state.stage = _ServerStage.GRACE
            self._state.events.append(event)
        self._engine.shutdown(grace)
        if grace is None:
            event.wait()
        return event

    def wait_for_termination(self, timeout: float | None = None) -> bool:
        return not self._state.terminated.wait(timeout)

    def _register_handlers(self) -> None:
        """Tells the engine of every method whose handler is known by now: registered ones, and those of services that
        no generic handler of another kind comes before."""
        for path, handler in self._registered.items():
            self._register(path, handler)
        for generic_handler in self._generic_handlers:
            if type(generic_handler) is not ServiceHandler:
                break
            for path, handler in generic_handler._method_handlers.items():
                self._register(path, handler)

    def _register(self, path: str, handler: RpcMethodHandler[Any, Any]) -> None:
        try:
            self._engine.register(path, handler, _pool_for(handler, self._thread_pool))
        except ValueError:
            pass  # a path that no call can have

    def __del__(self) -> None:
        engine = self.__dict__.get("_engine")
        if engine is not None:
            engine.abandon()


def _pool_for(handler: RpcMethodHandler[Any, Any], default: Any) -> Any:
    """A behavior may have a pool of its own."""
    kind = ("unary", "stream")
    name = f"{kind[bool(handler.request_streaming)]}_{kind[bool(handler.response_streaming)]}"
    pool = getattr(getattr(handler, name), "experimental_thread_pool", None)
    return pool if hasattr(pool, "submit") else default


def _text(address: str | bytes) -> str:
    return address.decode() if isinstance(address, bytes) else address


def _validate_generic_rpc_handlers(handlers: Iterable[Any]) -> None:
    for handler in handlers:
        if getattr(handler, "service", None) is None:
            raise AttributeError(
                f'"{handler}" must conform to grpc.GenericRpcHandler type but does not have "service" method!'
            )


_exit_attended = False


def _attend_exit() -> None:
    """Sees to it that the interpreter's exit and fork end the servers.

    At exit before ThreadPoolExecutor waits for its threads, which may be serving; that is why this waits until a server
    is started, by when its pool's module is loaded.
    """
    global _exit_attended
    if _exit_attended:
        return
    _exit_attended = True
    import atexit
    import os

    try:
        threading._register_atexit(_engine.end_servers)
    except (AttributeError, RuntimeError):
        atexit.register(_engine.end_servers)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_engine.end_servers)


def create_server(
    thread_pool: Any,
    generic_rpc_handlers: Sequence[GenericRpcHandler],
    interceptors: Sequence[ServerInterceptor[Any, Any]],
    options: Iterable[tuple[str, Any]],
    maximum_concurrent_rpcs: int | None,
    compression: Compression | None,
    xds: bool,
) -> Server:
    """Makes a server. Without xDS one that asks for it is what its program makes it, as without a control plane."""
    if xds:
        import warnings

        warnings.warn("xDS is not available in farcall: server(xds=True) is like any other", stacklevel=3)
    handlers = tuple(generic_rpc_handlers)
    _validate_generic_rpc_handlers(handlers)
    return _Server(
        thread_pool, handlers, tuple(interceptors), options, maximum_concurrent_rpcs, compression
    )


_Context.__module__ = __name__
