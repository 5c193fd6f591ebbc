"""Where packages look for the metadata of grpc.aio."""

from . import (  # type: ignore[attr-defined]
    Metadata,
)

__all__ = (
    "Metadata",
)
