"""Where packages look for the calls of grpc.aio and for its error."""

from . import (  # type: ignore[attr-defined]
    AioRpcError,
    Call,
    StreamStreamCall,
    StreamUnaryCall,
    UnaryStreamCall,
    UnaryUnaryCall,
)

__all__ = (
    "AioRpcError",
    "Call",
    "StreamStreamCall",
    "StreamUnaryCall",
    "UnaryStreamCall",
    "UnaryUnaryCall",
)
