"""The names of the API: which there are, what they take, and what importing them costs."""

import inspect
import json
import pickle
import sys

import pytest

import farcall as grpc

# What grpcio has, from itself: its signatures and what its classes leave abstract.
DESCRIBE = """
    import grpc, inspect, json
    signatures, abstract = {}, {}

    def describe(name, function):
        parameters = inspect.signature(function).parameters.values()
        signatures[name] = [[p.name, p.kind.name, repr(p.default)] for p in parameters]

    for name in grpc.__all__:
        value = getattr(grpc, name)
        if inspect.isclass(value):
            abstract[name] = sorted(getattr(value, "__abstractmethods__", ()))
            for method, function in vars(value).items():
                if inspect.isfunction(function) and not method.startswith("__sub"):
                    describe(name + "." + method, function)
        else:
            describe(name, value)
    print(json.dumps([sorted(grpc.__all__), signatures, abstract]))
"""


@pytest.fixture(scope="module")
def theirs(peer_python):
    import subprocess
    import textwrap

    done = subprocess.run(
        [peer_python, "-c", textwrap.dedent(DESCRIBE)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_all_has_the_names_of_grpcio_and_no_others(theirs):
    assert sorted(grpc.__all__) == theirs[0]
    assert len(grpc.__all__) == 64


def test_functions_take_what_those_of_grpcio_take(theirs):
    different = {}
    for name, parameters in theirs[1].items():
        value = grpc
        for part in name.split("."):
            value = getattr(value, part)
        if name.endswith(("__init__", "__new__", "_no_init_or_replace_init")):
            continue
        ours = [[p.name, p.kind.name, repr(p.default)] for p in inspect.signature(value).parameters.values()]
        if ours != parameters:
            different[name] = (ours, parameters)
    assert different == {}


def test_classes_leave_abstract_what_those_of_grpcio_do(theirs):
    for name, abstract in theirs[2].items():
        assert sorted(getattr(getattr(grpc, name), "__abstractmethods__", ())) == abstract, name


def test_star_import_gives_all_names():
    names = {}
    exec("from farcall import *", names)
    assert set(grpc.__all__) <= names.keys()


def test_codes_are_pairs_of_number_and_words():
    assert [code.value[0] for code in grpc.StatusCode] == list(range(17))
    assert grpc.StatusCode.DEADLINE_EXCEEDED.value == (4, "deadline exceeded")
    assert all(type(code.value[0]) is int for code in grpc.StatusCode)
    assert [state.name for state in grpc.ChannelConnectivity] == [
        "IDLE",
        "CONNECTING",
        "READY",
        "TRANSIENT_FAILURE",
        "SHUTDOWN",
    ]


def test_compression_has_two_spellings():
    assert grpc.compression.Gzip is grpc.Compression.Gzip
    assert [int(one) for one in grpc.Compression] == [0, 1, 2]


def test_exceptions_and_codes_survive_pickling():
    for one in (grpc.StatusCode.ABORTED, grpc.ChannelConnectivity.READY, grpc.Compression.Gzip):
        assert pickle.loads(pickle.dumps(one)) is one
    error = pickle.loads(pickle.dumps(grpc.RpcError("why")))
    assert type(error) is grpc.RpcError and error.args == ("why",)


def test_classes_are_known_by_the_name_of_the_package():
    assert grpc.RpcError.__module__ == "farcall"
    assert repr(grpc.StatusCode.OK) == "<StatusCode.OK: (0, 'ok')>"


def test_generic_classes_can_be_subscripted():
    class Typed(grpc.UnaryUnaryClientInterceptor[bytes, bytes]):
        def intercept_unary_unary(self, continuation, client_call_details, request):
            return continuation(client_call_details, request)

    assert issubclass(Typed, grpc.UnaryUnaryClientInterceptor)


def test_handlers_are_named_tuples():
    handler = grpc.unary_stream_rpc_method_handler(len, request_deserializer=str)
    assert isinstance(handler, grpc.RpcMethodHandler)
    assert handler.unary_stream is len and handler.response_streaming and not handler.request_streaming
    assert handler._replace(unary_stream=max).unary_stream is max
    assert handler._replace(unary_stream=max).request_deserializer is str


def test_a_service_handler_finds_methods_by_path():
    handler = grpc.unary_unary_rpc_method_handler(len)
    service = grpc.method_handlers_generic_handler("pkg.Service", {"Method": handler})

    class Details(grpc.HandlerCallDetails):
        invocation_metadata = ()

        def __init__(self, method):
            self.method = method

    assert isinstance(Details("x"), grpc.HandlerCallDetails)
    assert not isinstance(object(), grpc.HandlerCallDetails)
    assert service.service_name() == "pkg.Service"
    assert service.service(Details("/pkg.Service/Method")) is handler
    assert service.service(Details("/pkg.Service/Other")) is None


def test_names_without_function_say_so():
    with pytest.raises(NotImplementedError, match="ALTS is not available"):
        grpc.alts_channel_credentials()
    with pytest.raises(NotImplementedError, match="ALTS is not available"):
        grpc.alts_server_credentials()
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        grpc.nonsense  # noqa: B018


def test_versions(root):
    from farcall import _grpcio_metadata, _utilities

    assert grpc.__version__ == _grpcio_metadata.__version__
    assert not _utilities.first_version_is_lower(grpc.__version__, "1.200.3")
    assert f"project(farcall VERSION {grpc.__farcall_version__} " in (root / "CMakeLists.txt").read_text()


@pytest.mark.parametrize(
    ("first", "second", "lower"),
    [
        ("1.2.3", "1.2.4", True),
        ("1.2.4", "10.2.3", True),
        ("1.2.3", "1.2.3.dev0", True),
        ("1.2.3.dev0", "1.2.3", False),
        ("1.2.3", "1.2.3", False),
        ("1.2.3", "no.version", False),
    ],
)
def test_versions_are_compared_by_number(first, second, lower):
    from farcall._utilities import first_version_is_lower

    assert first_version_is_lower(first, second) is lower


def test_private_names_that_programs_use():
    assert grpc._common.fully_qualified_method("a.B", "C") == "/a.B/C"
    assert grpc._common.decode(b"\xc3\xa4\xff") == "ä\ufffd" and grpc._common.encode("ä") == b"\xc3\xa4"
    assert grpc._cython.cygrpc.ChannelArgKey.max_send_message_length == b"grpc.max_send_message_length"
    assert grpc._interceptor._ClientCallDetails("/m", 1, None, None, None, None).timeout == 1
    assert grpc._auth.AccessTokenAuthMetadataPlugin
    assert grpc._compression.Gzip == 2
    assert grpc.experimental.ChannelOptions.SingleThreadedUnaryStream == "SingleThreadedUnaryStream"
    for name in ("_InactiveRpcError", "_MultiThreadedRendezvous", "_SingleThreadedRendezvous", "_Rendezvous"):
        assert issubclass(getattr(grpc._channel, name), grpc.RpcError)
    assert grpc._cython.cygrpc._Metadatum("k", "v").key == "k"
    assert not isinstance(object(), grpc._cython.cygrpc.CompositeChannelCredentials)
    handler = grpc.unary_unary_rpc_method_handler(None)
    assert grpc.method_handlers_generic_handler("S", {"M": handler})._method_handlers == {"/S/M": handler}
    with pytest.raises(AttributeError):
        grpc._server._validate_generic_rpc_handlers([object()])


def test_import_loads_little(run):
    # Each of these costs a millisecond or more, and an asynchronous or threaded program's start is full of them.
    loaded = run(
        """
        import sys
        before = set(sys.modules)
        import farcall
        print(*set(sys.modules) - before)
        """
    ).silent()
    heavy = {"asyncio", "concurrent.futures", "inspect", "logging", "re", "socket", "ssl", "threading", "typing"}
    assert heavy.isdisjoint(loaded.split())


def test_loggers_are_silent_from_the_start(run):
    for first, second in (("farcall", "logging"), ("logging", "farcall")):
        said = run(
            f"""
            import {first}
            import {second}
            import logging
            logger = logging.getLogger("grpc")
            print(*[type(handler).__name__ for handler in logger.handlers])
            logging.getLogger("grpc._server").error("not seen")
            """
        ).silent()
        assert said == "NullHandler\n", (first, second)
