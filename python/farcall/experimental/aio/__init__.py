"""Another name of grpc.aio."""

from ...aio import *
