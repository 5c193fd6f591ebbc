"""Ports, start, stop, and what becomes of handlers whose clients have gone."""

import gc
import socket
import threading
import time
import weakref
from concurrent import futures

import pytest
from support.serving import BOTH, DOWN, ONE, serve

import farcall as grpc


class Gate:
    """A handler that waits until it is let through, and says when it has begun."""

    def __init__(self):
        self.begun = threading.Semaphore(0)
        self.open = threading.Event()

    def __call__(self, request, context):
        self.begun.release()
        assert self.open.wait(30)
        return b"through"


@pytest.fixture
def gate():
    gate = Gate()
    yield gate
    gate.open.set()


def make(pool=None, **arguments):
    return grpc.server(pool or futures.ThreadPoolExecutor(2), **arguments)


# ---- ports ----


def test_a_port_is_chosen_and_bound():
    server = make()
    port = server.add_insecure_port("127.0.0.1:0")
    assert port > 0
    with pytest.raises(OSError):
        socket.create_server(("127.0.0.1", port))


def test_a_busy_port_raises_with_the_reason():
    first = make()
    port = first.add_insecure_port("127.0.0.1:0")
    with pytest.raises(RuntimeError, match="Failed to bind to address 127.0.0.1:.*in use"):
        make().add_insecure_port(f"127.0.0.1:{port}")


def test_a_port_is_shared_when_that_was_asked_for():
    options = (("grpc.so_reuseport", 1),)
    first, second = make(options=options), make(options=options)
    port = first.add_insecure_port("127.0.0.1:0")
    assert second.add_insecure_port(f"127.0.0.1:{port}") == port


@pytest.mark.parametrize("address", ["nowhere.invalid:1", "127.0.0.1:99999", "unix:/no/such/folder/socket"])
def test_an_address_that_cannot_be_bound_raises(address):
    with pytest.raises(RuntimeError, match=f"Failed to bind to address {address}: ."):
        make().add_insecure_port(address)


def test_unix_sockets(tmp_path):
    server = make()
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("test.S", {"Peer": ONE(lambda r, context: context.peer().encode())}),)
    )
    assert server.add_insecure_port(f"unix:{tmp_path}/socket") > 0
    server.start()
    with grpc.insecure_channel(f"unix:{tmp_path}/socket") as channel:
        assert channel.unary_unary("/test.S/Peer")(b"").startswith(b"unix:")
    server.stop(None)


# ---- start ----


def test_a_server_starts_once():
    server = make()
    server.start()
    with pytest.raises(ValueError, match="Cannot start already-started server!"):
        server.start()
    server.stop(None)


def test_handlers_must_have_a_service():
    with pytest.raises(AttributeError, match="grpc.GenericRpcHandler"):
        make(handlers=[object()])
    with pytest.raises(AttributeError, match="grpc.GenericRpcHandler"):
        make().add_generic_rpc_handlers([object()])


@pytest.mark.parametrize("options", [(1,), (("name",),), ((1, 2),), (("grpc.so_reuseport", object()),)])
def test_options_that_are_none_raise(options):
    with pytest.raises(ValueError, match="server option"):
        make(options=options)


def test_generic_handlers_may_come_after_the_start():
    with serve({}) as s:
        assert s.failure("Late")[0] is grpc.StatusCode.UNIMPLEMENTED
        late = grpc.method_handlers_generic_handler("test.S", {"Late": ONE(lambda request, context: b"l")})
        s.server.add_generic_rpc_handlers((late,))
        assert s.one("Late")(b"") == b"l"


def test_registered_handlers_come_before_generic_ones():
    server = make()
    answer = {text: ONE(lambda request, context, text=text: text) for text in (b"generic", b"registered")}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.S", {"M": answer[b"generic"]}),))
    server.add_registered_method_handlers("test.S", {"M": answer[b"registered"]})
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert channel.unary_unary("/test.S/M")(b"") == b"registered"
    server.stop(None)


def test_generic_handlers_of_ones_own_are_asked_in_order():
    class First(grpc.GenericRpcHandler):
        def service(self, details):
            assert ("key", "value") in map(tuple, details.invocation_metadata)
            return ONE(lambda request, context: b"first") if details.method == "/test.S/M" else None

    server = make(handlers=(First(),))
    second = {name: ONE(lambda request, context: b"second") for name in ("M", "N")}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.S", second),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        metadata = (("key", "value"),)
        assert channel.unary_unary("/test.S/M")(b"", metadata=metadata) == b"first"
        assert channel.unary_unary("/test.S/N")(b"", metadata=metadata) == b"second"
    server.stop(None)


# ---- stop ----


def test_stopping_what_has_not_started_is_done_at_once():
    server = make()
    assert server.stop(None).is_set()
    assert server.stop(10).is_set()


def test_stop_cancels_what_runs(gate):
    with serve({"Gate": ONE(gate)}) as s:
        call = s.one("Gate").future(b"")
        assert gate.begun.acquire(timeout=10)
        assert s.server.stop(None).is_set()
        assert isinstance(call.exception(10), grpc.RpcError)
        gate.open.set()


def test_stop_lets_calls_end_within_its_grace(gate):
    with serve({"Gate": ONE(gate)}) as s:
        call = s.one("Gate").future(b"")
        assert gate.begun.acquire(timeout=10)
        stopped = s.server.stop(30)
        assert not stopped.is_set()
        assert s.server.wait_for_termination(0.01) is True
        gate.open.set()
        assert call.result(10) == b"through"
        s.channel.close()
        assert stopped.wait(10)
        assert s.server.wait_for_termination(10) is False


def test_the_shortest_grace_counts(gate):
    with serve({"Gate": ONE(gate)}) as s:
        call = s.one("Gate").future(b"")
        assert gate.begun.acquire(timeout=10)
        first = s.server.stop(1000)
        second = s.server.stop(0.05)
        assert first.wait(10) and second.wait(10)
        assert call.code() in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)
        assert s.server.stop(1000).is_set()
        gate.open.set()


def test_no_call_begins_after_stop(gate):
    with serve({"Gate": ONE(gate)}) as s:
        call = s.one("Gate").future(b"")
        assert gate.begun.acquire(timeout=10)
        s.server.stop(1000)
        with grpc.insecure_channel(f"127.0.0.1:{s.port}") as another:
            with pytest.raises(grpc.RpcError) as raised:
                another.unary_unary("/test.S/Gate")(b"", timeout=10)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        gate.open.set()
        assert call.result(10) == b"through"


def test_several_threads_may_wait_for_the_end():
    with serve({}) as s, futures.ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(s.server.wait_for_termination) for _ in range(4)]
        s.server.stop(None)
        assert [w.result(10) for w in waiting] == [False] * 4


def test_a_server_that_nobody_has_any_more_ends(gate):
    server = make()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.S", {"Gate": ONE(gate)}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/test.S/Gate").future(b"")
        assert gate.begun.acquire(timeout=10)
        gone, ended = weakref.ref(server), server._state.terminated
        del server
        gc.collect()
        assert gone() is None
        gate.open.set()
        assert call.result(10) == b"through"  # what runs may end
    assert ended.wait(10)
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 10).close()


# ---- clients that go ----


def test_a_handler_that_waits_for_requests_is_freed_when_its_client_goes():
    raised = []

    def read(requests, context):
        yield b"begun"
        try:
            for _ in requests:
                pass
        except grpc.RpcError as error:
            raised.append((error, context.is_active(), time.monotonic()))
            raise

    with serve({"Read": BOTH(read)}, threads=1) as s:
        silent = threading.Event()
        call = s.both("Read")(iter(silent.wait, True))
        assert next(call) == b"begun"
        call.cancel()
        gone = time.monotonic()
        # The one thread of the pool is free for this one, which needs it.
        other = s.both("Read")(iter([]))
        assert list(other) == [b"begun"]
        silent.set()
    ((error, active, at),) = raised
    assert not active
    assert at - gone < 5


def test_a_handler_that_waits_for_room_is_freed_when_its_client_goes():
    closed = threading.Event()

    def flood(request, context):
        try:
            while True:
                yield b"x" * 100_000
        finally:
            closed.set()

    with serve({"Flood": DOWN(flood), "Echo": ONE(lambda request, context: request)}, threads=1) as s:
        call = s.down("Flood")(b"")
        next(call)
        call.cancel()
        assert closed.wait(10)
        assert s.one("Echo")(b"free", timeout=10) == b"free"


def test_a_deadline_ends_the_call_on_both_sides():
    over = threading.Event()

    def wait(request, context):
        context.add_callback(over.set)
        assert over.wait(20)
        assert not context.is_active()
        return b""

    with serve({"Wait": ONE(wait)}) as s:
        with pytest.raises(grpc.RpcError) as raised:
            s.one("Wait")(b"", timeout=0.1)
        assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert over.wait(10)


def test_a_connection_that_breaks_ends_its_calls():
    over = threading.Event()

    def wait(request, context):
        context.add_callback(over.set)
        yield b"begun"
        assert over.wait(20)

    with serve({"Wait": DOWN(wait)}) as s:
        channel = grpc.insecure_channel(f"127.0.0.1:{s.port}")
        call = channel.unary_stream("/test.S/Wait")(b"")
        assert next(call) == b"begun"
        channel.close()
        assert over.wait(10)
