#!/usr/bin/env python3
"""Checks the public headers: every function documented in the form of STYLE.md, every header usable alone.

Usage: scripts/check_headers.py   (CC and CXX name the compilers)
"""
import os
import re
import subprocess
import sys

import public_headers

FIELDS = ("Owns", "Errors", "Threads", "Blocks", "Since")
THREADS = ("any", "one at a time", "loop only", "the interceptor's")
STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]


def check_function(item):
    if not item.comment:
        yield "has no /** comment"
        return
    for field in FIELDS:
        if not item.field(field):
            yield f"says nothing about {field}:"
    threads = item.field("Threads")
    if threads and not threads.startswith(THREADS):
        yield f"Threads: begins with none of {', '.join(THREADS)}"
    since = item.field("Since")
    if since and not re.fullmatch(r"\d+\.\d+", since):
        yield f"Since: {since} is no version"


def check_text():
    seen = {}
    for item in public_headers.functions():
        for offence in check_function(item):
            yield f"{item.where}: {item.name} {offence}"
        if item.name in seen:
            yield f"{item.where}: {item.name} is declared at {seen[item.name]} too"
        seen[item.name] = item.where
    for item in public_headers.callbacks():
        if not item.comment:
            yield f"{item.where}: {item.name} has no /** comment that says when and where it runs"


def check_alone(header, compiler, language, standard):
    name = f"farcall/{header.name}"
    done = subprocess.run(
        [compiler, f"-x{language}", f"-std={standard}", *STRICT, f"-I{public_headers.INCLUDE}", "-"],
        input=f'#include "{name}"\n#include "{name}"\n', capture_output=True, text=True)
    if done.returncode:
        yield f"{name} does not compile alone as {standard}:\n{done.stderr}"


def main():
    found = list(check_text())
    for header in public_headers.headers():
        found += check_alone(header, os.environ.get("CC", "cc"), "c", "c11")
        found += check_alone(header, os.environ.get("CXX", "c++"), "c++", "c++11")
    for offence in found:
        print(offence)
    print(f"headers: {len(public_headers.functions())} functions, {len(found)} offences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
