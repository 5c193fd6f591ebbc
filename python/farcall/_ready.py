"""A Future that is done when a channel is ready. It works for any Channel, an intercepted one too."""

from __future__ import annotations

import threading
import time

from ._abc import ChannelConnectivity, Future, FutureCancelledError, FutureTimeoutError


class ChannelReadyFuture(Future):
    """Waits for READY among the states of a channel."""

    def __init__(self, channel):
        self._condition = threading.Condition()
        self._channel = channel
        self._ready = False
        self._cancelled = False
        self._callbacks = []

    def start(self):
        self._channel.subscribe(self._on_state, try_to_connect=True)

    def _on_state(self, state):
        if state is ChannelConnectivity.READY:
            self._end(ready=True)

    def _end(self, ready):
        """Ends the wait, and says whether it was this that ended it."""
        with self._condition:
            if self._ready or self._cancelled:
                return False
            self._ready = ready
            self._cancelled = not ready
            callbacks, self._callbacks = self._callbacks, []
            self._condition.notify_all()
        self._channel.unsubscribe(self._on_state)
        for callback in callbacks:
            self._call(callback)
        return True

    def _call(self, callback):
        try:
            callback(self)
        except Exception:
            import logging

            logging.getLogger("grpc._utilities").exception("A callback of a channel's readiness raised")

    def _wait(self, timeout):
        end = None if timeout is None else time.monotonic() + timeout
        with self._condition:
            while not self._ready:
                if self._cancelled:
                    raise FutureCancelledError()
                remaining = None if end is None else end - time.monotonic()
                if remaining is not None and remaining <= 0:
                    raise FutureTimeoutError()
                self._condition.wait(remaining)

    def cancel(self):
        return self._end(ready=False)

    def cancelled(self):
        return self._cancelled

    def running(self):
        return not self.done()

    def done(self):
        return self._ready or self._cancelled

    def result(self, timeout=None):
        self._wait(timeout)

    def exception(self, timeout=None):
        self._wait(timeout)

    def traceback(self, timeout=None):
        self._wait(timeout)

    def add_done_callback(self, fn):
        with self._condition:
            if not self.done():
                self._callbacks.append(fn)
                return
        fn(self)


def channel_ready_future(channel):
    future = ChannelReadyFuture(channel)
    future.start()
    return future
