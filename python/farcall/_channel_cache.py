"""Channels by what they were made with, each until it has not been asked for during a while.

A thread closes those whose time has come. It lives as long as there is a channel in the cache.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict

from ._factory import insecure_channel, secure_channel
from ._insecure import is_insecure

_EVICTION_SECONDS = float(os.environ.get("GRPC_PYTHON_MANAGED_CHANNEL_EVICTION_SECONDS", "600"))
_MAXIMUM_CHANNELS = int(os.environ.get("GRPC_PYTHON_MANAGED_CHANNEL_MAXIMUM", "256"))


class ChannelCache:
    """The process's one cache; `get()` gives it."""

    _one = None
    _one_lock = threading.Lock()

    @classmethod
    def get(cls):
        with cls._one_lock:
            if cls._one is None:
                cls._one = cls()
            return cls._one

    @classmethod
    def _forget(cls):
        """In a child process: the thread is not there, and another thread may hold the lock for ever."""
        cls._one_lock = threading.Lock()
        cls._one = None

    def __init__(self):
        self._changed = threading.Condition()
        self._entries = OrderedDict()  # key: (channel, time to close it), the soonest first
        self._thread = None

    def get_channel(
        self, target, options, channel_credentials, insecure, compression, method, _registered_method
    ):
        """Returns a channel, and how its method is to be registered."""
        if insecure and channel_credentials:
            raise ValueError("Give either insecure or channel_credentials, not both")
        key = (target, tuple(options), "insecure" if insecure else channel_credentials, compression)
        end = time.monotonic() + _EVICTION_SECONDS
        with self._changed:
            channel = self._entries.pop(key, (None,))[0]
            if channel is None:
                channel = _make_channel(target, options, channel_credentials, insecure, compression)
            self._entries[key] = (channel, end)
            if self._thread is None:
                self._thread = threading.Thread(target=self._evict, daemon=True)
                self._thread.start()
            elif len(self._entries) > _MAXIMUM_CHANNELS:
                self._changed.notify()
        return channel, _registered_method

    def _evict(self):
        with self._changed:
            while self._entries:
                key, (channel, end) = next(iter(self._entries.items()))
                remaining = end - time.monotonic()
                if remaining > 0 and len(self._entries) <= _MAXIMUM_CHANNELS:
                    self._changed.wait(remaining)
                else:
                    del self._entries[key]
                    channel.close()
            self._thread = None

    def _test_only_channel_count(self):
        with self._changed:
            return len(self._entries)


def _make_channel(target, options, credentials, insecure, compression):
    if insecure or credentials is not None and is_insecure(credentials):
        return insecure_channel(target, options, compression)
    if credentials is None:
        from ._channel_credentials import ssl_channel_credentials

        credentials = ssl_channel_credentials()
    return secure_channel(target, credentials, options, compression)


os.register_at_fork(after_in_child=ChannelCache._forget)
