"""Stands where grpcio has its extension."""

from . import cygrpc as cygrpc
