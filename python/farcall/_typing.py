"""Types for annotations. Only type checkers load this module, and programs that ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, Union

T = TypeVar("T")
RequestType = TypeVar("RequestType")
ResponseType = TypeVar("ResponseType")

SerializingFunction = Callable[[T], bytes]
DeserializingFunction = Callable[[bytes], T]
MetadataValue = Union[str, bytes]
MetadataType = Sequence[tuple[str, MetadataValue]]
RequestIterable = Iterable[T]

ChannelArgumentType = tuple[str, Any]
DoneCallbackType = Callable[[Any], None]
NullaryCallbackType = Callable[[], None]
RequestIterableType = Iterable[Any]
ResponseIterableType = Iterable[Any]
ArityAgnosticMethodHandler = Callable[..., Any]

__all__ = (
    "ArityAgnosticMethodHandler",
    "ChannelArgumentType",
    "DeserializingFunction",
    "DoneCallbackType",
    "Iterator",
    "MetadataType",
    "MetadataValue",
    "NullaryCallbackType",
    "RequestIterable",
    "RequestIterableType",
    "RequestType",
    "ResponseIterableType",
    "ResponseType",
    "SerializingFunction",
)
