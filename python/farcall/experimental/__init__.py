"""What grpcio keeps under grpc.experimental: calls without a channel of one's own, and helpers."""

from __future__ import annotations

from .._insecure import insecure_channel_credentials
from .._simple_stubs import stream_stream, stream_unary, unary_stream, unary_unary
from .._typing_base import TYPE_CHECKING
from ._api import (
    ChannelOptions,
    CustomPrivateKeySign,
    ExperimentalApiWarning,
    PrivateKeySignatureAlgorithm,
    PrivateKeySignCancel,
    PrivateKeySignOnComplete,
    UsageError,
    ssl_channel_credentials_with_custom_signer,
    wrap_server_method_handler,
)
from ._warn import experimental_api as experimental_api

__all__ = (
    "ChannelOptions",
    "ExperimentalApiWarning",
    "UsageError",
    "insecure_channel_credentials",
    "ssl_channel_credentials_with_custom_signer",
    "stream_stream",
    "stream_unary",
    "unary_stream",
    "unary_unary",
    "wrap_server_method_handler",
)
