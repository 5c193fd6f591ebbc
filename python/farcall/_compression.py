"""The compressions under the names of their module in grpcio, and how metadata spells them."""

from __future__ import annotations

from ._codes import Compression
from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from ._typing import MetadataType

__all__ = ("Deflate", "Gzip", "NoCompression")

NoCompression = Compression.NoCompression
Deflate = Compression.Deflate
Gzip = Compression.Gzip

_NAMES = {NoCompression: "identity", Deflate: "deflate", Gzip: "gzip"}


def compression_algorithm_to_metadata(compression: Compression) -> tuple[str, str]:
    """The pair with which a call's metadata asks for a compression."""
    return ("grpc-internal-encoding-request", _NAMES[compression])


def create_channel_option(compression: Compression | None) -> tuple[tuple[str, int], ...]:
    """The channel options that ask for a compression."""
    return (("grpc.default_compression_algorithm", int(compression)),) if compression else ()


def augment_metadata(metadata: MetadataType | None, compression: Compression | None) -> MetadataType | None:
    """Metadata with the pair that asks for a compression; None for neither."""
    pairs = tuple(metadata or ())
    if compression:
        pairs += (compression_algorithm_to_metadata(compression),)
    return pairs or None
