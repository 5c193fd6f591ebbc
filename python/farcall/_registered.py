"""Tells the engine the package's classes, once, and the end of the interpreter."""

from __future__ import annotations

import atexit
import sys
from collections import namedtuple

from . import _engine
from ._abc import (
    ChannelConnectivity,
    Compression,
    FutureCancelledError,
    FutureTimeoutError,
    RpcError,
    StatusCode,
)

Metadatum = namedtuple("_Metadatum", ("key", "value"))
"""One entry of metadata, as calls give it."""

Metadatum.__module__ = __name__
_Metadatum = Metadatum  # pickles look for the name that the class has


def log_exception(text: str, exception: BaseException) -> None:
    """Tells the log what user code has raised. Where nobody has imported logging, nobody listens."""
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger("grpc._channel").error(text, exc_info=exception)


_engine.register(
    ChannelConnectivity=ChannelConnectivity,
    Compression=Compression,
    FutureCancelledError=FutureCancelledError,
    FutureTimeoutError=FutureTimeoutError,
    Metadatum=Metadatum,
    RpcError=RpcError,
    StatusCode=StatusCode,
    log_exception=log_exception,
)
atexit.register(_engine.end)
