"""A thread pool that logs what its tasks raise."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

_LOGGER = logging.getLogger("grpc.framework.foundation.logging_pool")


class _LoggingPool(ThreadPoolExecutor):
    def submit(self, fn, /, *args, **kwargs):
        return super().submit(_logged, fn, *args, **kwargs)


def _logged(fn, *args, **kwargs):
    try:
        return fn(*args, **kwargs)
    except Exception:
        _LOGGER.exception("A task raised: %s", fn)
        raise


def pool(max_workers):
    """Makes a ThreadPoolExecutor that logs what its tasks raise, besides keeping it in their futures."""
    return _LoggingPool(max_workers)
