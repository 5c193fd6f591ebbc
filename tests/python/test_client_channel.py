"""Channels: options, closing, states, and what dropping things does."""

import gc
import mmap
import threading
import time
import weakref

import farcall as grpc
import pytest

READY = grpc.ChannelConnectivity.READY
SENT = "CLIENT: Sent message larger than max (21 vs. 20)"


@pytest.fixture
def channel(echo_port):
    with grpc.insecure_channel(f"127.0.0.1:{echo_port}") as channel:
        yield channel


def _eventually(condition, seconds=5):
    """Looks until it is so; what it waits for tells nobody."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


# ---- options ----


@pytest.mark.parametrize(
    "options",
    [[("grpc.max_receive_message_length",)], [5], [("a", object())], [("a", None)], [(1, 2)], [("grpc.keepalive_time_ms", "x")]],
)
def test_malformed_options(options):
    with pytest.raises(ValueError):
        grpc.insecure_channel("localhost:1", options=options)


def test_unknown_options_are_passed_over():
    class Number:
        def __int__(self):
            return 5

    options = [("grpc.some_day", 1), (b"grpc.bytes", b"b"), ("grpc.text", "t"), ("grpc.number", Number())]
    grpc.insecure_channel("localhost:1", options=iter(options)).close()


def test_message_limits(channel, echo_port):
    options = [("grpc.max_receive_message_length", 10), ("grpc.max_send_message_length", 20)]
    with grpc.insecure_channel(f"127.0.0.1:{echo_port}", options=options) as small:
        unary = small.unary_unary("/test.Echo/Unary")
        assert unary(b"x" * 10) == b"x" * 10
        for size, text in ((11, "CLIENT: Received message larger than max (11 vs. 10)"), (21, SENT)):
            with pytest.raises(grpc.RpcError) as raised:
                unary(b"x" * size)
            assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert text in raised.value.details()
        up = small.stream_unary("/test.Echo/Up")
        for call in (unary.future(b"x" * 21), up.future([b"x" * 21]), up.future(iter([b"x" * 21]))):
            assert call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert call.details() == SENT


@pytest.mark.parametrize("compression", [None, grpc.Compression.Gzip])
def test_a_message_that_has_no_length_in_grpc(echo_port, compression):
    # Nobody looks at a byte of it: the system gives no memory for pages that are not touched.
    huge = mmap.mmap(-1, 2**32 + 10, prot=mmap.PROT_READ)
    text = f"CLIENT: Sent message larger than max ({2**32 + 10} vs. {2**32 - 1})"
    options = [("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(f"127.0.0.1:{echo_port}", options=options, compression=compression) as channel:
        unary, up = channel.unary_unary("/test.Echo/Unary"), channel.stream_unary("/test.Echo/Up")
        with pytest.raises(grpc.RpcError) as raised:
            unary(huge)
        for call in (raised.value, unary.future(huge), up.future([huge]), up.future(iter([huge]))):
            assert call.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert call.details() == text
        assert unary(b"small") == b"small"


def test_compression_of_channel_and_call(echo_port):
    message = b"x" * 100_000
    with grpc.insecure_channel(f"127.0.0.1:{echo_port}", compression=grpc.Compression.Gzip) as channel:
        unary = channel.unary_unary("/test.Echo/Unary")
        for compression in (None, *grpc.Compression):
            assert unary(message, compression=compression) == message


# ---- closing ----


def test_closing_ends_calls(channel):
    unary, down = channel.unary_unary("/test.Echo/Unary"), channel.unary_stream("/test.Echo/Down")
    future, stream = unary.future(b"slow"), down(b"100000000")
    next(stream)
    channel.close()
    for call in (future, stream):
        assert call.code() is grpc.StatusCode.CANCELLED
        assert call.details() == "Channel closed!"
    with pytest.raises(grpc.RpcError):
        for _ in stream:
            pass


def test_closed_channel_takes_no_calls(channel):
    unary, up = channel.unary_unary("/test.Echo/Unary"), channel.stream_unary("/test.Echo/Up")
    channel.close()
    channel.close()
    for call in (lambda: unary(b"x"), lambda: unary.future(b"x"), lambda: up([b"x"]), lambda: up.future([b"x"])):
        with pytest.raises(ValueError, match="closed channel"):
            call()


def test_leaving_a_with_statement_closes(echo_port):
    with grpc.insecure_channel(f"127.0.0.1:{echo_port}") as channel:
        unary = channel.unary_unary("/test.Echo/Unary")
        assert unary(b"x") == b"x"
    with pytest.raises(ValueError):
        unary(b"x")


def test_callables_keep_their_channel(echo_port):
    unary = grpc.insecure_channel(f"127.0.0.1:{echo_port}").unary_unary("/test.Echo/Unary")
    gc.collect()
    assert unary(b"x") == b"x"


# ---- states ----


def test_states_are_told_in_order(channel):
    states, ready = [], threading.Event()

    def note(state):
        states.append(state)
        if state is READY:
            ready.set()

    channel.subscribe(note, try_to_connect=True)
    assert ready.wait(5)
    assert states[0] is grpc.ChannelConnectivity.IDLE
    assert states[-1] is READY
    channel.unsubscribe(note)
    channel.unsubscribe(note)
    channel.close()
    assert states[-1] is READY


def test_unsubscribing_does_not_wait_for_a_callback(channel):
    inside, lock, left = threading.Event(), threading.Lock(), threading.Event()

    def needs_the_lock(state):
        inside.set()
        with lock:
            left.set()

    with lock:
        channel.subscribe(needs_the_lock)
        assert inside.wait(5)
        channel.unsubscribe(needs_the_lock)
    assert left.wait(5)


def test_callback_may_unsubscribe_itself(channel):
    called = []

    def once(state):
        called.append(state)
        channel.unsubscribe(once)

    channel.subscribe(once, try_to_connect=True)
    grpc.channel_ready_future(channel).result(timeout=5)
    _eventually(lambda: called)
    assert len(called) == 1


def test_callback_that_raises_is_called_again(channel):
    seen = []

    def breaks(state):
        seen.append(state)
        raise KeyError("x")

    channel.subscribe(breaks, try_to_connect=True)
    _eventually(lambda: READY in seen)


def test_ready_future_times_out():
    with grpc.insecure_channel("127.0.0.1:1") as channel, pytest.raises(grpc.FutureTimeoutError):
        grpc.channel_ready_future(channel).result(timeout=0.05)


# ---- errors name their cause ----


def test_nobody_listens():
    with grpc.insecure_channel("127.0.0.1:1") as channel, pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/a/b")(b"")
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    for part in ("connect", "127.0.0.1:1", "Connection refused"):
        assert part in raised.value.details()


def test_name_that_does_not_exist():
    with grpc.insecure_channel("no.such.host.invalid:1") as channel, pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/a/b")(b"")
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert "DNS resolution failed" in raised.value.details()


def test_waiting_for_a_connection_has_a_deadline():
    with grpc.insecure_channel("127.0.0.1:1") as channel, pytest.raises(grpc.RpcError) as raised:
        channel.unary_unary("/a/b")(b"", wait_for_ready=True, timeout=0.05)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


# ---- dropping ----


def test_dropped_call_is_cancelled(channel):
    stream = channel.unary_stream("/test.Echo/Down")(b"100000000")
    next(stream)
    ended = threading.Event()
    assert stream.add_callback(ended.set)
    gone = weakref.ref(stream)
    del stream
    assert gone() is None
    assert ended.wait(5)


def test_dropping_a_call_frees_its_requests(channel):
    freed = threading.Event()

    def requests():
        try:
            while True:
                yield b"x"
        finally:
            freed.set()

    stream = channel.stream_stream("/test.Echo/Both")(requests())
    next(stream)
    del stream
    assert freed.wait(5)


def test_future_with_a_callback_outlives_its_last_reference(channel):
    done = threading.Event()
    results = []
    channel.unary_unary("/test.Echo/Unary").future(b"slow").add_done_callback(
        lambda future: (results.append(future.result()), done.set())
    )
    gc.collect()
    assert done.wait(5)
    assert results == [b"slow"]


def test_cycles_are_collected(channel):
    class Holder:
        pass

    holder = Holder()
    holder.serialize = lambda message: (holder, message)[1]
    holder.unary = channel.unary_unary("/test.Echo/Unary", request_serializer=holder.serialize)
    holder.call = holder.unary.future(b"slow")
    holder.call.holder = holder
    try:
        channel.unary_unary("/test.Echo/Unary")(b"fail")
    except grpc.RpcError as error:
        holder.error = error
        holder.error.holder = holder
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None


def test_channel_adds_no_thread(run, echo_port):
    ran = run(
        """
        import os, sys
        import farcall as grpc
        channels = [grpc.insecure_channel("127.0.0.1:" + sys.argv[1]) for _ in range(10)]
        for channel in channels:
            assert channel.unary_unary("/test.Echo/Unary")(b"x") == b"x"
            assert len(list(channel.stream_stream("/test.Echo/Both")([b"1", b"2"]))) == 2
        print(len(os.listdir("/proc/self/task")))
        """,
        echo_port,
    )
    assert int(ran.silent()) <= 2  # one for the calls that nobody waits for, whatever the number of channels
