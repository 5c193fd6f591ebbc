"""Types for annotations, as in grpc._typing."""

from .._typing import (
    ChannelArgumentType,
    DeserializingFunction,
    DoneCallbackType,
    MetadataType,
    RequestIterableType,
    RequestType,
    ResponseIterableType,
    ResponseType,
    SerializingFunction,
)

__all__ = (
    "ChannelArgumentType",
    "DeserializingFunction",
    "DoneCallbackType",
    "MetadataType",
    "RequestIterableType",
    "RequestType",
    "ResponseIterableType",
    "ResponseType",
    "SerializingFunction",
)
