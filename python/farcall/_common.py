"""Helpers that programs and tests import under this name."""

from __future__ import annotations

from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from ._typing import DeserializingFunction, SerializingFunction

__all__ = ("decode", "deserialize", "encode", "fully_qualified_method", "serialize")


def encode(s: str | bytes) -> bytes:
    """Bytes as they are, text as UTF-8."""
    return s if isinstance(s, bytes) else s.encode()


def decode(b: str | bytes) -> str:
    """Text as it is, bytes as UTF-8 with U+FFFD for what is none."""
    return b.decode("utf-8", "replace") if isinstance(b, bytes) else b


def fully_qualified_method(group: str, method: str) -> str:
    """The path of a method: "/package.Service/Method"."""
    return f"/{group}/{method}"


def serialize(message: Any, serializer: SerializingFunction[Any] | None) -> Any:
    """Makes bytes of a message, or None, with a line in the log, when the serializer raises."""
    return _transform(message, serializer, "Exception serializing message!")


def deserialize(serialized_message: bytes, deserializer: DeserializingFunction[Any] | None) -> Any:
    """Makes a message of bytes, or None, with a line in the log, when the deserializer raises."""
    return _transform(serialized_message, deserializer, "Exception deserializing message!")


def _transform(message: Any, transform: Any, failure: str) -> Any:
    if transform is None:
        return message
    try:
        return transform(message)
    except Exception:
        import logging

        logging.getLogger("grpc._common").exception(failure)
        return None
