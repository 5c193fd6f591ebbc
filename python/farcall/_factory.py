"""The functions that make channels and servers."""

from __future__ import annotations

from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from concurrent.futures import ThreadPoolExecutor
    from typing import Any

    from ._abc import (
        Channel,
        ChannelCredentials,
        Compression,
        Future,
        GenericRpcHandler,
        Server,
        ServerInterceptor,
        StreamStreamClientInterceptor,
        StreamUnaryClientInterceptor,
        UnaryStreamClientInterceptor,
        UnaryUnaryClientInterceptor,
    )

    ClientInterceptor = (
        UnaryUnaryClientInterceptor[Any, Any]
        | UnaryStreamClientInterceptor[Any, Any]
        | StreamUnaryClientInterceptor[Any, Any]
        | StreamStreamClientInterceptor[Any, Any]
    )


def insecure_channel(
    target: str,
    options: Iterable[tuple[str, Any]] | None = None,
    compression: Compression | None = None,
) -> Channel:
    """Makes a channel whose connections are not secured.

    target: an address like "localhost:50051", "dns:///host:port" or "unix:/run/place.sock". options: pairs of
    an option's name and value, as ("grpc.max_receive_message_length", 1 << 24); unknown names are ignored.
    compression: of the requests, unless a call says otherwise.

    It connects when the first call needs it. Raises ValueError for options that are no such pairs.
    """
    from . import _channel

    return _channel.Channel(target, () if options is None else options, None, compression)


def secure_channel(
    target: str,
    credentials: ChannelCredentials,
    options: Iterable[tuple[str, Any]] | None = None,
    compression: Compression | None = None,
) -> Channel:
    """Makes a channel whose connections are secured as `credentials` say; the rest is as for insecure_channel.

    Raises ValueError for the credentials of insecure channels.
    """
    from . import _channel
    from ._insecure import is_insecure

    if is_insecure(credentials):
        raise ValueError("These credentials are for insecure channels: use insecure_channel instead")
    return _channel.Channel(
        target, () if options is None else options, credentials._credentials, compression
    )


def intercept_channel(channel: Channel, *interceptors: ClientInterceptor) -> Channel:
    """Makes a channel whose calls pass through the interceptors, the first one first, before `channel` makes them.

    An interceptor sees the kinds of calls whose class it derives from, one or several of the four.

    Raises TypeError for an object that is no client interceptor.
    """
    from . import _interceptor

    return _interceptor.intercept_channel(channel, *interceptors)


def channel_ready_future(channel: Channel) -> Future[None]:
    """Makes the channel connect, and returns a Future that is done once it has. Its result is None.

    Cancelling the Future leaves the channel alone.
    """
    from . import _ready

    return _ready.channel_ready_future(channel)


def server(
    thread_pool: ThreadPoolExecutor,
    handlers: Sequence[GenericRpcHandler] | None = None,
    interceptors: Sequence[ServerInterceptor[Any, Any]] | None = None,
    options: Iterable[tuple[str, Any]] | None = None,
    maximum_concurrent_rpcs: int | None = None,
    compression: Compression | None = None,
    xds: bool = False,
) -> Server:
    """Makes a server, which has yet to be given ports and to be started.

    thread_pool: runs the handlers; anything with a submit method like ThreadPoolExecutor's. handlers: generic
    handlers to begin with. interceptors: choose handlers, the first one first. options: pairs as for
    insecure_channel. maximum_concurrent_rpcs: calls beyond it are answered RESOURCE_EXHAUSTED; None is no limit.
    compression: of the responses, unless a handler says otherwise. xds: warns that xDS is not available.
    """
    from . import _server

    return _server.create_server(
        thread_pool,
        () if handlers is None else handlers,
        () if interceptors is None else interceptors,
        () if options is None else options,
        maximum_concurrent_rpcs,
        compression,
        xds,
    )
