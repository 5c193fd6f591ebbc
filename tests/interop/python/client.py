"""The test client of service.md on the official grpcio: client.py [--certs FOLDER [--mutual]] TARGET [CASE ...]"""
import argparse
import fnmatch
import pathlib
import queue
import sys
import threading
import time

import grpc
from grpc.experimental import session_cache

SERVICE = "/interop.Test/"
MIB = 1 << 20
CODES = {code.value[0]: code for code in grpc.StatusCode}
Code = grpc.StatusCode

parser = argparse.ArgumentParser()
parser.add_argument("--certs", type=pathlib.Path)
parser.add_argument("--mutual", action="store_true")
parser.add_argument("target")
parser.add_argument("cases", nargs="*")
asked = parser.parse_args()
target = asked.target


def pem(name):
    return (asked.certs / name).read_bytes()


def credentials(authority="ca", identity="client" if asked.mutual else None):
    key, certificate = (pem(identity + ".key"), pem(identity + ".pem")) if identity else (None, None)
    return grpc.ssl_channel_credentials(pem(authority + ".pem"), key, certificate)


def connect(address=target, options=(), using=None):
    if asked.certs:
        return grpc.secure_channel(address, using or credentials(), options)
    return grpc.insecure_channel(address, options)


channel = connect()


class Failure(Exception):
    pass


def expect(ok, what):
    if not ok:
        raise Failure(what)


def expect_equal(got, wanted, what="value"):
    if got != wanted:
        raise Failure("%s: %.200r instead of %.200r" % (what, got, wanted))


def unary(method="Unary", on=None):
    return (on or channel).unary_unary(SERVICE + method)


def ask(request=b"x", metadata=(), method="Unary", on=None, **options):
    """A unary call; gives the call, which has ended."""
    call = unary(method, on).future(request, metadata=metadata, timeout=options.pop("timeout", 60), **options)
    call.code()
    return call


def stream(method, requests, metadata=(), **options):
    return channel.stream_stream(SERVICE + method)(requests, metadata=metadata, timeout=60, **options)


def down(request=b"x", metadata=(), **options):
    return channel.unary_stream(SERVICE + "Down")(request, metadata=metadata, timeout=60, **options)


def up(requests, **options):
    return channel.stream_unary(SERVICE + "Up")(requests, timeout=60, **options)


def expect_code(call, code):
    expect(call.code() is code, "%s (%s) instead of %s" % (call.code(), call.details(), code))


def expect_alive(on=None):
    expect_code(ask(b"alive", on=on), Code.OK)


def expect_noticed(name):
    expect_equal(ask(name.encode(), method="Noticed").result(), b"yes", "the server noticed")


class Requests:
    """Requests that are sent when the test says so."""

    def __init__(self):
        self.queue = queue.Queue()

    def send(self, message):
        self.queue.put(message)

    def close(self):
        self.queue.put(None)

    def __iter__(self):
        return self

    def __next__(self):
        message = self.queue.get()
        if message is None:
            raise StopIteration
        return message


# ---- the four patterns


def case_unary():
    expect_equal(unary()(b"hello"), b"hello")


def case_unary_empty():
    expect_equal(unary()(b""), b"")


def case_down():
    expect_equal(list(down(metadata=[("want-count", "10"), ("want-size", "100")])), [b"r" * 100] * 10)


def case_down_nothing():
    expect_equal(list(down(metadata=[("want-count", "0")])), [])


def case_down_empty_messages():
    expect_equal(list(down(b"", [("want-count", "10")])), [b""] * 10)


def case_up():
    expect_equal(up(iter([b"u" * 100] * 10)), b"10 1000")


def case_up_nothing():
    expect_equal(up(iter([])), b"0 0")


def case_up_empty_messages():
    expect_equal(up(iter([b""] * 10)), b"10 0")


def case_both_ping_pong():
    requests = Requests()
    call = stream("Both", requests)
    for i in range(20):
        requests.send(b"p" * i * 50)
        expect_equal(next(call), b"p" * i * 50)
    requests.close()
    expect_equal(list(call), [])
    expect_code(call, Code.OK)


def case_both_nothing():
    expect_equal(list(stream("Both", iter([]))), [])


def case_answers_before_half_close():
    requests = Requests()
    call = stream("Both", requests)
    for _ in range(5):
        requests.send(b"one")
    expect_equal([next(call) for _ in range(5)], [b"one"] * 5)
    requests.close()
    expect_equal(list(call), [])


def case_answers_after_half_close():
    expect_equal(list(stream("Collect", iter([b"one"] * 5))), [b"one"] * 5)


# ---- metadata

ALL_BYTES = bytes(range(256))
MIXED = [
    ("first-text", "a b, c;d=%41"),
    ("first-again", "1"),
    ("last-text", "!\"#$%&'()~"),
    ("last-again", "1"),
    ("last-empty", ""),
    ("first-all-bin", ALL_BYTES),
    ("first-again", "2"),
    ("last-all-bin", ALL_BYTES),
    ("last-again", "2"),
    ("last-again-bin", b"x"),
    ("last-again-bin", b""),
    ("last-again-bin", b"yz"),
]


def values(metadata, key):
    return [value for name, value in metadata if name == key]


def expect_mixed(call):
    for metadata, prefix in ((call.initial_metadata(), "first-"), (call.trailing_metadata(), "last-")):
        for key in {key for key, _ in MIXED if key.startswith(prefix)}:
            expect_equal(values(metadata, key), values(MIXED, key), key)
    expect_code(call, Code.OK)


def case_metadata_unary():
    expect_mixed(ask(metadata=MIXED))


def case_metadata_down():
    call = down(metadata=MIXED)
    expect_equal(len(list(call)), 1)
    expect_mixed(call)


def case_metadata_up():
    _, call = channel.stream_unary(SERVICE + "Up").with_call(iter([b"x"]), metadata=MIXED)
    expect_mixed(call)


def case_metadata_both():
    call = stream("Both", iter([b"x"]), MIXED)
    expect_equal(list(call), [b"x"])
    expect_mixed(call)


def case_metadata_first_before_messages():
    requests = Requests()
    call = stream("Both", requests, MIXED)
    expect_equal(values(call.initial_metadata(), "first-text"), values(MIXED, "first-text"))
    expect(call.is_active(), "the call is over")
    requests.close()
    expect_mixed(call)


def case_metadata_with_an_error():
    call = ask(metadata=[("want-code", "9"), ("last-text", "why")])
    expect_code(call, Code.FAILED_PRECONDITION)
    expect_equal(values(call.trailing_metadata(), "last-text"), ["why"])


def case_metadata_request_too_large():
    expect_code(ask(metadata=[("large", "m" * 20000)]), Code.RESOURCE_EXHAUSTED)
    expect_alive()


def case_metadata_response_too_large():
    """The server knows our limit; it does not send what is beyond it."""
    expect_code(ask(metadata=[("want-last-bytes", "20000")]), Code.RESOURCE_EXHAUSTED)
    expect_alive()


def case_metadata_of_7000_bytes():
    """Above 8 KiB grpcio begins to refuse at random: its limit is soft up to 16 KiB."""
    call = ask(metadata=[("want-last-bytes", "7000")])
    expect_equal([len(v) for v in values(call.trailing_metadata(), "last-filler")], [7000])


# ---- statuses


def rpc_status(code, message):
    """A google.rpc.Status {code, message, details: [Any{type_url: "t", value: 00 01}]}, shorter than 128 bytes."""
    text = message.encode()
    return b"\x08" + bytes([code]) + b"\x12" + bytes([len(text)]) + text + b"\x1a\x07\x0a\x01t\x12\x02\x00\x01"


def case_every_code():
    for code in range(1, 17):
        message = "code %d: 100%% of\n\tna\u00efve %%41 \u2713 \U0001f600" % code
        details = rpc_status(code, message)
        call = ask(metadata=[
            ("want-code", str(code)),
            ("want-message-bin", message.encode()),
            ("want-details-bin", details),
        ])
        expect_code(call, CODES[code])
        expect_equal(call.details(), message)
        expect_equal(values(call.trailing_metadata(), "grpc-status-details-bin"), [details])


def case_code_after_messages():
    call = stream("Both", iter([b"abc"] * 3), [("want-code", "15"), ("want-message-bin", b"later")])
    expect_equal([next(call) for _ in range(3)], [b"abc"] * 3)
    expect_code(call, Code.DATA_LOSS)
    expect_equal(call.details(), "later")


def unimplemented(method):
    call = channel.unary_unary(method).future(b"x")
    expect_code(call, Code.UNIMPLEMENTED)
    expect_alive()


def case_unknown_method():
    unimplemented("/interop.Test/Missing")


def case_unknown_service():
    unimplemented("/no.Such/Method")


def case_status_while_sending():
    call = stream("Early", (b"s" * 100000 for _ in range(200)), [("want-code", "9")])
    expect_code(call, Code.FAILED_PRECONDITION)
    expect_alive()


def case_ok_while_sending():
    requests = Requests()
    call = stream("Early", requests)
    expect_equal(list(call), [])
    expect_code(call, Code.OK)
    requests.close()


# ---- compression

ZEROS = bytes(200000)


def compressed(compression, wanted):
    call = ask(ZEROS, [("want-encoding", wanted)], compression=compression)
    expect_code(call, Code.OK)
    expect_equal(call.result(), ZEROS)


def case_gzip_unary():
    compressed(grpc.Compression.Gzip, "gzip")


def case_deflate_unary():
    compressed(grpc.Compression.Deflate, "deflate")


def case_gzip_up_deflate_down():
    compressed(grpc.Compression.Gzip, "deflate")


def case_plain_up_gzip_down():
    compressed(grpc.Compression.NoCompression, "gzip")


def compressed_stream(compression, wanted):
    call = stream("Both", iter([ZEROS] * 3 + [b""]), [("want-encoding", wanted)], compression=compression)
    expect_equal(list(call), [ZEROS] * 3 + [b""])


def case_gzip_stream():
    compressed_stream(grpc.Compression.Gzip, "gzip")


def case_deflate_stream():
    compressed_stream(grpc.Compression.Deflate, "deflate")


def case_not_accepted_is_not_sent():
    """This channel accepts identity alone: what the server compressed would be an error."""
    with connect(options=[("grpc.compression_enabled_algorithms_bitset", 1)]) as plain:
        call = ask(ZEROS, [("want-encoding", "gzip")], on=plain)
        expect_code(call, Code.OK)
        expect_equal(call.result(), ZEROS)


# ---- sizes

LARGE = bytes(i * 7 % 251 for i in range(4096)) * (3 * MIB // 4096)


def case_large_unary():
    expect_equal(unary()(LARGE), LARGE)


def case_large_both():
    expect(list(stream("Both", iter([LARGE] * 3))) == [LARGE] * 3, "other messages")


def case_large_up():
    expect_equal(up(iter([b"u" * 256 * 1024] * 64)), b"64 16777216")


def case_request_too_large():
    expect_code(ask(bytes(4 * MIB + 1)), Code.RESOURCE_EXHAUSTED)
    expect_alive()


def case_response_too_large():
    expect_code(ask(metadata=[("want-size", str(4 * MIB + 1))]), Code.RESOURCE_EXHAUSTED)
    expect_alive()


def case_response_of_4_mib():
    expect_equal(len(ask(metadata=[("want-size", str(4 * MIB))]).result()), 4 * MIB)


def case_unread_stream_stops_no_other():
    unread = down(metadata=[("want-count", "200"), ("want-size", "100000")])
    case_large_unary()
    case_large_both()
    expect_equal(sum(map(len, unread)), 20000000)


# ---- load


def case_thousand_calls():
    calls = [unary().future(b"n" * i) for i in range(1000)]
    for i, call in enumerate(calls):
        expect_equal(call.result(), b"n" * i)


def case_long_down():
    expect_equal(sum(map(len, down(metadata=[("want-count", "20000"), ("want-size", "20")]))), 400000)


def case_long_up():
    expect_equal(up(b"u" * 20 for _ in range(20000)), b"20000 400000")


def case_long_both():
    expect_equal(sum(map(len, stream("Both", (b"b" * 20 for _ in range(5000))))), 100000)


# ---- time


def case_deadline_passes():
    begin = time.monotonic()
    call = ask(method="Wait", metadata=[("id", "py-deadline")], timeout=0.2)
    expect_code(call, Code.DEADLINE_EXCEEDED)
    took = time.monotonic() - begin
    expect(0.19 < took < 1.5, "it took %.3f s" % took)
    expect_noticed("py-deadline")


def case_slow_handler():
    expect_code(ask(metadata=[("want-delay-ms", "600")], timeout=0.15), Code.DEADLINE_EXCEEDED)
    expect_alive()


def case_server_sees_the_deadline():
    ms = int(values(ask(timeout=5).trailing_metadata(), "saw-deadline-ms")[0])
    expect(3000 < ms <= 5100, "the server saw %d ms" % ms)  # grpcio rounds up


def case_server_sees_no_deadline():
    call = ask(timeout=None)
    expect_equal(values(call.trailing_metadata(), "saw-deadline-ms"), [])


def case_cancel_unary():
    call = unary("Wait").future(b"x", metadata=[("id", "py-cancel")], timeout=30)
    time.sleep(0.1)
    expect(call.cancel(), "it was over")
    expect_code(call, Code.CANCELLED)
    expect_noticed("py-cancel")


def case_cancel_stream():
    requests = Requests()
    call = stream("Both", requests, [("id", "py-stream")])
    requests.send(b"x")
    expect_equal(next(call), b"x")
    call.cancel()
    expect_code(call, Code.CANCELLED)
    requests.close()
    expect_noticed("py-stream")


def case_leave_stream():
    call = down(metadata=[("want-count", "1000"), ("want-size", "100000"), ("id", "py-leave")])
    next(call)
    del call
    expect_noticed("py-leave")


# ---- connections


def pinging(address):
    return connect(address, [
        ("grpc.keepalive_time_ms", 100),
        ("grpc.keepalive_timeout_ms", 5000),
        ("grpc.http2.max_pings_without_data", 0),
    ])


def case_keepalive():
    with pinging(target) as other:
        expect_code(ask(metadata=[("want-delay-ms", "1500")], on=other), Code.OK)


def case_keepalive_refused():
    address = ask(b"", method="Strict").result().decode()
    with pinging(address) as other:  # it pings once a second at most
        call = ask(metadata=[("want-delay-ms", "6000")], on=other)
        expect_code(call, Code.UNAVAILABLE)
        # Older ones, like Debian's, tell only the outcome.
        expect("too_many_pings" in call.details().lower() or call.details() == "Socket closed", call.details())


def stop_server(away_ms):
    expect_code(ask(str(away_ms).encode(), method="Stop"), Code.OK)


def case_graceful_stop():
    requests = Requests()
    call = stream("Both", requests)
    requests.send(b"x")
    expect_equal(next(call), b"x")
    slow = unary().future(b"x", metadata=[("want-delay-ms", "700")])
    time.sleep(0.2)
    stop_server(300)
    expect_code(slow, Code.OK)
    requests.send(b"x")
    expect_equal(next(call), b"x")
    requests.close()
    expect_equal(list(call), [])
    expect_code(ask(wait_for_ready=True, timeout=20), Code.OK)


def case_wait_for_ready():
    stop_server(1000)
    begin = time.monotonic()
    while ask(wait_for_ready=False).code() is Code.OK and time.monotonic() - begin < 0.9:
        pass
    expect_code(ask(wait_for_ready=False), Code.UNAVAILABLE)
    with connect() as other:
        expect_code(ask(wait_for_ready=True, timeout=20, on=other), Code.OK)
    expect_code(ask(wait_for_ready=True, timeout=20), Code.OK)


# ---- security: over TLS alone, over mutual TLS, and in the clear


def known(name, on=None):
    return ask(name.encode(), method="Known", on=on).result().split(b"\n")


def expect_refused(*words, on):
    call = ask(on=on)
    on.close()
    expect_code(call, Code.UNAVAILABLE)
    details = call.details().lower()
    expect(any(word in details for word in words), details)


def case_tls_server_knows_the_transport():
    expect_equal(known("transport_security_type"), [b"ssl"])
    expect_equal(known("security_level"), [b"TSI_PRIVACY_AND_INTEGRITY"])
    expect_equal(known("x509_common_name"), [b"test-client" if asked.mutual else b""])


def saw(call):
    expect_code(call, Code.OK)
    return values(call.trailing_metadata(), "saw-authorization")


def case_tls_token_in_every_pattern():
    token = grpc.access_token_call_credentials("of-the-call")
    wanted = ["Bearer of-the-call"]
    expect_equal(saw(ask(credentials=token)), wanted)
    for call in (down(credentials=token), stream("Both", iter([b"x"]), credentials=token)):
        expect_equal(len(list(call)), 1)
        expect_equal(saw(call), wanted)
    _, call = channel.stream_unary(SERVICE + "Up").with_call(iter([b"x"]), credentials=token)
    expect_equal(saw(call), wanted)


class Plugin(grpc.AuthMetadataPlugin):
    """Answers from a thread of its own."""

    def __call__(self, context, callback):
        metadata = (("authorization", "Bearer for " + context.method_name), ("last-plugin", context.service_url))
        threading.Thread(target=callback, args=(metadata, None)).start()


def case_tls_token_of_the_channel_and_of_the_call():
    plugin = grpc.metadata_call_credentials(Plugin())
    with connect(using=grpc.composite_channel_credentials(credentials(), plugin)) as other:
        call = ask(on=other)
        expect_equal(saw(call), ["Bearer for Unary"])
        expect_equal(values(call.trailing_metadata(), "last-plugin"), ["https://%s/interop.Test" % target])
        both = saw(ask(on=other, credentials=grpc.access_token_call_credentials("of-the-call")))
        expect_equal(sorted(both), ["Bearer for Unary", "Bearer of-the-call"])


def case_tls_wrong_authority():
    expect_refused("certificate verify failed", "certificate_verify_failed", on=connect(using=credentials("other_ca")))


def case_tls_wrong_name():
    other = connect(options=[("grpc.ssl_target_name_override", "wrong.example")])
    expect_refused("hostname verification", "is not in peer certificate", on=other)


def case_tls_other_name():
    with connect(options=[("grpc.ssl_target_name_override", "any.test.example")]) as other:
        expect_code(ask(on=other), Code.OK)


def case_tls_plain_text_is_refused():
    expect_refused("", on=grpc.insecure_channel(target))


def case_tls_session_is_resumed():
    """Only with a name, that is SNI, does grpcio keep a session."""
    options = [
        ("grpc.ssl_session_cache", session_cache.ssl_session_cache_lru(1)),
        ("grpc.ssl_target_name_override", "any.test.example"),
        ("grpc.use_local_subchannel_pool", 1),
    ]
    for resumed in (b"false", b"true"):
        with connect(options=options) as other:
            expect_equal(known("ssl_session_reused", on=other), [resumed])


def case_mutual_server_knows_the_client():
    names = [b"client.test.example", b"spiffe://test.example/client", b"client@test.example", b"10.0.0.1"]
    expect_equal(sorted(known("x509_subject_alternative_name")), sorted(names))
    expect_equal("".join(ask(b"x509_pem_cert", method="Known").result().decode().split()),
                 "".join(pem("client.pem").decode().split()))


def case_mutual_no_certificate():
    expect_refused("", on=connect(using=credentials(identity=None)))


def case_mutual_wrong_certificate():
    expect_refused("", on=connect(using=credentials(identity="other_client")))


def case_mutual_expired_certificate():
    expect_refused("", on=connect(using=credentials(identity="expired_client")))


def case_clear_server_knows_the_transport():
    expect_equal(known("transport_security_type"), [b"insecure"])


def case_clear_tls_is_refused():
    expect_refused("", on=grpc.secure_channel(target, grpc.ssl_channel_credentials()))


def run(name, case, result):
    try:
        case()
        result.append("ok " + name)
    except Failure as failure:
        result.append("FAIL %s: %s" % (name, failure))
    except Exception as error:
        result.append("FAIL %s: %r" % (name, error))


def concerns(name):
    """Whether a case is for channels like this run's, and wanted."""
    secured = {"tls": asked.certs, "mutual": asked.mutual, "clear": not asked.certs}.get(name.split("_")[0], True)
    return secured and any(fnmatch.fnmatchcase(name, pattern) for pattern in asked.cases or ["*"])


def main():
    failed = False
    for key, case in list(globals().items()):
        name = key[len("case_"):]
        if not key.startswith("case_") or not concerns(name):
            continue
        result = []
        thread = threading.Thread(target=run, args=(name, case, result), daemon=True)
        thread.start()
        thread.join(60)
        line = " ".join((result or ["FAIL %s: it hangs" % name])[0].split("\n"))
        print(line, flush=True)
        failed = failed or not line.startswith("ok")
    channel.close()
    return failed


if __name__ == "__main__":
    sys.exit(main())
