"""The names of grpc.aio, without what they do: the asyncio API will come in a later release.

Packages that serve both APIs import these names for base classes, isinstance checks and annotations, and go on to
work with the synchronous one. So the classes are here, and nothing is an instance of them; whoever makes one, or calls
a function, is told that it is not available. A program that imports this itself is warned at once.
"""

from __future__ import annotations

import sys
import warnings

from .._abc import RpcError
from .._cython.cygrpc import EOF, AbortError, BaseError, InternalError, UsageError
from .._typing_base import TYPE_CHECKING, Generic

if TYPE_CHECKING:
    from typing import Any, NoReturn

_CLASSES = (
    "Call",
    "Channel",
    "ClientCallDetails",
    "ClientInterceptor",
    "InterceptedUnaryUnaryCall",
    "Metadata",
    "RpcContext",
    "Server",
    "ServerInterceptor",
    "ServicerContext",
    "StreamStreamCall",
    "StreamStreamClientInterceptor",
    "StreamStreamMultiCallable",
    "StreamUnaryCall",
    "StreamUnaryClientInterceptor",
    "StreamUnaryMultiCallable",
    "UnaryStreamCall",
    "UnaryStreamClientInterceptor",
    "UnaryStreamMultiCallable",
    "UnaryUnaryCall",
    "UnaryUnaryClientInterceptor",
    "UnaryUnaryMultiCallable",
)
_FUNCTIONS = ("init_grpc_aio", "insecure_channel", "secure_channel", "server", "shutdown_grpc_aio")

__all__ = (
    "AbortError",
    "AioRpcError",
    "BaseError",
    "EOF",
    "InternalError",
    "UsageError",
    *_CLASSES,
    *_FUNCTIONS,
)


_WHY = "is not available in this release of farcall, which has the synchronous API of grpcio"


def _unavailable(name: str) -> NoReturn:
    raise NotImplementedError(f"grpc.aio.{name} {_WHY}")


class AioRpcError(RpcError):
    """What a call of grpc.aio raises."""


class _Unavailable(Generic):  # type: ignore[misc]
    """A class of which there are no instances."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _unavailable(type(self).__name__)


def _unavailable_function(name: str) -> Any:
    def function(*args: Any, **kwargs: Any) -> NoReturn:
        _unavailable(name)

    function.__name__ = function.__qualname__ = name
    return function


for _name in _CLASSES:
    globals()[_name] = type(_name, (_Unavailable,), {"__module__": __name__})
for _name in _FUNCTIONS:
    globals()[_name] = _unavailable_function(_name)


def _warn_program() -> None:
    """Warns when it is the program that imports this, and not a package that it uses."""
    frame = sys._getframe(1)
    while frame is not None and _imports(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    if frame is not None and frame.f_globals.get("__name__") == "__main__":
        warnings.warn_explicit(f"grpc.aio {_WHY}", RuntimeWarning, frame.f_code.co_filename, frame.f_lineno)


def _imports(module: str) -> bool:
    return module.partition(".")[0] in (__name__.partition(".")[0], "importlib")


_warn_program()
