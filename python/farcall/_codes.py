"""The enumerations and the exceptions of the API. Values and member names are those of gRPC's documents."""

from __future__ import annotations

import enum

from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from ._typing import MetadataType

__all__ = (
    "ChannelConnectivity",
    "Compression",
    "FutureCancelledError",
    "FutureTimeoutError",
    "LocalConnectionType",
    "RpcError",
    "StatusCode",
)


class StatusCode(enum.Enum):
    """How a call ended. Each value is a pair: the number that travels, and its name in lower-case words."""

    OK = (0, "ok")
    CANCELLED = (1, "cancelled")
    UNKNOWN = (2, "unknown")
    INVALID_ARGUMENT = (3, "invalid argument")
    DEADLINE_EXCEEDED = (4, "deadline exceeded")
    NOT_FOUND = (5, "not found")
    ALREADY_EXISTS = (6, "already exists")
    PERMISSION_DENIED = (7, "permission denied")
    RESOURCE_EXHAUSTED = (8, "resource exhausted")
    FAILED_PRECONDITION = (9, "failed precondition")
    ABORTED = (10, "aborted")
    OUT_OF_RANGE = (11, "out of range")
    UNIMPLEMENTED = (12, "unimplemented")
    INTERNAL = (13, "internal")
    UNAVAILABLE = (14, "unavailable")
    DATA_LOSS = (15, "data loss")
    UNAUTHENTICATED = (16, "unauthenticated")


class ChannelConnectivity(enum.Enum):
    """The state of a channel, as doc/connectivity-semantics-and-api.md defines it. Values are (number, words)."""

    IDLE = (0, "idle")
    CONNECTING = (1, "connecting")
    READY = (2, "ready")
    TRANSIENT_FAILURE = (3, "transient failure")
    SHUTDOWN = (4, "shutdown")


class Compression(enum.IntEnum):
    """How messages are compressed: for a channel, a server or a single call."""

    NoCompression = 0
    Deflate = 1
    Gzip = 2


class LocalConnectionType(enum.Enum):
    """What local credentials accept as local: a Unix domain socket, or TCP over the loopback interface."""

    UDS = 0
    LOCAL_TCP = 1


class RpcError(Exception):
    """A call ended with a status other than OK.

    What a failed call raises is also a Call, which has the code, the details and the metadata.
    """

    if TYPE_CHECKING:
        # So that `except RpcError as error: error.code()` needs no cast. Only the calls themselves have these.
        def code(self) -> StatusCode: ...

        def details(self) -> str | None: ...

        def initial_metadata(self) -> MetadataType: ...

        def trailing_metadata(self) -> MetadataType: ...

        def debug_error_string(self) -> str | None: ...


class FutureTimeoutError(Exception):
    """The time given to a wait on a Future passed before the Future was done."""


class FutureCancelledError(Exception):
    """The Future waited for was cancelled."""
