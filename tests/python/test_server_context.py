"""What a handler asks of its context, and what it says of the answer to come."""

import gc
import re
import threading

import pytest
from support.serving import BOTH, DOWN, ONE, UP, serve

import farcall as grpc


def ask(question, **arguments):
    """What a handler gets for question(context), and the call."""
    answers = []

    def handler(request, context):
        answers.append(question(context))
        return b""

    with serve({"Ask": ONE(handler)}) as s:
        _, call = s.one("Ask").with_call(b"", **arguments)
        return answers[0], call


def test_the_clients_metadata():
    sent = (("name", "value"), ("name", "again"), ("bits-bin", b"\0\xff"))
    metadata, _ = ask(lambda context: context.invocation_metadata(), metadata=sent)
    assert [tuple(pair) for pair in metadata if pair.key in ("name", "bits-bin")] == list(sent)
    assert "user-agent" in [pair.key for pair in metadata]


def test_peer_and_security():
    def all_of_them(context):
        return context.peer(), context.peer_identities(), context.peer_identity_key(), context.auth_context()

    (peer, identities, key, auth), _ = ask(all_of_them)
    assert re.fullmatch(r"ipv4:127\.0\.0\.1:\d+", peer)
    assert (identities, key) == (None, None)
    assert auth["transport_security_type"] == [b"insecure"]


def test_time_remaining():
    left, _ = ask(lambda context: context.time_remaining(), timeout=50)
    assert 40 < left <= 50
    left, _ = ask(lambda context: context.time_remaining())
    assert left > 1e9


def test_nothing_is_set_at_first():
    def all_of_them(context):
        return context.code(), context.details(), context.trailing_metadata(), context.is_active()

    answers, _ = ask(all_of_them)
    assert answers == (None, None, None, True)


def test_metadata_of_the_answer():
    def answer(context):
        context.send_initial_metadata((("first", "1"), ("first-bin", b"\1")))
        context.set_trailing_metadata((("last", "2"),))
        context.set_trailing_metadata((("last", "3"),))
        return context.trailing_metadata()

    kept, call = ask(answer)
    assert tuple(map(tuple, call.initial_metadata())) == (("first", "1"), ("first-bin", b"\1"))
    assert tuple(map(tuple, call.trailing_metadata())) == (("last", "3"),)
    assert kept == (("last", "3"),)


def test_initial_metadata_goes_once():
    def twice(context):
        context.send_initial_metadata(())
        with pytest.raises(ValueError, match="Initial metadata no longer allowed!"):
            context.send_initial_metadata(())

    ask(twice)


@pytest.mark.parametrize("pairs", [(("Upper", "x"),), (("name", "line\nend"),), (("name",),)])
def test_metadata_that_is_none_raises_where_it_is_given(pairs):
    def give(context):
        for function in (context.send_initial_metadata, context.set_trailing_metadata):
            with pytest.raises(ValueError, match="metadata was invalid"):
                function(pairs)

    ask(give)


def test_code_and_details_go_with_a_response():
    def answer(context):
        context.set_details("all is well")
        return context.details()

    _, call = ask(answer)
    assert (call.code(), call.details()) == (grpc.StatusCode.OK, "all is well")


def test_a_code_that_is_set_counts_though_the_handler_returns():
    def answer(request, context):
        context.set_code(grpc.StatusCode.DATA_LOSS)
        context.set_details("gone: ä")
        assert context.code() is grpc.StatusCode.DATA_LOSS
        return b"ignored"

    with serve({"Answer": ONE(answer)}) as s:
        assert s.failure("Answer") == (grpc.StatusCode.DATA_LOSS, "gone: ä")


def test_what_is_no_code_is_unknown():
    def answer(request, context):
        context.set_code(object())
        return b""

    with serve({"Answer": ONE(answer)}) as s:
        assert s.failure("Answer")[0] is grpc.StatusCode.UNKNOWN


def test_abort_ends_the_handler_and_the_call():
    after = []

    def abort(request, context):
        context.abort(grpc.StatusCode.NOT_FOUND, "no such place")
        after.append(1)

    def abort_stream(request, context):
        yield b"1"
        context.abort(grpc.StatusCode.ABORTED, "enough")

    with serve({"Abort": ONE(abort), "Stream": DOWN(abort_stream)}) as s:
        assert s.failure("Abort") == (grpc.StatusCode.NOT_FOUND, "no such place")
        call = s.down("Stream")(b"")
        assert next(call) == b"1"
        with pytest.raises(grpc.RpcError):
            next(call)
        assert (call.code(), call.details()) == (grpc.StatusCode.ABORTED, "enough")
    assert not after


def test_abort_raises_what_can_be_told_from_other_exceptions():
    raised = []

    def abort(request, context):
        try:
            context.abort(grpc.StatusCode.NOT_FOUND, "no such place")
        except grpc.RpcError as error:
            raised.append((error.code(), error.details()))
            raise

    with serve({"Abort": ONE(abort)}) as s:
        s.failure("Abort")
    assert raised == [(grpc.StatusCode.NOT_FOUND, "no such place")]


def test_abort_takes_no_ok():
    with serve({"Abort": ONE(lambda request, context: context.abort(grpc.StatusCode.OK, "fine"))}) as s:
        assert s.failure("Abort") == (grpc.StatusCode.UNKNOWN, "")


def test_abort_with_status_and_its_details():
    class Status(grpc.Status):
        code = grpc.StatusCode.INVALID_ARGUMENT
        details = "bad"
        trailing_metadata = (("grpc-status-details-bin", b"\x08\x03\x12\x03bad"), ("other", "o"))

    with serve({"Abort": ONE(lambda request, context: context.abort_with_status(Status()))}) as s:
        with pytest.raises(grpc.RpcError) as raised:
            s.one("Abort")(b"")
    assert (raised.value.code(), raised.value.details()) == (Status.code, "bad")
    trailing = dict(map(tuple, raised.value.trailing_metadata()))
    assert trailing["other"] == "o"
    assert trailing["grpc-status-details-bin"] == b"\x08\x03\x12\x03bad"


def test_callbacks_run_when_the_call_is_over():
    over, late = threading.Event(), []

    def handler(request, context):
        assert context.add_callback(over.set)
        assert context.add_callback(lambda: 1 / 0)  # goes no further
        late.append(context)
        return b""

    with serve({"Handler": ONE(handler)}) as s:
        s.one("Handler")(b"")
        assert over.wait(10)
        assert late[0].add_callback(over.clear) is False


def test_a_context_can_be_asked_after_the_call():
    kept = []

    def handler(request, context):
        kept.append(context)
        return b""

    with serve({"Handler": ONE(handler)}) as s:
        s.one("Handler")(b"", metadata=(("a", "b"),))
    (context,) = kept
    assert ("a", "b") in [tuple(pair) for pair in context.invocation_metadata()]
    assert context.peer().startswith("ipv4:127.0.0.1:")
    assert context.auth_context()["transport_security_type"] == [b"insecure"]
    assert not context.is_active()
    assert context.time_remaining() == 0
    context.cancel()
    with pytest.raises((ValueError, grpc.RpcError)):
        context.send_initial_metadata(())


def test_cancel_ends_the_call_for_the_client():
    def handler(request, context):
        context.cancel()
        assert not context.is_active()
        return b""

    with serve({"Handler": ONE(handler)}) as s:
        assert s.failure("Handler")[0] is grpc.StatusCode.CANCELLED


@pytest.mark.parametrize("algorithm", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compression_of_one_call(algorithm):
    def handler(requests, context):
        context.set_compression(algorithm)
        for request in requests:
            context.disable_next_message_compression()
            yield request
            yield request

    with serve({"Handler": BOTH(handler)}) as s:
        big = b"x" * 100_000
        assert list(s.both("Handler")(iter([big]))) == [big, big]


def test_each_call_has_context_variables_of_its_own():
    import contextvars

    variable = contextvars.ContextVar("variable", default="none")
    seen = []

    def handler(request, context):
        seen.append(variable.get())
        variable.set(request)
        return variable.get()

    with serve({"Handler": ONE(handler)}, threads=1) as s:
        assert [s.one("Handler")(name) for name in (b"a", b"b")] == [b"a", b"b"]
    assert seen == ["none", "none"]


def test_the_context_is_what_annotations_say():
    isinstance_of, _ = ask(lambda context: isinstance(context, grpc.ServicerContext))
    assert isinstance_of
    requests = []
    with serve({"Up": UP(lambda iterator, context: requests.append(iterator.next()) or b"")}) as s:
        s.up("Up")(iter([b"1"]))
    assert requests == [b"1"]


def test_what_watching_libraries_look_up():
    def look(context):
        context.set_code(grpc.StatusCode.OK)
        context.set_details("fine")
        context.set_trailing_metadata((("a", "b"),))
        state = context._state
        assert (state.code, state.details, state.aborted) == (grpc.StatusCode.OK, b"fine", False)
        assert state.client == "open"
        assert state.trailing_metadata == (("a", "b"),)
        with grpc._create_servicer_context(context._rpc_event, state, None) as same:
            assert same is context
        return context, context._rpc_event.call_details.method

    (context, method), _ = ask(look)
    assert method == context._rpc_event.call_details.method == b"/test.S/Ask"


def test_watching_libraries_see_that_the_client_has_gone():
    seen, gone = [], threading.Event()

    def watch(request, context):
        context.add_callback(gone.set)
        yield b"here"
        gone.wait(10)
        seen.append(context._state.client)

    with serve({"Watch": DOWN(watch)}) as s:
        call = s.down("Watch")(b"")
        assert next(call) == b"here"
        call.cancel()
        assert gone.wait(10)
    assert seen == ["cancelled"]


def test_contexts_go_with_their_calls(caplog):
    def contexts():
        return [o for o in gc.get_objects() if isinstance(o, grpc.ServicerContext)]

    def fail(request, context):
        raise ValueError("no")

    def give_up(requests, context):
        context.add_callback(lambda: context)
        yield next(requests)

    handlers = {
        "Fine": ONE(lambda request, context: request),
        "Fail": ONE(fail),
        "Abort": ONE(lambda request, context: context.abort(grpc.StatusCode.ABORTED, "no")),
        "GiveUp": BOTH(give_up),
    }
    caplog.set_level("CRITICAL", "grpc")  # records would keep the tracebacks, and these the arguments
    before = contexts()  # of other tests, which their reports may keep
    gc.disable()
    try:
        with serve(handlers) as s:
            s.one("Fine")(b"")
            s.failure("Fail")
            s.failure("Abort")
            list(s.both("GiveUp")(iter([b"1", b"2"])))
            call = s.both("GiveUp")(iter([b"1"]))
            next(call)
            call.cancel()
        assert [c for c in contexts() if c not in before] == []
    finally:
        gc.enable()
