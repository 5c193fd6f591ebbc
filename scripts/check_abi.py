#!/usr/bin/env python3
"""Compares the shared library with its records in tests/abi: exported symbols and sizes of option structs.

Usage: scripts/check_abi.py [--update] LIBRARY

symbols.txt has a line for each function: its name and the version that brought it. Nothing may leave it before
a major version. options.txt has the size of each option struct on 64-bit machines, by version: a struct may
grow, and callers built with any earlier size must go on working.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import public_headers

RECORDS = public_headers.ROOT / "tests" / "abi"
SYMBOLS = RECORDS / "symbols.txt"
OPTIONS = RECORDS / "options.txt"


def version():
    text = (public_headers.ROOT / "CMakeLists.txt").read_text()
    return re.search(r"project\(farcall VERSION (\d+\.\d+)", text).group(1)


def exported(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True)
    return {line.split()[-1].split("@")[0] for line in out.stdout.splitlines()}


def declared():
    return {item.name: item.field("Since") for item in public_headers.functions()}


def option_sizes():
    """The size of each option struct, as the compiler lays it out."""
    found = public_headers.options()
    lines = [f'#include "farcall/{header.name}"' for header in sorted({header for header, _ in found})]
    lines += ["#include <stdio.h>", "int main(void) {"]
    lines += [f'printf("{name} %zu\\n", sizeof({name}));' for _, name in found]
    lines += ["return 0; }"]
    with tempfile.TemporaryDirectory() as folder:
        program = pathlib.Path(folder) / "sizes"
        subprocess.run([os.environ.get("CC", "cc"), "-xc", f"-I{public_headers.INCLUDE}", "-", "-o", program],
                       input="\n".join(lines), check=True, text=True)
        out = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    return {name: int(size) for name, size in map(str.split, out.splitlines())}


def read(path):
    """Rows of a record; '#' begins a comment."""
    if not path.exists():
        return []
    rows = (line.split("#")[0].split() for line in path.read_text().splitlines())
    return [row for row in rows if row]


def recorded_sizes():
    """Of each struct, the newest record: (version, size)."""
    newest = {}
    for name, since, size in read(OPTIONS):
        newest[name] = (since, int(size))
    return newest


def check_symbols(library):
    recorded, headers, symbols = dict(read(SYMBOLS)), declared(), exported(library)
    for name in sorted(symbols - headers.keys()):
        yield f"{name} is exported and in no public header"
    for name in sorted(headers.keys() - symbols):
        yield f"{name} is in a public header and not exported"
    for name in sorted(symbols - recorded.keys()):
        yield f"{name} is new: run make abi-update"
    for name in sorted(recorded.keys() - symbols):
        yield f"{name} was in version {recorded[name]} and is gone"
    for name in sorted(recorded.keys() & headers.keys()):
        if recorded[name] != headers[name]:
            yield f"{name}: Since: {headers[name]} in its header, {recorded[name]} in symbols.txt"


def check_options():
    recorded = recorded_sizes()
    for name, size in option_sizes().items():
        if name not in recorded:
            yield f"{name} is new: run make abi-update"
        elif size < recorded[name][1]:
            yield f"{name} has shrunk from {recorded[name][1]} to {size} bytes"
        elif size > recorded[name][1]:
            yield f"{name} has grown from {recorded[name][1]} to {size} bytes: run make abi-update"


def update():
    symbols = "".join(f"{name} {since}\n" for name, since in sorted(declared().items()))
    SYMBOLS.write_text("# Exported functions and the version that brought each. Written by make abi-update.\n" + symbols)
    # What earlier versions had stays; a row of the version in the making is replaced.
    rows = [row for row in read(OPTIONS) if row[1] != version()]
    known = {name: size for name, _, size in rows}
    rows += [[name, version(), str(size)] for name, size in option_sizes().items() if known.get(name) != str(size)]
    text = "".join(" ".join(row) + "\n" for row in sorted(rows, key=lambda row: (row[0], int(row[2]))))
    OPTIONS.write_text("# Option structs, version, size in bytes with 64-bit pointers.\n" + text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("library")
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    if args.update:
        update()
    found = list(check_symbols(args.library)) + list(check_options())
    for offence in found:
        print(offence)
    print(f"abi: {len(exported(args.library))} symbols, {len(found)} offences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
