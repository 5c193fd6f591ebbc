"""Calls without a channel of one's own, over channels that are kept for a while and shared.

Environment: GRPC_PYTHON_MANAGED_CHANNEL_EVICTION_SECONDS (600), GRPC_PYTHON_MANAGED_CHANNEL_MAXIMUM (256) and
GRPC_PYTHON_DEFAULT_TIMEOUT_SECONDS (60), read when this module is loaded.
"""

from __future__ import annotations

import os

from ._channel_cache import ChannelCache
from ._typing_base import TYPE_CHECKING, Request, Response
from .experimental._warn import experimental_api

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from ._abc import CallCredentials, ChannelCredentials, Compression
    from ._client_abc import CallIterator
    from ._typing import DeserializingFunction, MetadataType, RequestIterable, SerializingFunction

    Options = Sequence[tuple[str, Any]]

_DEFAULT_TIMEOUT = float(os.environ.get("GRPC_PYTHON_DEFAULT_TIMEOUT_SECONDS", "60"))


@experimental_api
def unary_unary(
    request: Request,
    target: str,
    method: str,
    request_serializer: SerializingFunction[Request] | None = None,
    response_deserializer: DeserializingFunction[Response] | None = None,
    options: Options = (),
    channel_credentials: ChannelCredentials | None = None,
    insecure: bool = False,
    call_credentials: CallCredentials | None = None,
    compression: Compression | None = None,
    wait_for_ready: bool | None = None,
    timeout: float | None = _DEFAULT_TIMEOUT,
    metadata: MetadataType | None = None,
    _registered_method: bool | None = False,
) -> Response:
    """Makes one call with one response, which it returns. Raises RpcError.

    target, options, compression: as for insecure_channel. method, request_serializer, response_deserializer: as
    for Channel.unary_unary. channel_credentials: None is TLS with the system's certificates. insecure: True is no
    TLS. call_credentials, metadata: of this call. wait_for_ready: None is True. timeout: seconds, None is no limit.
    """
    channel, registered = ChannelCache.get().get_channel(
        target, options, channel_credentials, insecure, compression, method, _registered_method
    )
    call = channel.unary_unary(method, request_serializer, response_deserializer, registered)
    return call(
        request,
        timeout=timeout,
        metadata=metadata,
        credentials=call_credentials,
        wait_for_ready=True if wait_for_ready is None else wait_for_ready,
    )


@experimental_api
def unary_stream(
    request: Request,
    target: str,
    method: str,
    request_serializer: SerializingFunction[Request] | None = None,
    response_deserializer: DeserializingFunction[Response] | None = None,
    options: Options = (),
    channel_credentials: ChannelCredentials | None = None,
    insecure: bool = False,
    call_credentials: CallCredentials | None = None,
    compression: Compression | None = None,
    wait_for_ready: bool | None = None,
    timeout: float | None = _DEFAULT_TIMEOUT,
    metadata: MetadataType | None = None,
    _registered_method: bool | None = False,
) -> CallIterator[Response]:
    """Starts one call with a stream of responses, over which the result iterates; parameters as for unary_unary."""
    channel, registered = ChannelCache.get().get_channel(
        target, options, channel_credentials, insecure, compression, method, _registered_method
    )
    call = channel.unary_stream(method, request_serializer, response_deserializer, registered)
    return call(
        request,
        timeout=timeout,
        metadata=metadata,
        credentials=call_credentials,
        wait_for_ready=True if wait_for_ready is None else wait_for_ready,
    )


@experimental_api
def stream_unary(
    request_iterator: RequestIterable[Request],
    target: str,
    method: str,
    request_serializer: SerializingFunction[Request] | None = None,
    response_deserializer: DeserializingFunction[Response] | None = None,
    options: Options = (),
    channel_credentials: ChannelCredentials | None = None,
    insecure: bool = False,
    call_credentials: CallCredentials | None = None,
    compression: Compression | None = None,
    wait_for_ready: bool | None = None,
    timeout: float | None = _DEFAULT_TIMEOUT,
    metadata: MetadataType | None = None,
    _registered_method: bool | None = False,
) -> Response:
    """Makes one call with a stream of requests; otherwise like unary_unary."""
    channel, registered = ChannelCache.get().get_channel(
        target, options, channel_credentials, insecure, compression, method, _registered_method
    )
    call = channel.stream_unary(method, request_serializer, response_deserializer, registered)
    return call(
        request_iterator,
        timeout=timeout,
        metadata=metadata,
        credentials=call_credentials,
        wait_for_ready=True if wait_for_ready is None else wait_for_ready,
    )


@experimental_api
def stream_stream(
    request_iterator: RequestIterable[Request],
    target: str,
    method: str,
    request_serializer: SerializingFunction[Request] | None = None,
    response_deserializer: DeserializingFunction[Response] | None = None,
    options: Options = (),
    channel_credentials: ChannelCredentials | None = None,
    insecure: bool = False,
    call_credentials: CallCredentials | None = None,
    compression: Compression | None = None,
    wait_for_ready: bool | None = None,
    timeout: float | None = _DEFAULT_TIMEOUT,
    metadata: MetadataType | None = None,
    _registered_method: bool | None = False,
) -> CallIterator[Response]:
    """Starts one call with streams both ways; otherwise like unary_stream."""
    channel, registered = ChannelCache.get().get_channel(
        target, options, channel_credentials, insecure, compression, method, _registered_method
    )
    call = channel.stream_stream(method, request_serializer, response_deserializer, registered)
    return call(
        request_iterator,
        timeout=timeout,
        metadata=metadata,
        credentials=call_credentials,
        wait_for_ready=True if wait_for_ready is None else wait_for_ready,
    )
