"""Calls that are over before their caller sees them: what interceptors get and give."""

from __future__ import annotations

from ._abc import Call, Future, RpcError, StatusCode


class Done(Future, Call):
    """What a call that is over has in common, whether it has a response or an exception."""

    def cancelled(self):
        return False

    def running(self):
        return False

    def done(self):
        return True

    def add_done_callback(self, fn):
        fn(self)


class UnaryOutcome(Done):
    """A blocking call that succeeded, as an interceptor sees it."""

    def __init__(self, response, call):
        self._response = response
        self._call = call

    def initial_metadata(self):
        return self._call.initial_metadata()

    def trailing_metadata(self):
        return self._call.trailing_metadata()

    def code(self):
        return self._call.code()

    def details(self):
        return self._call.details()

    def is_active(self):
        return self._call.is_active()

    def time_remaining(self):
        return self._call.time_remaining()

    def cancel(self):
        return self._call.cancel()

    def add_callback(self, callback):
        return self._call.add_callback(callback)

    def result(self, timeout=None):
        return self._response

    def exception(self, timeout=None):
        return None

    def traceback(self, timeout=None):
        return None


UnaryOutcome.__name__ = UnaryOutcome.__qualname__ = "_UnaryOutcome"


class FailureOutcome(RpcError, Done):
    """A call that never was, because an interceptor raised, or the continuation did before there was a call."""

    def __init__(self, exception, traceback):
        super().__init__()
        self._exception = exception
        self._traceback = traceback

    def __reduce__(self):
        return type(self), (self._exception, None)

    def initial_metadata(self):
        return None

    def trailing_metadata(self):
        return None

    def code(self):
        return StatusCode.INTERNAL

    def details(self):
        return "Exception raised while intercepting the RPC"

    def is_active(self):
        return False

    def time_remaining(self):
        return None

    def cancel(self):
        return False

    def add_callback(self, callback):
        return False

    def result(self, timeout=None):
        raise self._exception

    def exception(self, timeout=None):
        return self._exception

    def traceback(self, timeout=None):
        return self._traceback

    def __iter__(self):
        return self

    def __next__(self):
        raise self._exception


FailureOutcome.__name__ = FailureOutcome.__qualname__ = "_FailureOutcome"
