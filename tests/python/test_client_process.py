"""The client and its process: signals, fork, the end of the interpreter, memory."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

CONNECT = """
import os, signal, sys, threading, time, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forking, from Python 3.12 on
import farcall as grpc
channel = grpc.insecure_channel("127.0.0.1:" + sys.argv[1])
unary = channel.unary_unary("/test.Echo/Unary")
down = channel.unary_stream("/test.Echo/Down")
up = channel.stream_unary("/test.Echo/Up")
both = channel.stream_stream("/test.Echo/Both")
never = threading.Event()
def endless():
    while True:
        yield b"x" * 1000
def blocked():
    yield b"x"
    never.wait()
def silent():
    never.wait()
    yield b"x"
"""


# ---- signals ----

WAITS = {
    "result": "unary.future(b'hang').result()",
    "unary": "unary(b'hang')",
    "with_call": "unary.with_call(b'hang')",
    "up": "up(silent())",
    "next": "next(both(silent()))",
    "code": "unary.future(b'hang').code()",
    "initial_metadata": "both(silent()).initial_metadata()",
    "trailing_metadata": "both(silent()).trailing_metadata()",
    "exception": "unary.future(b'hang').exception()",
    "ready": "grpc.channel_ready_future(grpc.insecure_channel('127.0.0.1:1')).result()",
    "wait_for_ready": "grpc.insecure_channel('127.0.0.1:1').unary_unary('/a/b')(b'', wait_for_ready=True)",
    "beside another thread": "(threading.Thread(target=lambda: unary(b'hang'), daemon=True).start(), time.sleep(0.1), unary(b'hang'))",
}


@pytest.mark.parametrize("wait", WAITS)
def test_interrupt_ends_every_wait_at_once(echo_port, wait):
    program = CONNECT + textwrap.dedent(
        f"""
        unary(b"x")
        def interrupt():
            # The main thread is inside of the wait when it sleeps in the kernel without this lock of the interpreter.
            time.sleep(0.3)
            sent.append(time.monotonic())
            os.kill(os.getpid(), signal.SIGINT)
        sent = []
        threading.Thread(target=interrupt, daemon=True).start()
        try:
            {WAITS[wait]}
        except KeyboardInterrupt:
            print(time.monotonic() - sent[0])
        os._exit(0)
        """
    )
    command = [sys.executable, "-c", program, echo_port]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    assert ran.stderr == ""
    assert float(ran.stdout) < 0.1


def test_handler_that_returns_lets_the_wait_go_on(run, echo_port):
    ran = run(
        CONNECT
        + textwrap.dedent(
            """
            caught = []
            signal.signal(signal.SIGALRM, lambda *_: caught.append(1))
            signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
            assert unary(b"slow") == b"slow"
            assert unary.future(b"slow").result() == b"slow"
            signal.setitimer(signal.ITIMER_REAL, 0)
            print(len(caught) > 10)
            """
        ),
        echo_port,
    )
    assert ran.silent() == "True\n"


def test_handler_may_call_and_cancel(run, echo_port):
    ran = run(
        CONNECT
        + textwrap.dedent(
            """
            future = unary.future(b"hang")
            def handler(*_):
                assert unary(b"x") == b"x"
                future.cancel()
            signal.signal(signal.SIGALRM, handler)
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            try:
                future.result()
            except grpc.FutureCancelledError:
                print("cancelled")
            """
        ),
        echo_port,
    )
    assert ran.silent() == "cancelled\n"


# ---- fork ----


def test_channel_works_on_both_sides_of_fork(run, echo_port):
    ran = run(
        CONNECT
        + textwrap.dedent(
            """
            assert unary(b"x") == b"x"
            assert up(iter([b"1"])) == b"1"
            for _ in range(20):
                child = os.fork()
                if child == 0:
                    good = unary(b"c") == b"c" and list(both(iter([b"1", b"2"]))) == [b"1", b"2"]
                    good = good and unary.future(b"f").result(5) == b"f" and len(list(down(b"10"))) == 10
                    os._exit(0 if good else 1)
                assert unary(b"p") == b"p"
                assert up(iter([b"1"])) == b"1"
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            """
        ),
        echo_port,
    )
    ran.silent()


def test_fork_while_calls_are_in_flight_from_many_threads(run, echo_port):
    ran = run(
        CONNECT
        + textwrap.dedent(
            """
            stop, failures, counts = threading.Event(), [], [0] * 8
            def work(number):
                try:
                    while not stop.is_set():
                        assert unary(b"%d" % number) == b"%d" % number
                        assert [f.result() for f in [unary.future(b"f") for _ in range(5)]] == [b"f"] * 5
                        assert len(list(both(iter([b"1", b"2", b"3"])))) == 3
                        counts[number] += 1
                except BaseException as error:
                    failures.append(error)
            threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
            for thread in threads: thread.start()
            for _ in range(25):
                child = os.fork()
                if child == 0:
                    good = unary(b"c") == b"c" and list(both(iter([b"1"]))) == [b"1"]
                    os._exit(0 if good else 1)
                status = os.waitpid(child, 0)[1]
                if status: failures.append(status)
            stop.set()
            for thread in threads: thread.join()
            assert not failures, failures
            assert all(counts), counts
            """
        ),
        echo_port,
        timeout=60,
    )
    ran.silent()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(tmp_path, echo_port, method):
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import multiprocessing, sys, warnings
            import farcall as grpc
            warnings.simplefilter("ignore", DeprecationWarning)
            channel = grpc.insecure_channel("127.0.0.1:" + sys.argv[1])
            def work(number):
                return channel.unary_unary("/test.Echo/Unary")(b"%d" % number)
            def fail(number):
                channel.unary_unary("/test.Echo/Unary")(b"fail")
            if __name__ == "__main__":
                assert work(1) == b"1"
                pending = channel.unary_unary("/test.Echo/Unary").future(b"slow")
                with multiprocessing.get_context(sys.argv[2]).Pool(3) as pool:
                    assert pool.map(work, range(20)) == [b"%d" % n for n in range(20)]
                    try:
                        pool.apply(fail, (1,))
                    except grpc.RpcError as error:
                        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
                    else:
                        raise AssertionError
                assert pending.result() == b"slow"
            """
        )
    )
    command = [sys.executable, program, echo_port, method]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_subprocesses_while_calls_are_in_flight(run, echo_port):
    ran = run(
        CONNECT
        + textwrap.dedent(
            """
            import subprocess
            stop, failures = threading.Event(), []
            def work():
                try:
                    while not stop.is_set():
                        assert unary(b"x") == b"x"
                except BaseException as error:
                    failures.append(error)
            threads = [threading.Thread(target=work) for _ in range(4)]
            for thread in threads: thread.start()
            for number in range(100):
                subprocess.run(["true"], check=True, preexec_fn=None if number % 2 else os.getpid)
            stop.set()
            for thread in threads: thread.join()
            assert not failures, failures
            """
        ),
        echo_port,
        timeout=60,
    )
    ran.silent()


# ---- the end of the interpreter ----

LIVE = {
    "nothing": "pass",
    "channel": "unary(b'x')",
    "future": "f = unary.future(b'hang')",
    "callback": "f = unary.future(b'hang'); f.add_done_callback(print)",
    "stream": "s = down(b'100000000'); next(s)",
    "endless requests": "s = both(endless()); next(s)",
    "blocked requests": "s = both(blocked()); next(s)",
    "requests of a list": "s = both([b'x' * 1000] * 100000); next(s)",
    "watch": "channel.subscribe(lambda state: None, try_to_connect=True)",
    "ready future": "f = grpc.channel_ready_future(grpc.insecure_channel('127.0.0.1:1'))",
    "thread in a call": "threading.Thread(target=lambda: unary(b'hang'), daemon=True).start(); time.sleep(0.1)",
    "thread in a stream": "threading.Thread(target=lambda: list(down(b'100000000')), daemon=True).start(); time.sleep(0.1)",
    "thread in an upload": "threading.Thread(target=lambda: up(endless()), daemon=True).start(); time.sleep(0.1)",
    "busy callbacks": "[unary.future(b'x').add_done_callback(lambda f: f.result()) for _ in range(500)]",
}


@pytest.mark.parametrize("ending", ["", "raise SystemExit(0)"])
@pytest.mark.parametrize("live", LIVE)
def test_exit_is_quick_and_silent(run, echo_port, live, ending):
    ran = run(
        CONNECT + f"{LIVE[live]}\nprint(time.monotonic(), flush=True)\n{ending}\n",
        echo_port,
    )
    took = time.monotonic() - float(ran.silent())
    assert took < 0.5  # 0.1 s where nothing else runs; the process's own end and the reading of its output are in it


# ---- memory ----



MEMORY = """
import gc
def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
def grows(work, times):
    for _ in range(times): work()
    gc.collect(); before = resident()
    for _ in range(times): work()
    gc.collect(); return resident() - before
"""

WORK = {
    "calls": ("unary(b'x', metadata=(('x-a', 'b'),), timeout=5)", 5000),
    "large calls": ("unary(b'x' * 300000)", 300),
    "futures": ("unary.future(b'x').result()", 5000),
    "cancelled": ("unary.future(b'slow').cancel()", 3000),
    "failures": ("unary.future(b'fail').exception()", 3000),
    "streams": ("list(down(b'3'))", 3000),
    "dropped streams": ("next(down(b'100'))", 3000),
    "uploads": ("up(iter((b'1', b'2')))", 2000),
    "chats": ("list(both([b'1', b'2']))", 2000),
    "channels": ("grpc.insecure_channel('127.0.0.1:' + sys.argv[1]).unary_unary('/test.Echo/Unary')(b'x')", 500),
    "channels without a server": ("grpc.insecure_channel('127.0.0.1:1').unary_unary('/a/b').future(b'x').exception()", 500),
    "idle channels": ("grpc.insecure_channel('localhost:1')", 5000),
    "watches": ("c = grpc.insecure_channel('localhost:1'); c.subscribe(print); c.unsubscribe(print)", 1000),
}


@pytest.mark.parametrize("work", WORK)
def test_memory_stays_flat(run, echo_port, work):
    statement, times = WORK[work]
    program = CONNECT + MEMORY + f"def work(): {statement}\nprint(grows(work, {times}))\n"
    ran = run(program, echo_port, timeout=60)
    lines = [line for line in ran.silent().split("\n") if line and "ChannelConnectivity" not in line]
    assert int(lines[-1]) < 1500  # KiB; the objects of one round would be more
