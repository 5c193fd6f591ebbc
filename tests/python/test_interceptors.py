"""Client interceptors of the four kinds, before blocking calls, futures and streams."""

import collections

import pytest
from support.serving import BOTH, DOWN, ONE, UP, serve

import farcall as grpc


def echo_metadata(request, context):
    """Answers with the metadata of one's own and the time that there is."""
    mine = sorted(value for key, value in context.invocation_metadata() if key == "mark")
    return ",".join([request.decode(), *mine]).encode()


def fail_first(request, context):
    if dict(context.invocation_metadata()).get("attempt") != "2":
        context.abort(grpc.StatusCode.UNAVAILABLE, "again")
    return request


HANDLERS = {
    "One": ONE(echo_metadata),
    "Flaky": ONE(fail_first),
    "Down": DOWN(lambda request, context: iter([echo_metadata(request, context)] * 2)),
    "Up": UP(lambda requests, context: echo_metadata(b"+".join(requests), context)),
    "Both": BOTH(lambda requests, context: (echo_metadata(request, context) for request in requests)),
}


class Mark(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Adds a pair to the metadata of every call."""

    def __init__(self, mark):
        self.mark = mark

    def _go_on(self, continuation, details, request):
        metadata = [*(details.metadata or ()), ("mark", self.mark)]
        return continuation(details._replace(metadata=metadata), request)

    intercept_unary_unary = _go_on
    intercept_unary_stream = _go_on
    intercept_stream_unary = _go_on
    intercept_stream_stream = _go_on


class Each(grpc.UnaryUnaryClientInterceptor):
    """Intercepts as a function does."""

    def __init__(self, intercept):
        self.intercept_unary_unary = intercept

    def intercept_unary_unary(self, continuation, client_call_details, request):
        raise AssertionError("replaced by __init__")


@pytest.fixture(scope="module")
def service():
    with serve(HANDLERS) as s:
        yield s


def method(channel, kind, name):
    return getattr(channel, kind)(f"/test.S/{name}")


def test_all_kinds_and_ways_of_calling_pass_through(service):
    channel = grpc.intercept_channel(service.channel, Mark("m"))
    one, up = method(channel, "unary_unary", "One"), method(channel, "stream_unary", "Up")
    assert one(b"1", timeout=5) == b"1,m"
    assert one.with_call(b"2", timeout=5)[0] == b"2,m"
    assert one.future(b"3", timeout=5).result() == b"3,m"
    assert list(method(channel, "unary_stream", "Down")(b"4", timeout=5)) == [b"4,m"] * 2
    assert up(iter([b"5", b"6"]), timeout=5) == b"5+6,m"
    assert up.with_call([b"7"], timeout=5)[0] == b"7,m"
    assert up.future(iter([b"8"]), timeout=5).result() == b"8,m"
    assert list(method(channel, "stream_stream", "Both")([b"9"], timeout=5)) == [b"9,m"]


def test_the_first_interceptor_sees_a_call_first(service):
    order = []

    def named(name):
        def intercept(continuation, details, request):
            order.append("+" + name)
            call = continuation(details, request)
            order.append("-" + name)
            return call

        return Each(intercept)

    channel = grpc.intercept_channel(service.channel, named("a"), named("b"))
    method(channel, "unary_unary", "One")(b"", timeout=5)
    assert order == ["+a", "+b", "-b", "-a"]


def test_other_kinds_do_not_pass_through(service):
    channel = grpc.intercept_channel(service.channel, Each(None))
    assert list(method(channel, "unary_stream", "Down")(b"x", timeout=5)) == [b"x"] * 2


def test_a_continuation_may_be_called_again(service):
    def retry(continuation, details, request):
        calls = [continuation(details, request)]
        while calls[-1].code() is grpc.StatusCode.UNAVAILABLE:
            again = details._replace(metadata=(("attempt", str(len(calls) + 1)),))
            calls.append(continuation(again, request))
        assert len(calls) == 2 and calls[0].details() == "again"
        return calls[-1]

    channel = grpc.intercept_channel(service.channel, Each(retry))
    assert method(channel, "unary_unary", "Flaky")(b"at last", timeout=5) == b"at last"


def test_details_hold_what_the_call_was_given(service):
    seen = []

    def look(continuation, details, request):
        seen.append(details)
        return continuation(details, request)

    channel = grpc.intercept_channel(service.channel, Each(look))
    call = method(channel, "unary_unary", "One")
    call(b"", 3, (("mark", "x"),), wait_for_ready=True, compression=grpc.Compression.Gzip)
    call(b"")
    assert seen[0] == ("/test.S/One", 3, (("mark", "x"),), None, True, grpc.Compression.Gzip)
    assert seen[1] == ("/test.S/One", None, None, None, None, None)
    assert isinstance(seen[0], grpc.ClientCallDetails)


def test_details_of_an_own_class_may_lack_what_they_do_not_change(service):
    Details = collections.namedtuple("Details", "method metadata")

    class Own(Details, grpc.ClientCallDetails):
        pass

    def change(continuation, details, request):
        return continuation(Own("/test.S/One", [("mark", "own")]), request)

    channel = grpc.intercept_channel(service.channel, Each(change))
    assert method(channel, "unary_unary", "Flaky")(b"x", timeout=5) == b"x,own"


def test_a_failed_call_is_what_a_continuation_returns(service):
    def look(continuation, details, request):
        call = continuation(details, request)
        assert isinstance(call, grpc.RpcError) and isinstance(call, grpc.Call) and call.done()
        assert call.code() is grpc.StatusCode.UNAVAILABLE
        return call

    channel = grpc.intercept_channel(service.channel, Each(look))
    with pytest.raises(grpc.RpcError) as raised:
        method(channel, "unary_unary", "Flaky")(b"", timeout=5)
    assert raised.value.details() == "again"


def test_what_an_interceptor_raises_is_raised_by_the_call(service):
    def refuse(continuation, details, request):
        raise KeyError("no")

    channel = grpc.intercept_channel(service.channel, Each(refuse))
    call = method(channel, "unary_unary", "One")
    with pytest.raises(KeyError):
        call(b"")
    future = call.future(b"")
    assert isinstance(future.exception(), KeyError) and future.done() and not future.running()
    assert future.code() is grpc.StatusCode.INTERNAL
    with pytest.raises(KeyError):
        future.result()


def test_an_interceptor_may_answer_by_itself(service):
    class Answer(grpc.Call, grpc.Future):
        def result(self, timeout=None):
            return b"from the cache"

    Answer.__abstractmethods__ = frozenset()
    channel = grpc.intercept_channel(service.channel, Each(lambda *_: Answer()))
    assert method(channel, "unary_unary", "One")(b"") == b"from the cache"


def test_what_is_no_interceptor_is_refused(service):
    with pytest.raises(TypeError):
        grpc.intercept_channel(service.channel, Mark("m"), object())


def test_an_intercepted_channel_is_a_channel(service):
    states = []
    with serve(HANDLERS) as other:
        channel = grpc.intercept_channel(other.channel, Mark("m"))
        assert isinstance(channel, grpc.Channel)
        channel.subscribe(states.append)
        grpc.channel_ready_future(channel).result(timeout=5)
        with channel as entered:
            assert entered is channel
        with pytest.raises(ValueError):
            method(channel, "unary_unary", "One")(b"")
    assert grpc.ChannelConnectivity.READY in states


def test_a_channel_of_another_package_need_not_know_of_registered_methods():
    class Plain(grpc.Channel):
        def unary_unary(self, path, request_serializer=None, response_deserializer=None):
            return (path, request_serializer, response_deserializer)

    Plain.__abstractmethods__ = frozenset()

    class Streams(grpc.UnaryStreamClientInterceptor):
        def intercept_unary_stream(self, continuation, client_call_details, request):
            raise AssertionError("not of this kind")

    channel = grpc.intercept_channel(Plain(), Streams())
    assert channel.unary_unary("/m", str, bytes) == ("/m", str, bytes)
