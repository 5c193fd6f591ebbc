"""Caches of TLS sessions that several channels share, so that their connections resume one another's."""

from __future__ import annotations

import itertools

_numbers = itertools.count(1)


class SSLSessionCache:
    """A cache to give to channels as the value of the option "grpc.ssl_session_cache"."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._number = next(_numbers)

    def __int__(self) -> int:
        return self._number


def ssl_session_cache_lru(capacity: int) -> SSLSessionCache:
    """Makes a cache that keeps the sessions of the `capacity` servers that were used last."""
    return SSLSessionCache(capacity)
