"""The names of grpcio's extension that programs use: enumerations, option keys and switches."""

from __future__ import annotations

import enum

from .._codes import StatusCode as _PublicStatusCode
from .._registered import Metadatum as _Metadatum  # noqa: F401  (test tools make metadata with it)

StatusCode = enum.IntEnum(
    "StatusCode", [(code.name.lower(), code.value[0]) for code in _PublicStatusCode], module=__name__
)


class ConnectivityState(enum.IntEnum):
    idle = 0
    connecting = 1
    ready = 2
    transient_failure = 3
    shutdown = 4


class CompressionAlgorithm(enum.IntEnum):
    none = 0
    deflate = 1
    gzip = 2


class CompressionLevel(enum.IntEnum):
    none = 0
    low = 1
    medium = 2
    high = 3


class LocalConnectionType(enum.IntEnum):
    uds = 0
    local_tcp = 1


class ChannelArgKey:
    """Keys of channel options."""

    default_authority = b"grpc.default_authority"
    enable_census = b"grpc.census"
    http2_initial_sequence_number = b"grpc.http2.initial_sequence_number"
    max_concurrent_streams = b"grpc.max_concurrent_streams"
    max_receive_message_length = b"grpc.max_receive_message_length"
    max_send_message_length = b"grpc.max_send_message_length"
    primary_user_agent_string = b"grpc.primary_user_agent"
    secondary_user_agent_string = b"grpc.secondary_user_agent"
    ssl_session_cache = b"grpc.ssl_session_cache"
    ssl_target_name_override = b"grpc.ssl_target_name_override"


class CompositeChannelCredentials:
    """For isinstance checks. Nothing is one: the engine's credentials do not tell what they are made of."""


GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM = "grpc.default_compression_algorithm"
GRPC_COMPRESSION_REQUEST_ALGORITHM_MD_KEY = "grpc-internal-encoding-request"

# Forking needs no support that could be switched off.
_GRPC_ENABLE_FORK_SUPPORT = True


class BaseError(Exception):
    """The base of the errors of grpc.aio."""


class UsageError(BaseError):
    """The API was used in a way that it does not allow."""


class AbortError(BaseError):
    """A handler has ended its call."""


class InternalError(BaseError):
    """A defect of the library."""


class _EOF:
    """What a read at the end of a stream returns: false."""

    def __bool__(self) -> bool:
        return False

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "<grpc.aio.EOF>"


EOF = _EOF()


def reset_grpc_config_vars() -> None:
    """Does nothing: environment variables are read when they matter."""
