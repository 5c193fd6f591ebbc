"""Keeps the loggers of this package silent until the program configures them, without loading `logging`.

A logger without any handler prints warnings to stderr by itself; a NullHandler prevents that. Loading logging for
it would double the time that importing this package takes, so the handler waits for the program to load it.
"""

import sys


def silence(logger):
    """Gives the logger of this name a NullHandler, now or when logging is imported."""
    if "logging" in sys.modules:
        _add_handler(sys.modules["logging"], logger)
    else:
        sys.meta_path.insert(0, _WaitForLogging(logger))


def _add_handler(logging, logger):
    logging.getLogger(logger).addHandler(logging.NullHandler())


class _WaitForLogging:
    """A finder that finds nothing itself: once asked for logging, it sees to it that the handler is added."""

    def __init__(self, logger):
        self._logger = logger

    def find_spec(self, name, path=None, target=None):
        if name != "logging" or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target)
            if spec is not None:
                spec.loader = _Loader(spec.loader, self._logger)
                return spec
        return None


class _Loader:
    """Loads as another loader does, and adds the handler afterwards."""

    def __init__(self, loader, logger):
        self._loader = loader
        self._logger = logger

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        _add_handler(module, self._logger)
