"""Interceptors of the server choose handlers."""

import contextvars
import threading

import pytest
from support.serving import DOWN, ONE, UP, serve

import farcall as grpc


class Recording(grpc.ServerInterceptor):
    def __init__(self, name, record):
        self.name, self.record = name, record

    def intercept_service(self, continuation, handler_call_details):
        self.record.append((self.name, handler_call_details.method))
        return continuation(handler_call_details)


def test_the_first_one_is_asked_first():
    record = []
    interceptors = (Recording("a", record), Recording("b", record))
    with serve({"Echo": ONE(lambda request, context: request)}, interceptors=interceptors) as s:
        assert s.one("Echo")(b"x") == b"x"
        assert s.failure("None")[0] is grpc.StatusCode.UNIMPLEMENTED
    assert record == [("a", "/test.S/Echo"), ("b", "/test.S/Echo"), ("a", "/test.S/None"), ("b", "/test.S/None")]


def test_a_handler_may_be_put_in_the_place_of_another():
    class Refusing(grpc.ServerInterceptor):
        def intercept_service(self, continuation, handler_call_details):
            if ("token", "secret") in map(tuple, handler_call_details.invocation_metadata):
                return continuation(handler_call_details)

            def refuse(request, context):
                context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")

            return ONE(refuse)

    handlers = {"One": ONE(lambda r, context: r), "Down": DOWN(lambda r, c: iter([r])), "Up": UP(lambda r, c: next(r))}
    with serve(handlers, interceptors=(Refusing(),)) as s:
        metadata = (("token", "secret"),)
        assert s.one("One")(b"x", metadata=metadata) == b"x"
        assert list(s.down("Down")(b"x", metadata=metadata)) == [b"x"]
        assert s.up("Up")(iter([b"x"]), metadata=metadata) == b"x"
        expected = (grpc.StatusCode.UNAUTHENTICATED, "no token")
        assert s.failure("One") == expected
        with pytest.raises(grpc.RpcError) as raised:
            list(s.down("Down")(b"x"))
        assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED
        with pytest.raises(grpc.RpcError) as raised:
            s.up("Up")(iter([b"x"]), timeout=10)
        assert raised.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_a_handler_may_be_wrapped():
    class Doubling(grpc.ServerInterceptor):
        def intercept_service(self, continuation, handler_call_details):
            handler = continuation(handler_call_details)
            return handler._replace(unary_unary=lambda request, context: handler.unary_unary(request, context) * 2)

    with serve({"Echo": ONE(lambda request, context: request)}, interceptors=(Doubling(),)) as s:
        assert s.one("Echo")(b"x") == b"xx"


def test_details_may_be_changed():
    class Renaming(grpc.ServerInterceptor):
        def intercept_service(self, continuation, handler_call_details):
            return continuation(handler_call_details._replace(method="/test.S/Real"))

    with serve({}, interceptors=(Renaming(),)) as s:
        real = grpc.method_handlers_generic_handler("test.S", {"Real": ONE(lambda request, context: b"real")})
        s.server.add_generic_rpc_handlers((real,))
        assert s.one("Alias")(b"") == b"real"


def test_one_that_fails_refuses_the_call():
    class Failing(grpc.ServerInterceptor):
        def intercept_service(self, continuation, handler_call_details):
            raise ValueError("no")

    with serve({"Echo": ONE(lambda request, context: request)}, interceptors=(Failing(),)) as s:
        assert s.failure("Echo") == (grpc.StatusCode.UNKNOWN, "Error in service handler!")


def test_one_that_finds_nothing_refuses_the_call():
    class Blind(grpc.ServerInterceptor):
        def intercept_service(self, continuation, handler_call_details):
            return None

    with serve({"Echo": ONE(lambda request, context: request)}, interceptors=(Blind(),)) as s:
        assert s.failure("Echo") == (grpc.StatusCode.UNIMPLEMENTED, "Method not found!")


def test_it_runs_on_the_handlers_thread_and_in_its_context():
    variable = contextvars.ContextVar("variable", default=None)
    threads = []

    class Setting(grpc.ServerInterceptor):
        def intercept_service(self, continuation, handler_call_details):
            assert variable.get() is None
            variable.set(handler_call_details.method)
            threads.append(threading.current_thread())
            return continuation(handler_call_details)

    def handler(request, context):
        assert threads[-1] is threading.current_thread()
        return variable.get().encode()

    with serve({"A": ONE(handler), "B": ONE(handler)}, interceptors=(Setting(),), threads=1) as s:
        assert s.one("A")(b"") == b"/test.S/A"
        assert s.one("B")(b"") == b"/test.S/B"
