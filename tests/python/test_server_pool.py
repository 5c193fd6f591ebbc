"""On which threads handlers run: the pool bounds them, and gets no more to do than it must."""

import threading
from concurrent import futures

import pytest
from support.serving import DOWN, ONE, serve

import farcall as grpc


class CountingPool(futures.ThreadPoolExecutor):
    def __init__(self, threads):
        super().__init__(threads)
        self.submitted = 0

    def submit(self, fn, *args, **kwargs):
        self.submitted += 1
        return super().submit(fn, *args, **kwargs)


def test_a_pool_bounds_what_runs_at_once():
    lock, running, most = threading.Lock(), [], []
    three = threading.Barrier(3)

    def handler(request, context):
        with lock:
            running.append(1)
            most.append(len(running))
        three.wait(20)
        with lock:
            running.pop()
        return b""

    with serve({"H": ONE(handler)}, threads=3) as s:
        calls = [s.one("H").future(b"") for _ in range(30)]
        for call in calls:
            call.result(20)
    assert max(most) == 3


def test_a_call_never_waits_behind_a_handler_that_blocks():
    opened = threading.Event()
    handlers = {
        "Wait": ONE(lambda request, context: b"%d" % opened.wait(20)),
        "Open": ONE(lambda request, context: b"%d" % (opened.set() or 2)),
    }
    with serve(handlers, threads=2) as s:
        for _ in range(20):
            opened.clear()
            waiting = s.one("Wait").future(b"")
            assert s.one("Open")(b"", timeout=10) == b"2"
            assert waiting.result(10) == b"1"


def test_under_load_nothing_is_submitted():
    pool = CountingPool(4)
    with serve({"Echo": ONE(lambda request, context: request)}, pool=pool) as s:
        echo = s.one("Echo")
        for _ in range(50):
            calls = [echo.future(b"x") for _ in range(20)]
            for call in calls:
                call.result(10)
    assert pool.submitted < 300


def test_other_work_of_the_pool_has_its_turn():
    """A pool of one thread that serves call after call still runs what its owner submits."""
    with futures.ThreadPoolExecutor(1) as pool, serve({"Echo": ONE(lambda r, context: r)}, pool=pool) as s:
        stop = threading.Event()

        def call_on():
            while not stop.is_set():
                s.one("Echo")(b"x", timeout=10)

        caller = threading.Thread(target=call_on)
        caller.start()
        for number in range(20):
            assert pool.submit(lambda n=number: n).result(10) == number
        stop.set()
        caller.join()


def test_anything_with_submit_is_a_pool():
    class Threads:
        def submit(self, fn, *args, **kwargs):
            threading.Thread(target=fn, args=args, kwargs=kwargs).start()

    with serve({"Echo": ONE(lambda request, context: request)}, pool=Threads()) as s:
        assert [s.one("Echo")(b"%d" % i) for i in range(10)] == [b"%d" % i for i in range(10)]


def test_a_pool_that_is_shut_down_refuses_calls():
    pool = futures.ThreadPoolExecutor(1)
    with serve({"Echo": ONE(lambda request, context: request)}, pool=pool) as s:
        pool.shutdown()
        code, details = s.failure("Echo")
        assert code is grpc.StatusCode.UNAVAILABLE and "thread pool" in details


def test_work_that_a_pool_throws_away_is_submitted_again():
    class Forgetful(futures.ThreadPoolExecutor):
        forgotten = 0

        def submit(self, fn, *args, **kwargs):
            if self.forgotten < 3:
                self.forgotten += 1
                return None
            return super().submit(fn, *args, **kwargs)

    with Forgetful(1) as pool, serve({"Echo": ONE(lambda request, context: request)}, pool=pool) as s:
        assert s.one("Echo")(b"x", timeout=10) == b"x"


def test_a_limit_of_calls_refuses_the_rest():
    opened, begun = threading.Event(), threading.Semaphore(0)

    def wait(request, context):
        begun.release()
        assert opened.wait(20)
        return request

    with serve({"Wait": ONE(wait)}, maximum_concurrent_rpcs=2) as s:
        calls = [s.one("Wait").future(b"x") for _ in range(2)]
        for _ in calls:
            assert begun.acquire(timeout=10)
        expected = (grpc.StatusCode.RESOURCE_EXHAUSTED, "Concurrent RPC limit exceeded!")
        assert s.failure("Wait") == expected
        opened.set()
        assert [call.result(10) for call in calls] == [b"x", b"x"]
        assert s.one("Wait")(b"y", timeout=10) == b"y"


def test_a_behavior_may_have_a_pool_of_its_own():
    own = futures.ThreadPoolExecutor(1, thread_name_prefix="own")
    opened = threading.Event()

    def special(request, context):
        return threading.current_thread().name.encode()

    special.experimental_thread_pool = own
    handlers = {"Special": ONE(special), "Wait": ONE(lambda request, context: b"%d" % opened.wait(20))}
    with own, serve(handlers, threads=1) as s:
        waiting = s.one("Wait").future(b"")
        assert s.one("Special")(b"", timeout=10).startswith(b"own")
        opened.set()
        assert waiting.result(10) == b"1"


def test_a_handler_that_is_found_late_may_have_a_pool_of_its_own():
    own = futures.ThreadPoolExecutor(1, thread_name_prefix="own")
    opened = threading.Event()

    def special(request, context):
        opened.wait(20)
        return threading.current_thread().name.encode()

    def stream(request, context):
        yield threading.current_thread().name.encode()

    special.experimental_thread_pool = stream.experimental_thread_pool = own
    found = {"/test.S/Special": ONE(special), "/test.S/Stream": DOWN(stream)}

    class Late(grpc.GenericRpcHandler):
        def service(self, details):
            return found.get(details.method)

    with own, serve({"Echo": ONE(lambda request, context: request)}, threads=1) as s:
        s.server.add_generic_rpc_handlers((Late(),))
        waiting = s.one("Special").future(b"")
        assert s.one("Echo")(b"free", timeout=10) == b"free"
        opened.set()
        assert waiting.result(10).startswith(b"own")
        assert next(s.down("Stream")(b"", timeout=10)).startswith(b"own")
        own.shutdown()
        code, details = s.failure("Special")
        assert code is grpc.StatusCode.UNAVAILABLE and "thread pool" in details


def test_a_thread_serves_nothing_while_it_streams():
    steps = threading.Semaphore(0)

    def stream(request, context):
        for _ in range(3):
            assert steps.acquire(timeout=20)
            yield b""

    with serve({"Stream": DOWN(stream), "Echo": ONE(lambda r, context: r)}, threads=1) as s:
        call = s.down("Stream")(b"")
        waiting = s.one("Echo").future(b"x")
        with pytest.raises(grpc.FutureTimeoutError):
            waiting.result(0.05)
        steps.release(3)
        assert len(list(call)) == 3
        assert waiting.result(10) == b"x"
