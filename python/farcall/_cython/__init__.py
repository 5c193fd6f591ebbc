"""Stands where grpcio has its extension."""
