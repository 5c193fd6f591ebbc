"""What handlers of each kind are given, and what becomes of what they give."""

import mmap
import threading

import pytest
from support.serving import BOTH, DOWN, ONE, UP, serve

import farcall as grpc


def test_each_kind_of_handler_serves():
    handlers = {
        "One": ONE(lambda request, context: request.upper()),
        "Down": DOWN(lambda request, context: iter([request] * 3)),
        "Up": UP(lambda requests, context: b"+".join(requests)),
        "Both": BOTH(lambda requests, context: (request * 2 for request in requests)),
    }
    with serve(handlers) as s:
        assert s.one("One")(b"a") == b"A"
        assert list(s.down("Down")(b"d")) == [b"d"] * 3
        assert s.up("Up")(iter([b"1", b"2", b"3"])) == b"1+2+3"
        assert list(s.both("Both")(iter([b"x", b"y"]))) == [b"xx", b"yy"]


def test_serializers_are_used_on_either_side():
    handler = ONE(lambda number, context: number + 1, int, lambda n: b"%d" % n)
    with serve({"Next": handler}) as s:
        assert s.one("Next")(b"41") == b"42"


def test_large_messages_arrive_whole():
    with serve({"Echo": ONE(lambda request, context: request)}) as s:
        message = bytes(range(256)) * 12_000
        assert s.one("Echo")(message) == message


def test_many_calls_are_served_at_once_and_in_full():
    with serve({"Echo": ONE(lambda request, context: request)}) as s:
        calls = [s.one("Echo").future(b"%d" % i) for i in range(500)]
        assert [call.result(20) for call in calls] == [b"%d" % i for i in range(500)]


def test_more_streams_than_a_hundred_run_on_one_connection():
    everybody = threading.Barrier(130)

    def meet(request, context):
        everybody.wait(20)
        return request

    with serve({"Meet": ONE(meet)}, threads=130) as s:
        calls = [s.one("Meet").future(b"") for _ in range(130)]
        assert all(call.result(30) == b"" for call in calls)


def test_a_method_that_nobody_serves_is_unimplemented():
    with serve({}) as s:
        assert s.failure("None") == (grpc.StatusCode.UNIMPLEMENTED, "Method not found!")


def test_an_exception_of_the_handler_is_the_status():
    def fail(request, context):
        raise LookupError("no such place")

    with serve({"Fail": ONE(fail)}) as s:
        expected = (grpc.StatusCode.UNKNOWN, "Exception calling application: no such place")
        assert s.failure("Fail") == expected


def test_an_exception_that_cannot_be_printed_is_a_status_too():
    class Unprintable(Exception):
        def __str__(self):
            raise ValueError

    def fail(request, context):
        raise Unprintable

    with serve({"Fail": ONE(fail)}) as s:
        code, details = s.failure("Fail")
        assert code is grpc.StatusCode.UNKNOWN
        assert details == "Calling application raised unprintable Exception!"


@pytest.mark.parametrize("exception", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_whatever_ends_a_handler_gives_a_status(exception):
    def leave(request, context):
        raise exception("bye")

    with serve({"Leave": ONE(leave), "Stay": ONE(lambda request, context: request)}, threads=1) as s:
        assert s.failure("Leave") == (grpc.StatusCode.UNKNOWN, "Exception calling application: bye")
        assert s.one("Stay")(b"still there", timeout=10) == b"still there"


def test_an_exception_between_responses_follows_those_that_were_sent():
    def fail(request, context):
        yield b"1"
        yield b"2"
        raise ValueError("no third")

    with serve({"Fail": DOWN(fail)}) as s:
        call = s.down("Fail")(b"")
        assert [next(call), next(call)] == [b"1", b"2"]
        with pytest.raises(grpc.RpcError):
            next(call)
        assert call.details() == "Exception iterating responses: no third"


def test_what_is_no_iterator_is_told_as_such():
    with serve({"List": DOWN(lambda request, context: None)}) as s:
        call = s.down("List")(b"")
        with pytest.raises(grpc.RpcError):
            next(call)
        assert call.code() is grpc.StatusCode.UNKNOWN
        assert "is not an iterator" in call.details()


def test_none_among_the_responses_ends_the_stream():
    with serve({"Short": DOWN(lambda request, context: iter([b"1", None, b"2"]))}) as s:
        assert list(s.down("Short")(b"")) == [b"1"]


def test_a_response_that_cannot_be_serialized_is_internal():
    def refuse(response):
        raise TypeError("not this")

    handlers = {
        "Raises": ONE(lambda request, context: request, None, refuse),
        "None": ONE(lambda request, context: None),
        "Number": ONE(lambda request, context: 42),
    }
    with serve(handlers) as s:
        for name in handlers:
            expected = (grpc.StatusCode.INTERNAL, "Failed to serialize response!")
            assert s.failure(name) == expected


def test_a_request_that_cannot_be_deserialized_is_internal():
    with serve({"Number": ONE(lambda request, context: b"", int)}) as s:
        expected = (grpc.StatusCode.INTERNAL, "Exception deserializing request!")
        assert s.failure("Number", b"not a number") == expected


def test_a_request_of_a_stream_that_cannot_be_deserialized_is_internal():
    seen = []

    def count(requests, context):
        seen.extend(requests)
        return b""

    with serve({"Numbers": UP(count, int)}) as s:
        with pytest.raises(grpc.RpcError) as raised:
            s.up("Numbers")(iter([b"1", b"two", b"3"]), timeout=10)
        assert raised.value.details() == "Exception deserializing request!"
    assert seen == [1]


def test_servicers_of_generated_code_say_what_they_do_not_implement():
    def base(request, context):
        context.set_code(grpc.StatusCode.UNIMPLEMENTED)
        context.set_details("Method not implemented!")
        raise NotImplementedError("Method not implemented!")

    with serve({"Base": ONE(base)}) as s:
        expected = (grpc.StatusCode.UNIMPLEMENTED, "Method not implemented!")
        assert s.failure("Base") == expected


def test_a_handler_may_answer_before_it_has_read_all():
    with serve({"First": UP(lambda requests, context: next(requests))}) as s:
        assert s.up("First")(iter([b"1"] * 100), timeout=10) == b"1"


def test_handlers_that_do_not_block_answer_from_any_thread():
    def serve_later(request, context, send):
        def answer():
            send(b"1")
            send(b"2")
            send(None)

        threading.Thread(target=answer).start()

    serve_later.experimental_non_blocking = True
    with serve({"Later": DOWN(serve_later)}, threads=1) as s:
        calls = [s.down("Later")(b"") for _ in range(20)]
        assert [list(call) for call in calls] == [[b"1", b"2"]] * 20


def test_a_handler_that_does_not_block_may_fail():
    def fail(request, context, send):
        raise ValueError("no")

    fail.experimental_non_blocking = True
    with serve({"Fail": DOWN(fail)}) as s:
        call = s.down("Fail")(b"")
        with pytest.raises(grpc.RpcError):
            next(call)
        assert call.details() == "Exception calling application: no"


def test_a_response_that_has_no_length_in_grpc():
    huge = mmap.mmap(-1, 2**32 + 10, prot=mmap.PROT_READ)
    with serve({"One": ONE(lambda r, context: huge), "Down": DOWN(lambda r, context: iter([b"small", huge]))}) as s:
        text = f"SERVER: Sent message larger than max ({2**32 + 10} vs. {2**32 - 1})"
        assert s.failure("One", b"") == (grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        call = s.down("Down")(b"")
        assert next(call) == b"small"
        with pytest.raises(grpc.RpcError):
            next(call)
        assert call.details() == text


def test_a_limit_on_messages_is_told(request):
    options = (("grpc.max_send_message_length", 10), ("grpc.max_receive_message_length", 20))
    with serve({"Echo": ONE(lambda r, context: r)}, options=options) as s:
        assert s.one("Echo")(b"x" * 10) == b"x" * 10
        code, details = s.failure("Echo", b"x" * 11)
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert details == "SERVER: Sent message larger than max (11 vs. 10)"
        code, details = s.failure("Echo", b"x" * 21)
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "Received message larger than max (21 vs. 20)" in details
