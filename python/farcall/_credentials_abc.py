"""Credentials as objects to hand around, and what an authentication plug-in implements."""

from __future__ import annotations

from abc import ABC

from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from ._typing import MetadataType


class ChannelCredentials:
    """How a channel secures its connections and, perhaps, its calls. Has no methods; make it by a function."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials


class CallCredentials:
    """What proves a single call's origin to the server. Has no methods; make it by a function."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials


class ServerCredentials:
    """How a server's port secures its connections. Has no methods; make it by a function."""

    def __init__(self, credentials: Any) -> None:
        self._credentials = credentials


class ServerCertificateConfiguration:
    """Certificates that a server with dynamic credentials changes to. Has no methods; make it by a function."""

    def __init__(self, certificate_configuration: Any) -> None:
        self._certificate_configuration = certificate_configuration


class AuthMetadataContext(ABC):
    """The call for which a plug-in makes metadata.

    service_url: a str like "https://host/package.Service". method_name: the method's name alone.
    """

    if TYPE_CHECKING:
        service_url: str
        method_name: str


class AuthMetadataPluginCallback(ABC):
    """Takes what a plug-in made."""

    def __call__(self, metadata: MetadataType, error: Exception | None) -> None:
        """metadata: (key, value) pairs to send with the call. error: fails the call; None says that all is well."""
        raise NotImplementedError


class AuthMetadataPlugin(ABC):
    """Makes metadata that proves the origin of calls."""

    def __call__(self, context: AuthMetadataContext, callback: AuthMetadataPluginCallback) -> None:
        """Called for each call, on a thread of its own choosing; answers by `callback`, now or later."""
        raise NotImplementedError
