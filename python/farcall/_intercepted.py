"""Calls of one method that pass through an interceptor, for each of the four kinds."""

from __future__ import annotations

from collections import namedtuple

from ._abc import (
    ClientCallDetails,
    RpcError,
    StreamStreamMultiCallable,
    StreamUnaryMultiCallable,
    UnaryStreamMultiCallable,
    UnaryUnaryMultiCallable,
)
from ._outcome import FailureOutcome, UnaryOutcome

FIELDS = ("method", "timeout", "metadata", "credentials", "wait_for_ready", "compression")


class CallDetails(namedtuple("CallDetails", FIELDS, defaults=(None,) * 5), ClientCallDetails):
    """What describes a call to an interceptor: a named tuple."""


def _completed(details, original):
    """The details that an interceptor goes on with; what its own class lacks is as it was."""
    if type(details) is CallDetails:
        return details
    return CallDetails(*(getattr(details, field, getattr(original, field)) for field in FIELDS))


class _Intercepted:
    """Starts calls of one method through an interceptor, whatever their kind."""

    def __init__(self, make, method, intercept):
        self._make = make
        self._method = method
        self._intercept = intercept
        self._next = make(method)

    def _multi_callable(self, method):
        # An interceptor may change the method; it seldom does.
        return self._next if method == self._method else self._make(method)

    def _start(self, go_on, request, options):
        details = CallDetails(self._method, *options)

        def continuation(new_details, new_request):
            chosen = _completed(new_details, details)
            return go_on(self._multi_callable(chosen.method), new_request, chosen[1:])

        return self._intercept(continuation, details, request)

    def _started(self, go_on, request, options):
        """Like _start, for what returns at once: it never raises what an interceptor raises."""
        try:
            return self._start(go_on, request, options)
        except Exception as error:
            return FailureOutcome(error, error.__traceback__)


def _blocking(multi_callable, request, options):
    try:
        response, call = multi_callable.with_call(request, **_keywords(options))
    except RpcError as error:
        return error
    except Exception as error:
        return FailureOutcome(error, error.__traceback__)
    return UnaryOutcome(response, call)


def _future(multi_callable, request, options):
    return multi_callable.future(request, **_keywords(options))


def _stream(multi_callable, request, options):
    return multi_callable(request, **_keywords(options))


def _keywords(options):
    return dict(zip(FIELDS[1:], options))


class _WithUnaryResponse(_Intercepted):
    """The three ways to call a method with one response. Keywords name the first parameter differently."""

    def _with_call(self, request, options):
        call = self._start(_blocking, request, options)
        return call.result(), call


class InterceptedUnaryUnary(_WithUnaryResponse, UnaryUnaryMultiCallable):
    def __call__(
        self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None
    ):
        options = (timeout, metadata, credentials, wait_for_ready, compression)
        return self._with_call(request, options)[0]

    def with_call(
        self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None
    ):
        return self._with_call(request, (timeout, metadata, credentials, wait_for_ready, compression))

    def future(
        self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None
    ):
        options = (timeout, metadata, credentials, wait_for_ready, compression)
        return self._started(_future, request, options)


class InterceptedUnaryStream(_Intercepted, UnaryStreamMultiCallable):
    def __call__(
        self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None
    ):
        options = (timeout, metadata, credentials, wait_for_ready, compression)
        return self._started(_stream, request, options)


class InterceptedStreamUnary(_WithUnaryResponse, StreamUnaryMultiCallable):
    def __call__(
        self,
        request_iterator,
        timeout=None,
        metadata=None,
        credentials=None,
        wait_for_ready=None,
        compression=None,
    ):
        options = (timeout, metadata, credentials, wait_for_ready, compression)
        return self._with_call(request_iterator, options)[0]

    def with_call(
        self,
        request_iterator,
        timeout=None,
        metadata=None,
        credentials=None,
        wait_for_ready=None,
        compression=None,
    ):
        options = (timeout, metadata, credentials, wait_for_ready, compression)
        return self._with_call(request_iterator, options)

    def future(
        self,
        request_iterator,
        timeout=None,
        metadata=None,
        credentials=None,
        wait_for_ready=None,
        compression=None,
    ):
        options = (timeout, metadata, credentials, wait_for_ready, compression)
        return self._started(_future, request_iterator, options)


class InterceptedStreamStream(_Intercepted, StreamStreamMultiCallable):
    def __call__(
        self,
        request_iterator,
        timeout=None,
        metadata=None,
        credentials=None,
        wait_for_ready=None,
        compression=None,
    ):
        options = (timeout, metadata, credentials, wait_for_ready, compression)
        return self._started(_stream, request_iterator, options)
