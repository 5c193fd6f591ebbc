"""farcall under the name grpc: importing this puts the package farcall in its place, with all that is below it."""

import sys

from farcall import _alias

_alias.replace(sys.modules[__name__])
