"""The version of grpcio for which this package stands.

Generated code refuses to load on a grpcio older than its generator, so this is newer than any of the 1.x line.
farcall's own version is farcall.__farcall_version__.
"""

__version__ = "1.999.0"
