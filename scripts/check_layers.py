#!/usr/bin/env python3
"""Checks that the folders of src/ keep to their layers: includes point one way, and only io meets the system.

Usage: scripts/check_layers.py   (from anywhere; prints each offence as file:line, exits 1 if there is one)
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# Which layers each layer may include, beside itself. base/loop.h and base/net.h are the interfaces through
# which call, client and server reach what io implements.
BELOW = {
    "base": set(),
    "wire": {"base"},
    "http2": {"base", "wire"},
    "call": {"base", "wire", "http2"},
    "io": {"base"},
    "client": {"base", "wire", "http2", "call", "io"},
    "server": {"base", "wire", "http2", "call", "io"},
}

# The layer that implements each public header.
PUBLIC = {
    "base.h": "base",
    "status.h": "base",
    "auth_context.h": "base",
    "tls.h": "base",
    "metadata.h": "wire",
    "call.h": "call",
    "credentials.h": "call",
    "server_call.h": "call",
    "reactor.h": "io",
    "channel.h": "client",
    "rpc.h": "client",
    "server.h": "server",
    "server_take.h": "server",
}

# Headers that bring threads, clocks, descriptors or sockets: the business of io alone.
SYSTEM = re.compile(
    r"(pthread|threads|semaphore|sched|time|unistd|fcntl|poll|signal|netdb|dlfcn"
    r"|sys/(socket|time|epoll|event|eventfd|timerfd|un|ioctl|select|poll|wait|random|mman|stat)"
    r"|net/.*|netinet/.*|arpa/.*|linux/.*)\.h$")

# Files outside io that need one of them, with the reason.
SYSTEM_ALLOWED = {
    ("src/server/workers.c", "signal.h"): "signals are for the program's own threads",
    ("src/server/workers.c", "unistd.h"): "a child made by fork has none of the threads",
    ("src/server/workers.h", "pthread.h"): "the pool that runs blocking handlers",
}

# OpenSSL stays behind io/tls.h.
TLS_FILE = re.compile(r"src/io/tls_\w+\.[ch]$")

PLATFORM = re.compile(r"^\s*#\s*(?:el)?if.*\b(_WIN32|__linux__|__APPLE__|__\w*BSD__|__sun|__ANDROID__)\b")
PRINTS = re.compile(r"(?<![\w.>])(?:v?printf|v?fprintf|v?dprintf|puts|fputs|putchar|perror)\s*\(")
ALLOCATES = re.compile(
    r"(?<![\w.>])(?:malloc|calloc|realloc|reallocarray|free|strn?dup|v?asprintf|aligned_alloc|"
    r"posix_memalign|getline)\s*\(")
ALLOCATOR = "src/base/mem.c"

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def code_of(text):
    """The text with comments and strings blanked, line by line as before."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def include_offence(path, layer, bracket, target):
    """What is wrong with one include of a file in src/, or None."""
    if bracket == "<":
        if layer != "io" and SYSTEM.match(target) and (path, target) not in SYSTEM_ALLOWED:
            return f"<{target}> belongs to src/io"
        if target.startswith("openssl/") and not TLS_FILE.match(path):
            return f"<{target}> belongs to src/io/tls_*"
        return None
    if ".." in target.split("/"):
        return f'"{target}": name the layer instead of climbing'
    folder, _, name = target.rpartition("/")
    if folder == "farcall":
        wanted = PUBLIC.get(name)
        if wanted is None:
            return f'"{target}": say in this script which layer implements it'
    else:
        wanted = folder or layer
        if wanted not in BELOW:
            return f'"{target}": "{wanted}" is no layer'
    if wanted != layer and wanted not in BELOW[layer]:
        return f'"{target}": {layer} stands below or beside {wanted}'
    return None


def check_source(path, layer, text):
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            offence = include_offence(path, layer, *match.groups())
            if offence:
                yield number, offence
        if layer != "io" and PLATFORM.match(line):
            yield number, "only src/io may tell platforms apart"
    for number, line in enumerate(code_of(text).splitlines(), 1):
        if PRINTS.search(line):
            yield number, "the library never prints"
        if path != ALLOCATOR and ALLOCATES.search(line):
            yield number, "memory comes from base/mem.h"


def check_user(text):
    """Examples, tools and generated code know the public headers alone."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match and match.group(2).split("/")[0] in BELOW:
            yield number, f'"{match.group(2)}" is internal'


def offences():
    for layer in sorted(p.name for p in (ROOT / "src").iterdir() if p.is_dir()):
        if layer not in BELOW:
            yield f"src/{layer}", 0, "no such layer"
            continue
        for file in sorted((ROOT / "src" / layer).rglob("*.[ch]")):
            path = file.relative_to(ROOT).as_posix()
            for number, text in check_source(path, layer, file.read_text()):
                yield path, number, text
    for folder in ("examples", "codegen", "tools", "python", "bench"):
        for file in sorted((ROOT / folder).rglob("*.[ch]")):
            for number, text in check_user(file.read_text()):
                yield file.relative_to(ROOT).as_posix(), number, text
    for path, name in SYSTEM_ALLOWED:
        if f"<{name}>" not in (ROOT / path).read_text():
            yield path, 0, f"has leave to include <{name}> and does not use it"


def main():
    found = list(offences())
    for path, number, text in found:
        print(f"{path}:{number}: {text}")
    print(f"layers: {len(found)} offences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
