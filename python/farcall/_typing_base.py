"""What the annotations of this package need at run time: nothing of `typing`, which costs 4 ms to import.

A type checker takes TYPE_CHECKING for true and sees the real Generic and TypeVars; the interpreter sees names
that mean nothing and a Generic that only lets its subclasses be subscripted.
"""

TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any
    from typing import Generic as Generic

    from typing_extensions import TypeVar

    # Nobody has to say which messages: without, they are Any.
    Request = TypeVar("Request", default=Any)
    Response = TypeVar("Response", default=Any)
    Value = TypeVar("Value", default=Any)
else:
    GenericAlias = type(list[int])

    class Generic:
        """Makes subclasses subscriptable, as in UnaryUnaryMultiCallable[Place, Zone]."""

        __slots__ = ()
        __class_getitem__ = classmethod(GenericAlias)

    Request = Response = Value = object
