"""Another name of grpc.aio."""

from ...aio import *  # noqa: F403
from ...aio import __all__ as __all__
