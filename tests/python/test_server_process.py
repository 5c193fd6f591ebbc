"""Servers, and the end, the children and the signals of the process that they are in."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time

import pytest

PRELUDE = """
    import os, signal, sys, threading, time
    from concurrent import futures
    import farcall as grpc

    begun, never = threading.Semaphore(0), threading.Event()

    def echo(request, context):
        return request

    def read(requests, context):
        begun.release()
        for request in requests:
            yield request

    def flood(request, context):
        begun.release()
        while True:
            yield b"x" * 100_000

    HANDLERS = {
        "Echo": grpc.unary_unary_rpc_method_handler(echo),
        "Read": grpc.stream_stream_rpc_method_handler(read),
        "Flood": grpc.unary_stream_rpc_method_handler(flood),
    }
    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.S", HANDLERS),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    echo_stub = channel.unary_unary("/test.S/Echo")
    assert echo_stub(b"x") == b"x"
"""


def program(text):
    return textwrap.dedent(PRELUDE) + textwrap.dedent(text)


def time_to_leave(text):
    """Runs a program and returns the seconds between its last word and its end, which must be silent."""
    command = [sys.executable, "-c", program(text) + "\nprint('last', flush=True)\n"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "last\n", process.stderr.read()
        begin = time.monotonic()
        out, err = process.communicate(timeout=30)
        assert (process.returncode, out, err) == (0, "", "")
        return time.monotonic() - begin
    finally:
        process.kill()


@pytest.mark.parametrize(
    "text",
    [
        "",  # idle
        "server.stop(1000)",
        "del server",
        """
        call = channel.stream_stream("/test.S/Read")(iter(never.wait, True))
        begun.acquire()
        """,
        """
        call = channel.unary_stream("/test.S/Flood")(b"")
        begun.acquire()
        next(call)
        """,
        """
        def call_on():
            try:
                while True:
                    echo_stub(b"x")
            except grpc.RpcError:
                pass
        for _ in range(4):
            threading.Thread(target=call_on, daemon=True).start()
        time.sleep(0.1)
        """,
    ],
    ids=["idle", "stopping", "dropped", "reading", "flooding", "busy"],
)
def test_leaving_with_a_server_takes_no_time(text):
    assert time_to_leave(text) < 0.5


def test_a_child_has_no_server_and_its_parent_still_has(run):
    text = """
        call = channel.stream_stream("/test.S/Read")(iter(never.wait, True))
        begun.acquire()
        child = os.fork()
        if child == 0:
            ended = not server.wait_for_termination(10)
            os._exit(0 if ended and server.stop(None).is_set() else 1)
        assert os.waitpid(child, 0)[1] == 0
        for _ in range(100):
            assert echo_stub(b"x", timeout=10) == b"x"
        assert call.is_active()
        call.cancel()
        server.stop(None)
        print("good")
    """
    assert run(program(text)).silent() == "good\n"


def test_a_child_may_have_a_server_of_its_own(run):
    text = """
        child = os.fork()
        if child == 0:
            own = grpc.server(futures.ThreadPoolExecutor(2))
            own.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.S", HANDLERS),))
            own_port = own.add_insecure_port("127.0.0.1:0")
            own.start()
            with grpc.insecure_channel(f"127.0.0.1:{own_port}") as own_channel:
                assert own_channel.unary_unary("/test.S/Echo")(b"child", timeout=10) == b"child"
            # The parent's server is the parent's.
            assert echo_stub(b"x", timeout=10) == b"x"
            own.stop(None)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        server.stop(None)
        print("good")
    """
    assert run(program(text)).silent() == "good\n"


def test_a_handler_may_start_processes(run):
    text = """
        import multiprocessing, subprocess
        def work(request, context):
            ran = subprocess.run([sys.executable, "-c", "print(42)"], capture_output=True, check=True)
            with multiprocessing.get_context("fork").Pool(2) as pool:
                return ran.stdout.strip() + str(pool.map(abs, [-1, -2])).encode()
        more = {"Work": grpc.unary_unary_rpc_method_handler(work)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.T", more),))
        calls = [channel.unary_unary("/test.T/Work").future(b"") for _ in range(4)]
        assert [call.result(20) for call in calls] == [b"42[1, 2]"] * 4
        server.stop(None)
        print("good")
    """
    assert run(program(text)).silent() == "good\n"


def test_signals_are_not_blocked_where_the_program_runs(run):
    """What a handler or a callback starts would inherit that, and could not be terminated."""
    text = """
        seen, over = [], threading.Event()
        def see():
            seen.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

        def handler(request, context):
            see()
            context.add_callback(see)
            context.add_callback(over.set)
            return b""

        more = {"See": grpc.unary_unary_rpc_method_handler(handler)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.T", more),))
        call = channel.unary_unary("/test.T/See").future(b"")
        told = threading.Event()
        call.add_done_callback(lambda call: (see(), told.set()))
        assert call.result(10) == b"" and over.wait(10) and told.wait(10)
        assert seen == [set()] * 3, seen
        server.stop(None)
        print("good")
    """
    assert run(program(text)).silent() == "good\n"


@pytest.mark.parametrize("wait", ["server.wait_for_termination()", "server.stop(1000).wait()"])
def test_an_interrupt_ends_waiting_at_once(wait):
    text = f"""
    call = channel.stream_stream("/test.S/Read")(iter(never.wait, True))
    begun.acquire()
    print("waiting", flush=True)
    try:
        {wait}
    except KeyboardInterrupt:
        print(time.monotonic(), flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", program(text)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "waiting\n"
        while pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
            pass  # until its main thread waits
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        assert float(process.stdout.readline()) - sent < 0.2
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.stdout.close()


def test_memory_does_not_grow_with_calls_and_servers(run):
    text = """
        import gc, resource
        def resident():
            gc.collect()
            with open("/proc/self/statm") as file:
                return int(file.read().split()[1]) * resource.getpagesize()

        def call_often(n):
            for _ in range(n):
                echo_stub(b"x")

        pool = futures.ThreadPoolExecutor(1)
        def serve_often(n):
            for _ in range(n):
                one = grpc.server(pool)
                one.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.S", HANDLERS),))
                one.add_insecure_port("127.0.0.1:0")
                one.start()
                one.stop(None)

        call_often(2000)
        serve_often(100)
        before = resident()
        call_often(int(sys.argv[1]))
        serve_often(int(sys.argv[1]) // 40)
        grown = resident() - before
        assert grown < 3_000_000, grown
        assert threading.active_count() < 20
        server.stop(None)
        print("good")
    """
    calls = 100_000 if os.environ.get("FC_LONG") else 8000
    assert run(program(text), calls, timeout=300).silent() == "good\n"
