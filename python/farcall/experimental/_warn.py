"""A warning, once for each function, that it is experimental."""

from __future__ import annotations

import functools
import warnings

from .._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    Function = TypeVar("Function", bound=Callable[..., object])

_warned = set()


class ExperimentalApiWarning(Warning):
    """What is used may change in any release."""


def experimental_api(function: Function) -> Function:
    """Makes the first call of a function warn."""

    @functools.wraps(function)
    def warning(*args, **kwargs):
        if function.__name__ not in _warned:
            _warned.add(function.__name__)
            text = f"'{function.__name__}' is an experimental API and may change in any release"
            warnings.warn(text, ExperimentalApiWarning, stacklevel=2)
        return function(*args, **kwargs)

    return warning  # type: ignore[return-value]
