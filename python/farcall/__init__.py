"""gRPC for Python on the engine of farcall: `import farcall as grpc` gives the API of grpcio.

What costs time to import, or is seldom used, is loaded when it is first asked for.
"""

from __future__ import annotations

from . import _abc, _logging_hook
from ._abc import (
    AuthMetadataContext,
    AuthMetadataPlugin,
    AuthMetadataPluginCallback,
    Call,
    CallCredentials,
    Channel,
    ChannelConnectivity,
    ChannelCredentials,
    ClientCallDetails,
    Compression,
    Future,
    FutureCancelledError,
    FutureTimeoutError,
    GenericRpcHandler,
    HandlerCallDetails,
    LocalConnectionType,
    RpcContext,
    RpcError,
    RpcMethodHandler,
    Server,
    ServerCertificateConfiguration,
    ServerCredentials,
    ServerInterceptor,
    ServicerContext,
    ServiceRpcHandler,
    Status,
    StatusCode,
    StreamStreamClientInterceptor,
    StreamStreamMultiCallable,
    StreamUnaryClientInterceptor,
    StreamUnaryMultiCallable,
    UnaryStreamClientInterceptor,
    UnaryStreamMultiCallable,
    UnaryUnaryClientInterceptor,
    UnaryUnaryMultiCallable,
)
from ._alias import install_as_grpc as install_as_grpc
from ._factory import channel_ready_future, insecure_channel, intercept_channel, secure_channel, server
from ._grpcio_metadata import __version__ as __version__
from ._handlers import (
    method_handlers_generic_handler,
    stream_stream_rpc_method_handler,
    stream_unary_rpc_method_handler,
    unary_stream_rpc_method_handler,
    unary_unary_rpc_method_handler,
)
from ._lazy import attribute as _lazy_attribute
from ._lazy import names as _lazy_names
from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from . import experimental as experimental
    from ._channel_credentials import (
        access_token_call_credentials,
        composite_call_credentials,
        composite_channel_credentials,
        compute_engine_channel_credentials,
        local_channel_credentials,
        metadata_call_credentials,
        ssl_channel_credentials,
    )
    from ._runtime_protos import protos, protos_and_services, services
    from ._server_credentials import (
        dynamic_ssl_server_credentials,
        insecure_server_credentials,
        local_server_credentials,
        ssl_server_certificate_configuration,
        ssl_server_credentials,
    )
    from ._unavailable import (
        alts_channel_credentials,
        alts_server_credentials,
        xds_channel_credentials,
        xds_server_credentials,
    )
else:

    def __getattr__(name):
        return _lazy_attribute(__name__, name)

    def __dir__():
        return sorted({*globals(), *_lazy_names()})


__farcall_version__ = "0.1.0"
compression = Compression
"""Another spelling of Compression, as in `compression.Gzip`."""

__all__ = (
    "AuthMetadataContext",
    "AuthMetadataPlugin",
    "AuthMetadataPluginCallback",
    "Call",
    "CallCredentials",
    "Channel",
    "ChannelConnectivity",
    "ChannelCredentials",
    "ClientCallDetails",
    "Compression",
    "Future",
    "FutureCancelledError",
    "FutureTimeoutError",
    "GenericRpcHandler",
    "HandlerCallDetails",
    "LocalConnectionType",
    "RpcContext",
    "RpcError",
    "RpcMethodHandler",
    "Server",
    "ServerCertificateConfiguration",
    "ServerCredentials",
    "ServerInterceptor",
    "ServiceRpcHandler",
    "ServicerContext",
    "Status",
    "StatusCode",
    "StreamStreamClientInterceptor",
    "StreamStreamMultiCallable",
    "StreamUnaryClientInterceptor",
    "StreamUnaryMultiCallable",
    "UnaryStreamClientInterceptor",
    "UnaryStreamMultiCallable",
    "UnaryUnaryClientInterceptor",
    "UnaryUnaryMultiCallable",
    "access_token_call_credentials",
    "alts_channel_credentials",
    "alts_server_credentials",
    "channel_ready_future",
    "composite_call_credentials",
    "composite_channel_credentials",
    "compute_engine_channel_credentials",
    "dynamic_ssl_server_credentials",
    "insecure_channel",
    "insecure_server_credentials",
    "intercept_channel",
    "local_channel_credentials",
    "local_server_credentials",
    "metadata_call_credentials",
    "method_handlers_generic_handler",
    "protos",
    "protos_and_services",
    "secure_channel",
    "server",
    "services",
    "ssl_channel_credentials",
    "ssl_server_certificate_configuration",
    "ssl_server_credentials",
    "stream_stream_rpc_method_handler",
    "stream_unary_rpc_method_handler",
    "unary_stream_rpc_method_handler",
    "unary_unary_rpc_method_handler",
    "xds_channel_credentials",
    "xds_server_credentials",
)

# Tracebacks and pickles say farcall.RpcError, which holds wherever the class is defined.
for _public in vars(_abc).values():
    if isinstance(_public, type):
        _public.__module__ = __name__
_logging_hook.silence("grpc")
