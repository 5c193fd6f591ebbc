"""The four kinds of methods, as code generated before 2017 names them."""

import enum


class Cardinality(enum.Enum):
    UNARY_UNARY = "request-unary/response-unary"
    UNARY_STREAM = "request-unary/response-streaming"
    STREAM_UNARY = "request-streaming/response-unary"
    STREAM_STREAM = "request-streaming/response-streaming"
