"""Functions that code generated before 2017 calls in its beta_create_ functions alone."""

from __future__ import annotations

from .._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, NoReturn

_GONE = "grpc.beta is not available in farcall: use the stub's class and grpc.server, which the same module has"


def dynamic_stub(*args: Any, **kwargs: Any) -> NoReturn:
    """Raises NotImplementedError."""
    raise NotImplementedError(_GONE)


def server(*args: Any, **kwargs: Any) -> NoReturn:
    """Raises NotImplementedError."""
    raise NotImplementedError(_GONE)


def stub_options(*args: Any, **kwargs: Any) -> NoReturn:
    """Raises NotImplementedError."""
    raise NotImplementedError(_GONE)


def server_options(*args: Any, **kwargs: Any) -> NoReturn:
    """Raises NotImplementedError."""
    raise NotImplementedError(_GONE)
