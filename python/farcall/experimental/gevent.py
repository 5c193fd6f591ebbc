"""Working beside gevent."""

from __future__ import annotations


def init_gevent() -> None:
    """Raises NotImplementedError: calls block their thread, and so its gevent loop."""
    raise NotImplementedError("gevent is not supported: run calls in gevent's thread pool (gevent.get_hub().threadpool)")
