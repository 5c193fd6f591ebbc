"""Runs a program for which `import grpc` means farcall: python -m farcall PROGRAM.py | -m MODULE | -c CODE [ARGUMENT ...]"""

import runpy
import sys

from . import install_as_grpc

_USAGE = "usage: python -m farcall PROGRAM.py | -m MODULE | -c CODE [ARGUMENT ...]"


def main() -> None:
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in ("-h", "--help") or arguments[0] in ("-m", "-c") and len(arguments) < 2:
        sys.exit(_USAGE)
    install_as_grpc()
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        sys.path[0] = ""
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        sys.path[0] = _folder(arguments[0])
        runpy.run_path(arguments[0], run_name="__main__")


def _folder(program: str) -> str:
    import os

    return os.path.dirname(os.path.abspath(program))


main()
