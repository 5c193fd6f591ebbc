"""The credentials of channels that are not secured."""

from __future__ import annotations

from ._abc import ChannelCredentials

# One object, so that channels made with it can be found in a cache.
_credentials = ChannelCredentials(None)


def insecure_channel_credentials() -> ChannelCredentials:
    """Credentials that secure nothing, for functions that insist on some. Always the same object."""
    return _credentials


def is_insecure(credentials: ChannelCredentials) -> bool:
    return credentials is _credentials
