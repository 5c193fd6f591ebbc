"""Helpers that generated code and frameworks import under this name."""

from __future__ import annotations

from ._handlers import MethodHandler as RpcMethodHandler
from ._handlers import ServiceHandler as DictionaryGenericHandler
from ._ready import channel_ready_future

__all__ = (
    "DictionaryGenericHandler",
    "RpcMethodHandler",
    "channel_ready_future",
    "first_version_is_lower",
)


def first_version_is_lower(version1: str, version2: str) -> bool:
    """Compares versions like "1.60.1" or "1.60.1.dev0", of which the latter counts as higher.

    Generated code asks this with grpc.__version__ and the version of its generator. What is no version is not lower.
    """
    first, second = version1.split("."), version2.split(".")
    try:
        numbers = [int(part) for part in first[:3]], [int(part) for part in second[:3]]
    except ValueError:
        return False
    return (numbers[0], len(first)) < (numbers[1], len(second))
