"""Where packages look for the abstract calls of grpc.aio."""

from . import (  # type: ignore[attr-defined]
    Call,
    RpcContext,
    StreamStreamCall,
    StreamUnaryCall,
    UnaryStreamCall,
    UnaryUnaryCall,
)

__all__ = (
    "Call",
    "RpcContext",
    "StreamStreamCall",
    "StreamUnaryCall",
    "UnaryStreamCall",
    "UnaryUnaryCall",
)
