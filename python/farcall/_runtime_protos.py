"""Modules made from .proto files while the program runs, by grpcio-tools where that is installed."""

from __future__ import annotations

from ._typing_base import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

_HINT = "Install the grpcio-tools package (1.32.0+) to use the {} function."


def protos(protobuf_path: str) -> ModuleType:
    """The module of messages, like a generated *_pb2.py, of a .proto file.

    protobuf_path: relative to an entry of sys.path, as are the files that it imports. Raises NotImplementedError
    where grpcio-tools is not installed.
    """
    module: ModuleType = _generate("protos", protobuf_path)
    return module


def services(protobuf_path: str) -> ModuleType:
    """The module of stubs and servicers, like a generated *_pb2_grpc.py; the rest is as for protos."""
    module: ModuleType = _generate("services", protobuf_path)
    return module


def protos_and_services(protobuf_path: str) -> tuple[ModuleType, ModuleType]:
    """Both modules of a .proto file: (protos(path), services(path))."""
    modules: tuple[ModuleType, ModuleType] = _generate("protos_and_services", protobuf_path)
    return modules


def _generate(function: str, protobuf_path: str) -> Any:
    from ._alias import install_as_grpc

    # What grpcio-tools generates says `import grpc`.
    install_as_grpc()
    try:
        from grpc_tools import protoc
    except ModuleNotFoundError as error:
        if error.name != "grpc_tools":
            raise
        raise NotImplementedError(_HINT.format(function)) from None
    generate = getattr(protoc, "_" + function, None)
    if generate is None:
        raise NotImplementedError(_HINT.format(function))
    return generate(protobuf_path)
