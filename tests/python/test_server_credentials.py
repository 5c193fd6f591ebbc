"""Servers over TLS: what they show, whom they let in, and what handlers know of their clients."""

import contextlib
from concurrent import futures

import pytest
from support.serving import ONE

import farcall as grpc


@pytest.fixture(scope="module")
def pem(certs):
    """pem(name): a file's bytes."""
    return lambda name: (certs / name).read_bytes()


@contextlib.contextmanager
def secured(credentials, address="127.0.0.1:0"):
    """Serves /test.S/Ask, which keeps what its context tells; gives the port and the list of answers."""
    told = []

    def ask(request, context):
        told.append((context.auth_context(), context.peer_identities(), context.peer_identity_key()))
        return request

    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.S", {"Ask": ONE(ask)}),))
    port = server.add_secure_port(address, credentials)
    server.start()
    try:
        yield port, told
    finally:
        server.stop(None)


def call(target, credentials, **arguments):
    with grpc.secure_channel(target, credentials, **arguments) as channel:
        return channel.unary_unary("/test.S/Ask")(b"x", timeout=20)


def refuses(target, credentials, **arguments):
    with pytest.raises(grpc.RpcError) as raised:
        call(target, credentials, **arguments)
    return raised.value.code() is grpc.StatusCode.UNAVAILABLE


def pair(pem, name):
    return pem(f"{name}.key"), pem(f"{name}.pem")


def test_a_client_that_trusts_the_certificate_is_served(pem):
    with secured(grpc.ssl_server_credentials([pair(pem, "server")])) as (port, told):
        assert call(f"localhost:{port}", grpc.ssl_channel_credentials(pem("ca.pem"))) == b"x"
        assert refuses(f"localhost:{port}", grpc.ssl_channel_credentials(pem("other_ca.pem")))
    ((context, identities, key),) = told
    assert context["transport_security_type"] == [b"ssl"]
    assert context["security_level"] == [b"TSI_PRIVACY_AND_INTEGRITY"]
    assert (identities, key) == (None, None)


def test_of_several_certificates_the_one_that_is_asked_for_is_shown(pem):
    pairs = [pair(pem, "server"), pair(pem, "wrong_name")]  # wrong for localhost, that is
    with secured(grpc.ssl_server_credentials(pairs)) as (port, told):
        roots = grpc.ssl_channel_credentials(pem("ca.pem"))
        for name in ("localhost", "wrong.example"):
            options = (("grpc.ssl_target_name_override", name),)
            assert call(f"127.0.0.1:{port}", roots, options=options) == b"x"
        nobody = (("grpc.ssl_target_name_override", "nobody.example"),)
        assert refuses(f"127.0.0.1:{port}", roots, options=nobody)
    assert len(told) == 2


def test_clients_are_known_by_their_certificates(pem):
    credentials = grpc.ssl_server_credentials([pair(pem, "server")], pem("ca.pem"), True)
    with secured(credentials) as (port, told):
        key, chain = pair(pem, "client")
        assert call(f"localhost:{port}", grpc.ssl_channel_credentials(pem("ca.pem"), key, chain)) == b"x"
    ((context, identities, key),) = told
    assert key == "x509_subject_alternative_name"
    assert b"client.test.example" in identities
    assert context[key] == identities
    assert context["x509_pem_cert"][0].startswith(b"-----BEGIN CERTIFICATE-----")


def test_clients_without_a_good_certificate_are_refused(pem):
    credentials = grpc.ssl_server_credentials([pair(pem, "server")], pem("ca.pem"), True)
    with secured(credentials) as (port, told):
        assert refuses(f"localhost:{port}", grpc.ssl_channel_credentials(pem("ca.pem")))
        key, chain = pair(pem, "other_client")
        assert refuses(f"localhost:{port}", grpc.ssl_channel_credentials(pem("ca.pem"), key, chain))
    assert not told


def test_certificates_that_are_none_raise(pem):
    with pytest.raises(ValueError, match="At least one private key-certificate chain pair is required!"):
        grpc.ssl_server_credentials([])
    with pytest.raises(ValueError, match="At least one private key-certificate chain pair is required!"):
        grpc.ssl_server_certificate_configuration([])
    with pytest.raises(ValueError, match="Illegal to require client auth without providing root certificates!"):
        grpc.ssl_server_credentials([pair(pem, "server")], None, True)
    with pytest.raises(ValueError):
        grpc.ssl_server_credentials([(b"no key", b"no certificate")])
    with pytest.raises(ValueError):
        grpc.ssl_server_credentials([(pem("client.key"), pem("server.pem"))])


class Fetcher:
    """Gives what it was set to, and counts how often it is asked."""

    def __init__(self):
        self.next, self.asked = None, 0

    def __call__(self):
        self.asked += 1
        if isinstance(self.next, Exception):
            raise self.next
        return self.next


def test_certificates_may_change_between_connections(pem):
    first = grpc.ssl_server_certificate_configuration([pair(pem, "server")])
    second = grpc.ssl_server_certificate_configuration([pair(pem, "other_server")])
    fetcher = Fetcher()
    with secured(grpc.dynamic_ssl_server_credentials(first, fetcher)) as (port, _):
        target = f"localhost:{port}"
        old, new = (grpc.ssl_channel_credentials(pem(name)) for name in ("ca.pem", "other_ca.pem"))
        assert fetcher.asked == 0
        assert call(target, old) == b"x"
        assert fetcher.asked == 1
        assert refuses(target, new)
        fetcher.next = ValueError("not now")  # keeps what is there
        assert call(target, old) == b"x"
        fetcher.next = second
        assert call(target, new) == b"x"
        fetcher.next = None
        assert call(target, new) == b"x"
        assert refuses(target, old)


def test_what_a_fetcher_may_not_give_changes_nothing(pem, caplog):
    first = grpc.ssl_server_certificate_configuration([pair(pem, "server")])
    fetcher = Fetcher()
    fetcher.next = grpc.ssl_server_certificate_configuration([(b"no key", b"no certificate")])
    with secured(grpc.dynamic_ssl_server_credentials(first, fetcher)) as (port, _):
        assert call(f"localhost:{port}", grpc.ssl_channel_credentials(pem("ca.pem"))) == b"x"
    assert "certificate configuration" in caplog.text


def test_credentials_that_secure_nothing():
    with secured(grpc.insecure_server_credentials()) as (port, told):
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert channel.unary_unary("/test.S/Ask")(b"x", timeout=20) == b"x"
    assert told[0][0]["transport_security_type"] == [b"insecure"]


def test_local_credentials(tmp_path):
    tcp, uds = grpc.LocalConnectionType.LOCAL_TCP, grpc.LocalConnectionType.UDS
    with secured(grpc.local_server_credentials(tcp)) as (port, told):
        assert call(f"127.0.0.1:{port}", grpc.local_channel_credentials(tcp)) == b"x"
        assert told[0][0]["transport_security_type"] == [b"local"]
    address = f"unix:{tmp_path}/socket"
    with secured(grpc.local_server_credentials(uds), address) as (_, told):
        assert call(address, grpc.local_channel_credentials(uds)) == b"x"


def test_a_port_takes_credentials_of_servers_only(pem):
    server = grpc.server(futures.ThreadPoolExecutor(1))
    with pytest.raises(TypeError):
        server.add_secure_port("127.0.0.1:0", grpc.ssl_channel_credentials(pem("ca.pem")))
