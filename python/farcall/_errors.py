"""The errors that calls raise, as far as they are not the calls themselves."""

from __future__ import annotations

from ._abc import Call, Future, RpcError, StatusCode
from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, NoReturn

    from ._typing import MetadataType


class RPCState:
    """The outcome of a call: what an InactiveRpcError is made of."""

    def __init__(
        self,
        due: Any = (),
        initial_metadata: MetadataType | None = None,
        trailing_metadata: MetadataType | None = None,
        code: StatusCode | None = None,
        details: str | None = None,
        debug_error_string: str | None = None,
    ) -> None:
        self.due = set(due)
        self.initial_metadata = initial_metadata
        self.trailing_metadata = trailing_metadata
        self.code = code
        self.details = details
        self.debug_error_string = debug_error_string
        self.response: Any = None
        self.cancelled = False


class InactiveRpcError(RpcError, Call, Future):
    """A call that has failed while its caller waited. It can be asked like any call that is over."""

    def __init__(self, state: Any) -> None:
        if not isinstance(state, RPCState):
            # Some libraries make an exception anew from its message.
            text = "Inactive RPC Error: Invalid RPC state type."
            if isinstance(state, str):
                text = f"{text} Details: {state}"
            state = RPCState((), (), (), StatusCode.INTERNAL, text)
        self._state = state

    def __reduce__(self) -> Any:
        return type(self), (self._state,)

    def initial_metadata(self) -> Any:
        return self._state.initial_metadata

    def trailing_metadata(self) -> Any:
        return self._state.trailing_metadata

    def code(self) -> Any:
        return self._state.code

    def details(self) -> str | None:
        return _text(self._state.details)

    def debug_error_string(self) -> str | None:
        """What went wrong, where, and who said so."""
        return _text(self._state.debug_error_string)

    def __repr__(self) -> str:
        return describe(type(self).__name__, self._state)

    __str__ = __repr__

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> float | None:
        return None

    def add_callback(self, callback: Callable[[], object]) -> bool:
        return False

    def cancel(self) -> bool:
        return False

    def cancelled(self) -> bool:
        return False

    def running(self) -> bool:
        return False

    def done(self) -> bool:
        return True

    def result(self, timeout: float | None = None) -> NoReturn:
        raise self

    def exception(self, timeout: float | None = None) -> InactiveRpcError:
        return self

    def traceback(self, timeout: float | None = None) -> TracebackType | None:
        return traceback_of(self)

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        fn(self)


InactiveRpcError.__name__ = InactiveRpcError.__qualname__ = "_InactiveRpcError"


class InvalidMetadataError(InactiveRpcError, ValueError):
    """Metadata that cannot be sent: a failed call in newer versions of grpcio, a ValueError in older ones."""


InvalidMetadataError.__name__ = InvalidMetadataError.__qualname__ = "_InvalidMetadataError"


def invalid_metadata_error(reason: str) -> InvalidMetadataError:
    """What the engine raises instead of making a call whose metadata cannot be sent."""
    details = f"metadata was invalid: {reason}"
    return InvalidMetadataError(RPCState((), (), (), StatusCode.INTERNAL, details, details))


def inactive_rpc_error(
    initial_metadata: MetadataType,
    trailing_metadata: MetadataType,
    code: StatusCode,
    details: str,
    debug_error_string: str,
) -> InactiveRpcError:
    """What the engine makes of a call that has failed."""
    return InactiveRpcError(
        RPCState((), initial_metadata, trailing_metadata, code, details, debug_error_string)
    )


def describe(name: str, state: RPCState) -> str:
    """The text of an error, which users see in their logs."""
    if state.code is None:
        return f"<{name} object>"
    lines = [
        f"<{name} of RPC that terminated with:",
        f"\tstatus = {state.code}",
        f'\tdetails = "{state.details}"',
    ]
    if state.code is not StatusCode.OK:
        lines.append(f'\tdebug_error_string = "{state.debug_error_string}"')
    return "\n".join([*lines, ">"])


def traceback_of(error: BaseException) -> TracebackType | None:
    """The traceback that raising the error gives."""
    try:
        raise error
    except BaseException as raised:
        return raised.__traceback__


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
