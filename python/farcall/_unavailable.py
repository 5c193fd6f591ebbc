"""Names of the API behind which there is nothing, or not all: xDS and ALTS.

xDS credentials secure what an xDS control plane configures, and everything else by their fallback. farcall knows no
control plane, so the fallback is all that they ever use. ALTS needs a service of Google's cloud.
"""

from __future__ import annotations

from ._abc import ChannelCredentials, ServerCredentials
from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn


def xds_channel_credentials(fallback_credentials: ChannelCredentials | None = None) -> ChannelCredentials:
    """Credentials that secure as the fallback does, for there is no xDS; None stands for insecure ones."""
    if fallback_credentials is None:
        return ChannelCredentials(None)
    return ChannelCredentials(fallback_credentials._credentials)


def xds_server_credentials(fallback_credentials: ServerCredentials) -> ServerCredentials:
    """Credentials that secure as the fallback does, for there is no xDS."""
    return ServerCredentials(fallback_credentials._credentials)


def alts_channel_credentials(service_accounts: Sequence[str] | None = None) -> NoReturn:
    """Raises NotImplementedError: ALTS is not available."""
    raise NotImplementedError("ALTS is not available in farcall: use ssl_channel_credentials")


def alts_server_credentials() -> NoReturn:
    """Raises NotImplementedError: ALTS is not available."""
    raise NotImplementedError("ALTS is not available in farcall: use ssl_server_credentials")
