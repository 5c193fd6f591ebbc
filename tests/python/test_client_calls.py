"""Calls of the four patterns in all their modes, against farcall's server and against grpcio's."""

import pickle
import sys
import threading

import farcall as grpc
import pytest

@pytest.fixture
def channel(echo_port):
    with grpc.insecure_channel(f"127.0.0.1:{echo_port}") as channel:
        yield channel


@pytest.fixture
def unary(channel):
    return channel.unary_unary("/test.Echo/Unary")


@pytest.fixture
def down(channel):
    return channel.unary_stream("/test.Echo/Down")


@pytest.fixture
def up(channel):
    return channel.stream_unary("/test.Echo/Up")


@pytest.fixture
def both(channel):
    return channel.stream_stream("/test.Echo/Both")


# ---- one request, one response ----


def test_call_returns_the_response(unary):
    assert unary(b"x") == b"x"
    assert unary(request=b"", timeout=5, metadata=None, credentials=None, wait_for_ready=True, compression=None) == b""


def test_with_call_gives_the_call_too(unary):
    response, call = unary.with_call(b"x", metadata=(("x-a", "1"), ("x-b-bin", b"\0\xff")), timeout=5)
    assert response == b"x"
    assert isinstance(call, grpc.Call)
    assert call.code() is grpc.StatusCode.OK
    assert call.details() == ""
    assert call.debug_error_string() == ""
    assert ("initial", "i") in call.initial_metadata()
    assert call.trailing_metadata() == (("x-a", "1"), ("x-b-bin", b"\0\xff"))
    assert [entry.key for entry in call.trailing_metadata()] == ["x-a", "x-b-bin"]
    assert not call.is_active()


def test_failure_is_error_call_and_future(unary):
    with pytest.raises(grpc.RpcError) as raised:
        unary(b"fail", metadata=(("x-why", "because"),))
    error = raised.value
    assert isinstance(error, grpc.Call) and isinstance(error, grpc.Future)
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == "it failed: ä"
    assert ("initial", "i") in error.initial_metadata()
    assert ("x-why", "because") in error.trailing_metadata()
    assert error.done() and not error.running() and not error.cancelled() and not error.cancel()
    assert error.exception() is error
    assert error.traceback() is not None


def test_text_of_a_failure_is_that_of_grpcio(unary):
    with pytest.raises(grpc.RpcError) as raised:
        unary(b"fail")
    lines = str(raised.value).split("\n")
    assert lines[:3] == [
        "<_InactiveRpcError of RPC that terminated with:",
        "\tstatus = StatusCode.FAILED_PRECONDITION",
        '\tdetails = "it failed: ä"',
    ]
    assert lines[3].startswith('\tdebug_error_string = "UNKNOWN:Error received from peer ipv4:127.0.0.1:')
    assert lines[4:] == [">"]


def test_failures_can_be_pickled(unary, down):
    with pytest.raises(grpc.RpcError) as raised:
        unary(b"fail")
    with pytest.raises(grpc.RpcError) as stream:
        next(down(b"no number"))
    for error in (raised.value, stream.value):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert again.code() is error.code()
        assert again.trailing_metadata() == error.trailing_metadata()


def test_deadline(unary):
    with pytest.raises(grpc.RpcError) as raised:
        unary(b"slow", timeout=0.05)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert raised.value.details() == "Deadline Exceeded"
    with pytest.raises(grpc.RpcError) as raised:
        unary(b"x", timeout=-1)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


@pytest.mark.parametrize("metadata", [(("Upper", "1"),), (("a", "line\n"),), (("a", "ä"),), (("", "1"),), ((":path", "1"),)])
def test_metadata_that_cannot_be_sent(unary, down, metadata):
    with pytest.raises(grpc.RpcError) as raised:
        unary(b"x", metadata=metadata)
    assert raised.value.code() is grpc.StatusCode.INTERNAL
    assert isinstance(raised.value, ValueError)
    assert raised.value.details().startswith("metadata was invalid: ")
    assert unary.future(b"x", metadata=metadata).code() is grpc.StatusCode.INTERNAL
    with pytest.raises(grpc.RpcError):
        next(down(b"1", metadata=metadata))


@pytest.mark.parametrize("metadata", [5, (("a", 1),), ((1, "a"),), (("a-bin", "text"),)])
def test_metadata_of_wrong_types(unary, metadata):
    with pytest.raises(TypeError):
        unary(b"x", metadata=metadata)


def test_reserved_metadata_is_left_to_the_library(unary):
    assert unary(b"x", metadata=(("te", "x"), ("content-type", "text/html"), ("grpc-timeout", "1n"))) == b"x"


def test_wrong_arguments_are_type_errors(unary, up):
    for wrong in (
        lambda: unary(),
        lambda: unary(b"x", request=b"x"),
        lambda: unary(b"x", nonsense=1),
        lambda: unary(b"x", timeout="soon"),
        lambda: unary("text"),
        lambda: unary.future(b"x", 1, None, None, None, None, None),
        lambda: unary(request_iterator=[b"x"]),
        lambda: up(request=[b"x"]),
    ):
        with pytest.raises(TypeError):
            wrong()


@pytest.mark.parametrize("size", [0, 1, 16 * 1024, 16 * 1024 + 1, 1 << 20, 3 << 20])
def test_messages_of_any_size_and_kind(unary, size):
    message = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert unary(message) == message
    assert unary(bytearray(message)) == message
    assert unary(memoryview(message)) == message


# ---- serializers ----


def test_serializers_are_called(channel):
    double = channel.unary_unary("/test.Echo/Unary", request_serializer=str.encode, response_deserializer=bytes.decode)
    assert double("ä") == "ä"
    assert double.future("ü").result() == "ü"
    numbers = channel.unary_stream("/test.Echo/Down", request_serializer=lambda n: b"%d" % n, response_deserializer=int)
    assert list(numbers(3)) == [0, 1, 2]


def _fails(_):
    raise KeyError("x")


@pytest.mark.parametrize("broken", [_fails, lambda _: None])
def test_serializer_that_fails(channel, broken):
    unary = channel.unary_unary("/test.Echo/Unary", request_serializer=broken)
    down = channel.unary_stream("/test.Echo/Down", request_serializer=broken)
    for call in (unary, unary.future, down):
        with pytest.raises(grpc.RpcError) as raised:
            call(b"1")
        assert raised.value.code() is grpc.StatusCode.INTERNAL
        assert raised.value.details() == "Exception serializing request!"
    up = channel.stream_unary("/test.Echo/Up", request_serializer=broken)
    for requests in ([b"1"], iter([b"1"])):
        with pytest.raises(grpc.RpcError) as raised:
            up(requests)
        assert raised.value.code() is grpc.StatusCode.INTERNAL
        assert raised.value.details() == "Exception serializing request!"


@pytest.mark.parametrize("broken", [_fails, lambda _: None])
def test_deserializer_that_fails(channel, broken):
    unary = channel.unary_unary("/test.Echo/Unary", response_deserializer=broken)
    down = channel.unary_stream("/test.Echo/Down", response_deserializer=broken)
    for wait in (lambda: unary(b"1"), unary.future(b"1").result, lambda: next(down(b"2"))):
        with pytest.raises(grpc.RpcError) as raised:
            wait()
        assert raised.value.code() is grpc.StatusCode.INTERNAL
        assert raised.value.details() == "Exception deserializing response!"
    assert unary.future(b"1").code() is grpc.StatusCode.INTERNAL


def test_exceptions_that_end_threads_pass_through(channel):
    def stop(_):
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        channel.unary_unary("/test.Echo/Unary", request_serializer=stop)(b"")
    with pytest.raises(SystemExit):
        channel.unary_unary("/test.Echo/Unary", response_deserializer=stop)(b"")


# ---- futures ----


def test_future_has_its_result(unary):
    future = unary.future(b"x")
    assert future.result() == b"x"
    assert future.result(timeout=0) == b"x"
    assert future.exception() is None and future.traceback() is None
    assert future.done() and not future.running() and not future.cancelled() and not future.cancel()
    assert future.code() is grpc.StatusCode.OK


def test_many_futures_at_once(unary):
    futures = [unary.future(b"%d" % i) for i in range(300)]
    assert [future.result() for future in futures] == [b"%d" % i for i in range(300)]


def test_future_of_a_failure(unary):
    future = unary.future(b"fail")
    with pytest.raises(grpc.RpcError) as raised:
        future.result()
    assert raised.value is future
    assert future.exception() is future
    assert future.traceback() is not None
    assert repr(future).startswith("<_MultiThreadedRendezvous of RPC that terminated with:\n\tstatus = StatusCode.FAILED")


def test_waiting_for_a_future_may_time_out(unary):
    future = unary.future(b"slow")
    assert repr(future) == "<_MultiThreadedRendezvous object>"
    for wait in (future.result, future.exception, future.traceback):
        with pytest.raises(grpc.FutureTimeoutError):
            wait(timeout=0.01)
        with pytest.raises(grpc.FutureTimeoutError):
            wait(-1)
    assert future.running() and future.is_active()
    assert future.result(timeout=5) == b"slow"


def test_future_can_be_cancelled(unary):
    future = unary.future(b"slow")
    assert future.cancel()
    assert not future.cancel()
    assert future.cancelled() and future.done()
    assert future.code() is grpc.StatusCode.CANCELLED
    assert future.details() == "Locally cancelled by application!"
    for wait in (future.result, future.exception, future.traceback):
        with pytest.raises(grpc.FutureCancelledError):
            wait()


def test_cancelling_wakes_who_waits(unary):
    future = unary.future(b"slow")
    outcome = []

    def wait():
        try:
            future.result()
        except grpc.FutureCancelledError as error:
            outcome.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    future.cancel()
    thread.join(5)
    assert len(outcome) == 1


def test_callbacks_of_the_end(unary):
    future = unary.future(b"slow")
    called, order = threading.Event(), []
    future.add_done_callback(lambda f: order.append((f, f.result())))
    assert future.add_callback(lambda: order.append("plain"))
    future.add_done_callback(lambda f: called.set())
    assert called.wait(5)
    assert order == [(future, b"slow"), "plain"]
    future.add_done_callback(order.append)
    assert order[-1] is future
    assert not future.add_callback(lambda: order.append("late"))
    assert order[-1] is future


@pytest.fixture
def patient():
    """A thread that runs is not interrupted for another that would like to."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5)
    yield
    sys.setswitchinterval(before)


def test_callbacks_begin_before_whoever_waits_goes_on(patient, unary, down):
    # google-api-core, for one, learns from the callback whether a stream is to be opened anew, before next() has raised.
    for _ in range(30):
        order = []
        future = unary.future(b"x")
        future.add_done_callback(lambda f: order.append("called"))
        future.add_done_callback(lambda f: order.append("called"))
        future.result()
        order.append("result")
        stream = down(b"3")
        stream.add_done_callback(lambda f: order.append("ended"))
        assert len(list(stream)) == 3
        order.append("iterated")
        assert order == ["called", "called", "result", "ended", "iterated"]


def test_waiting_with_a_lock_that_a_callback_wants(unary):
    lock, called = threading.Lock(), threading.Event()

    def callback(future):
        with lock:
            called.set()

    with lock:
        future = unary.future(b"slow")
        future.add_done_callback(callback)
        future.add_done_callback(callback)
        assert future.result(5) == b"slow"
        assert not called.is_set()
    assert called.wait(5)


def test_callback_that_raises_disturbs_nobody(unary):
    future = unary.future(b"x")
    called = threading.Event()
    future.add_done_callback(_fails)
    future.add_done_callback(lambda f: called.set())
    assert called.wait(5)
    assert unary(b"x") == b"x"


# ---- streams of responses ----


def test_responses_come_in_order(down):
    assert list(down(b"1000")) == [b"%d" % i for i in range(1000)]
    assert list(down(b"0")) == []


def test_stream_of_responses_is_iterator_call_and_future(down):
    call = down(b"2", timeout=5)
    assert isinstance(call, grpc.Call) and isinstance(call, grpc.Future) and isinstance(call, grpc.RpcError)
    assert iter(call) is call
    assert 0 < call.time_remaining() <= 5
    assert call.is_active()
    assert (call.next(), next(call)) == (b"0", b"1")
    with pytest.raises(StopIteration):
        next(call)
    with pytest.raises(StopIteration):
        call.next()
    assert call.code() is grpc.StatusCode.OK
    assert not call.is_active()


def test_stream_without_a_deadline_has_no_time_remaining(down):
    assert down(b"1").time_remaining() is None


def test_stream_can_be_cancelled_although_its_end_has_come(down):
    call = down(b"5")
    assert next(call) == b"0"
    assert call.code() is grpc.StatusCode.OK  # which waits for the end
    assert call.is_active()  # there are responses to be taken
    assert call.cancel()
    assert not call.cancel()
    assert call.cancelled()
    with pytest.raises(grpc.RpcError) as raised:
        next(call)
    assert raised.value.code() is grpc.StatusCode.CANCELLED
    assert raised.value.details() == "Locally cancelled by application!"


def test_stream_can_be_cancelled_from_another_thread(both):
    call = both(iter(threading.Event().wait, None))
    timer = threading.Timer(0.05, call.cancel)
    timer.start()
    with pytest.raises(grpc.RpcError) as raised:
        next(call)
    assert raised.value.code() is grpc.StatusCode.CANCELLED


def test_error_comes_behind_the_responses(channel):
    call = channel.unary_stream("/test.Echo/Down")(b"no number")
    with pytest.raises(grpc.RpcError) as raised:
        next(call)
    assert raised.value is call
    assert call.code() is grpc.StatusCode.UNKNOWN


def test_unknown_method(channel):
    with pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/test.Echo/Nope")(b"")
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


# ---- streams of requests ----


def _sources(requests):
    yield list(requests)
    yield tuple(requests)
    yield iter(requests)
    yield (request for request in requests)


@pytest.mark.parametrize("count", [0, 1, 2, 2000])
def test_requests_come_in_order(up, both, count):
    requests = [b"%d," % i for i in range(count)]
    for source in _sources(requests):
        assert up(source) == b"".join(requests)
    for source in _sources(requests):
        assert up.with_call(source)[0] == b"".join(requests)
    for source in _sources(requests):
        assert up.future(source).result() == b"".join(requests)
    for source in _sources(requests):
        assert list(both(source)) == requests


def test_more_than_the_windows_take(up, both):
    requests = [bytes([i % 256]) * 10_000 for i in range(300)]
    for source in _sources(requests):
        assert up(source) == b"".join(requests)
    for source in _sources(requests):
        assert list(both(source)) == requests


def test_ping_pong(both):
    received = threading.Semaphore(1)

    def requests():
        for i in range(50):
            received.acquire()
            yield b"%d" % i

    for i, response in enumerate(both(requests())):
        assert response == b"%d" % i
        received.release()


@pytest.mark.parametrize("source", [object(), 5, None])
def test_requests_that_are_no_iterable(up, both, source):
    for call in (lambda: up(source), lambda: up.future(source).result(), lambda: next(both(source))):
        with pytest.raises(grpc.RpcError) as raised:
            call()
        assert raised.value.code() is grpc.StatusCode.UNKNOWN
        assert raised.value.details() == "Exception iterating requests!"


def test_requests_that_raise(up, both):
    def requests():
        yield b"1"
        raise KeyError("x")

    for call in (lambda: up(requests()), lambda: up.future(requests()).result(), lambda: list(both(requests()))):
        with pytest.raises(grpc.RpcError) as raised:
            call()
        assert raised.value.code() is grpc.StatusCode.UNKNOWN
        assert raised.value.details() == "Exception iterating requests!"


def test_infinite_requests_end_with_the_call(both):
    closed = threading.Event()

    def requests():
        try:
            while True:
                yield b"x" * 1000
        finally:
            closed.set()

    call = both(requests())
    assert next(call) == b"x" * 1000
    call.cancel()
    assert closed.wait(5)


def test_requests_are_not_asked_for_without_room(both):
    asked = 0

    def requests():
        nonlocal asked
        for _ in range(10_000):
            asked += 1
            yield b"x" * 10_000

    call = both(requests())
    for _ in range(3):
        next(call)
    assert asked < 5000  # 50 MB: no window is that large while nobody reads
    call.cancel()


def test_iterator_that_blocks_holds_up_no_other_call(unary, both):
    blocked = both(iter(threading.Event().wait, None))
    assert unary(b"x") == b"x"
    assert unary.future(b"x").result(5) == b"x"
    assert blocked.is_active()
    blocked.cancel()


def test_request_threads_are_reused(up):
    names = set()

    def requests():
        names.add(threading.get_ident())
        yield b"x"

    for _ in range(20):
        assert up(requests()) == b"x"
    assert threading.get_ident() not in names
    assert len(names) < 5


def test_requests_in_memory_need_no_thread(channel):
    threads = set()

    def serialize(request):
        threads.add(threading.get_ident())
        return request

    up = channel.stream_unary("/test.Echo/Up", request_serializer=serialize)
    both = channel.stream_stream("/test.Echo/Both", request_serializer=serialize)
    assert up([b"x"] * 10) == b"x" * 10
    assert list(both((b"x",) * 10)) == [b"x"] * 10
    assert threads == {threading.get_ident()}


def test_context_variables_reach_the_requests(up):
    import contextvars

    variable = contextvars.ContextVar("variable", default="unset")
    seen = []

    def requests():
        seen.append(variable.get())
        yield b"x"

    variable.set("set")
    up(requests())
    assert seen == ["set"]
