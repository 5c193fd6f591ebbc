from farcall import *
from farcall import __version__ as __version__
from farcall import compression as compression
from farcall import experimental as experimental
