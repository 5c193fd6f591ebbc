"""Credentials of channels and of calls: what the functions of the API make of the engine's."""

from __future__ import annotations

from collections import namedtuple

from . import _engine, _registered
from ._abc import (
    AuthMetadataContext,
    AuthMetadataPluginCallback,
    CallCredentials,
    ChannelCredentials,
    LocalConnectionType,
)
from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from ._abc import AuthMetadataPlugin
    from ._typing import MetadataType


class _Context(namedtuple("_Context", ("service_url", "method_name")), AuthMetadataContext):
    """The call that a plugin is asked for."""


class _Answer(AuthMetadataPluginCallback):
    """Gives the engine what a plugin answers, once."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def __call__(self, metadata: MetadataType | None, error: BaseException | None) -> None:
        answer, self._answer = self._answer, None
        if answer is None:
            raise RuntimeError("AuthMetadataPluginCallback invoked more than once!")
        answer(metadata, error)


class _Plugin:
    """Asks a plugin in the context variables of whoever made its credentials, as in grpcio."""

    def __init__(self, plugin: AuthMetadataPlugin) -> None:
        import contextvars

        self._plugin = plugin
        self._variables = contextvars.copy_context()

    def __call__(self, service_url: str, method_name: str, answer: Any) -> None:
        give = _Answer(answer)
        try:
            # A context cannot be entered twice at once, and calls may be made on several threads.
            self._variables.copy().run(self._plugin, _Context(service_url, method_name), give)
        except Exception as error:
            _registered.log_exception("An authentication plugin raised an exception", error)
            if give._answer is not None:
                give(None, error)


def ssl_channel_credentials(
    root_certificates: bytes | None = None,
    private_key: bytes | None = None,
    certificate_chain: bytes | None = None,
) -> ChannelCredentials:
    """Credentials that encrypt with TLS and verify the server; all texts are PEM.

    root_certificates: the authorities to trust; None takes the file that GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names,
    else the system's. private_key, certificate_chain: of this client, where the server asks for it.

    Raises ValueError for texts that cannot be used, saying why.
    """
    return ChannelCredentials(
        _engine.tls_channel_credentials(root_certificates, private_key, certificate_chain)
    )


def metadata_call_credentials(
    metadata_plugin: AuthMetadataPlugin, name: str | None = None
) -> CallCredentials:
    """Credentials that ask `metadata_plugin(context, callback)` for the metadata of each call.

    The plugin answers with `callback(metadata, error)`, then or later and on any thread. name: for messages.
    """
    if name is None:
        name = getattr(metadata_plugin, "__name__", type(metadata_plugin).__name__)
    return CallCredentials(_engine.plugin_call_credentials(_Plugin(metadata_plugin), name))


def access_token_call_credentials(access_token: str) -> CallCredentials:
    """Credentials that send "authorization: Bearer <access_token>" with each call."""
    return CallCredentials(_engine.token_call_credentials(access_token))


def composite_call_credentials(*call_credentials: CallCredentials) -> CallCredentials:
    """Credentials that send the metadata of all those given, in their order. Takes at least one."""
    first, *others = (single._credentials for single in call_credentials)
    for other in others:
        first = _engine.composite_call_credentials(first, other)
    return CallCredentials(first)


def composite_channel_credentials(
    channel_credentials: ChannelCredentials, *call_credentials: CallCredentials
) -> ChannelCredentials:
    """Credentials of a channel whose calls all carry the call credentials given, before those of their own.

    Raises ValueError where the channel is not secured.
    """
    result = channel_credentials._credentials
    for single in call_credentials:
        result = _engine.composite_channel_credentials(result, single._credentials)
    return ChannelCredentials(result)


def local_channel_credentials(
    local_connect_type: LocalConnectionType = LocalConnectionType.LOCAL_TCP,
) -> ChannelCredentials:
    """Credentials for servers on this machine: nothing is encrypted, and other addresses are refused.

    local_connect_type: UDS for Unix domain sockets, which carry call credentials; LOCAL_TCP for loopback addresses.
    """
    return ChannelCredentials(_engine.local_channel_credentials(local_connect_type.value))


def compute_engine_channel_credentials(call_credentials: CallCredentials) -> ChannelCredentials:
    """Credentials for programs that run on Google Compute Engine: TLS with the system's roots, and the call
    credentials given, for every call."""
    return composite_channel_credentials(ssl_channel_credentials(), call_credentials)
