"""The functions that make credentials of servers."""

from __future__ import annotations

from . import _engine
from ._abc import LocalConnectionType, ServerCertificateConfiguration, ServerCredentials
from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any


def ssl_server_credentials(
    private_key_certificate_chain_pairs: Iterable[tuple[bytes, bytes]],
    root_certificates: bytes | None = None,
    require_client_auth: bool = False,
) -> ServerCredentials:
    """Makes credentials with which a server shows a certificate over TLS.

    private_key_certificate_chain_pairs: of PEM bytes each; of several, a client gets the one that names the host it
    asks for, else the first. root_certificates: PEM bytes of what clients' certificates are verified against.
    require_client_auth: refuses clients that have none.

    Raises ValueError where there is no pair, where roots are missing, and with the reason for a PEM text that is none.
    """
    pairs = _pairs(private_key_certificate_chain_pairs)
    if not pairs:
        raise ValueError("At least one private key-certificate chain pair is required!")
    if require_client_auth and root_certificates is None:
        raise ValueError("Illegal to require client auth without providing root certificates!")
    return ServerCredentials(
        _engine.tls_server_credentials(pairs, root_certificates, require_client_auth, None)
    )


def ssl_server_certificate_configuration(
    private_key_certificate_chain_pairs: Iterable[tuple[bytes, bytes]],
    root_certificates: bytes | None = None,
) -> ServerCertificateConfiguration:
    """Makes a set of certificates for dynamic_ssl_server_credentials; the arguments are those of ssl_server_credentials.

    Raises ValueError where there is no pair.
    """
    pairs = _pairs(private_key_certificate_chain_pairs)
    if not pairs:
        raise ValueError("At least one private key-certificate chain pair is required!")
    return ServerCertificateConfiguration((pairs, root_certificates))


def dynamic_ssl_server_credentials(
    initial_certificate_configuration: ServerCertificateConfiguration,
    certificate_configuration_fetcher: Callable[[], ServerCertificateConfiguration | None],
    require_client_authentication: bool = False,
) -> ServerCredentials:
    """Makes credentials whose certificates change while the server runs.

    initial_certificate_configuration: what to begin with. certificate_configuration_fetcher: called when a client
    connects; returns a new configuration, or None to go on with the one in use, which also happens when it raises.
    It must not wait long, for other clients wait with it. require_client_authentication: refuses clients that have
    no certificate.

    Raises ValueError like ssl_server_credentials, TypeError for arguments of other types.
    """
    if not isinstance(initial_certificate_configuration, ServerCertificateConfiguration):
        raise TypeError("initial_certificate_configuration must be a ServerCertificateConfiguration")
    if not callable(certificate_configuration_fetcher):
        raise TypeError("certificate_configuration_fetcher must be callable")
    pairs, roots = initial_certificate_configuration._certificate_configuration
    if require_client_authentication and roots is None:
        raise ValueError("Illegal to require client auth without providing root certificates!")

    def fetch() -> Any:
        fetched = certificate_configuration_fetcher()
        return None if fetched is None else fetched._certificate_configuration

    return ServerCredentials(
        _engine.tls_server_credentials(pairs, roots, require_client_authentication, fetch)
    )


def insecure_server_credentials() -> ServerCredentials:
    """Makes credentials that secure nothing: add_secure_port with them is add_insecure_port."""
    return ServerCredentials(_engine.insecure_server_credentials())


def local_server_credentials(
    local_connect_type: LocalConnectionType = LocalConnectionType.LOCAL_TCP,
) -> ServerCredentials:
    """Makes credentials for clients on this machine, over TCP on the loopback interface or over Unix sockets.

    Nothing is encrypted. Connections from elsewhere are closed.
    """
    return ServerCredentials(
        _engine.local_server_credentials(local_connect_type is LocalConnectionType.LOCAL_TCP)
    )


def _pairs(pairs: Iterable[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((key, chain) for key, chain in pairs)
