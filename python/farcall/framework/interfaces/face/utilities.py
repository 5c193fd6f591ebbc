"""Functions that code generated before 2017 calls in its beta_create_ functions alone."""

from ....beta.implementations import server as stream_stream_inline
from ....beta.implementations import server as stream_unary_inline
from ....beta.implementations import server as unary_stream_inline
from ....beta.implementations import server as unary_unary_inline

__all__ = ("stream_stream_inline", "stream_unary_inline", "unary_stream_inline", "unary_unary_inline")
