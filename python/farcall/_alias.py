"""Lets `import grpc` mean this package: the same module objects under both names."""

import sys

_OWN = __name__.partition(".")[0]
# Packages beside grpcio that it knows by names of its own.
_BESIDE = {"grpc.health": "grpc_health", "grpc.reflection": "grpc_reflection", "grpc.tools": "grpc_tools"}


def install_as_grpc() -> None:
    """Makes `import grpc`, and of anything below it, give farcall in this process from now on.

    Call it before anything imports grpc. Raises RuntimeError when grpcio has been imported already.
    """
    present = sys.modules.get("grpc")
    if present is not None and present is not sys.modules[_OWN]:
        raise RuntimeError("grpc has been imported already: call install_as_grpc() before that")
    replace(present)


def replace(present) -> None:
    """Puts this package where the module `present` of the name grpc is, or where none is."""
    if present is sys.modules[_OWN]:
        return
    sys.modules["grpc"] = sys.modules[_OWN]
    sys.meta_path.insert(0, _Finder())


class _Finder:
    """Finds grpc.x by importing farcall.x. Comes first, for grpcio may be installed beside."""

    def find_spec(self, name, path=None, target=None):
        if not name.startswith("grpc."):
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, _Loader())


class _Loader:
    """Gives a module that farcall has loaded, and leaves it as it was."""

    def create_module(self, spec):
        from importlib import import_module

        own_name = _BESIDE.get(spec.name, _OWN + spec.name[len("grpc") :])
        try:
            module = import_module(own_name)
        except ModuleNotFoundError as error:
            if error.name != own_name:
                raise
            raise ModuleNotFoundError(f"No module named {spec.name!r}", name=spec.name) from None
        self._spec = module.__spec__
        return module

    def exec_module(self, module):
        # The machinery has just set the spec of the other name.
        module.__spec__ = self._spec
