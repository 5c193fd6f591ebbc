#!/usr/bin/env python3
"""Compares tests/support/callback_table.h with the public headers: each function, and each place where the application
gives the library a function to call, has its row; and each place is visited by a test.

Usage: scripts/check_callbacks.py
"""
import re
import sys

import public_headers

TABLE = public_headers.ROOT / "tests" / "support" / "callback_table.h"
TESTS = public_headers.ROOT / "tests" / "loopback"
STRUCT = re.compile(r"^typedef struct (fc_\w+) \{(.*?)^\} \1;", re.S | re.M)
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def rows(table, fields):
    """The first fields of each row of one list of the table; of one field, not as tuples."""
    body = re.search(rf"#define {table}\(X\)(.*?)\n\n", TABLE.read_text(), re.S).group(1)
    return re.findall(r"X\(" + r",\s*".join([r"(\w+)"] * fields), body)


def names_in(text, types):
    """Parameters or members that are functions: by a type of their own, or written out."""
    by_type = re.findall(r"\b(fc_\w+)\s+(\w+)\s*[;,)]", text)
    return [name for kind, name in by_type if kind in types] + re.findall(r"\(\*(\w+)\)\(", text)


def places():
    """(struct or function, member or parameter)."""
    types = {item.name for item in public_headers.callbacks()}
    for header in public_headers.headers():
        text = COMMENT.sub("", header.read_text())
        for struct, body in STRUCT.findall(text):
            yield from ((struct, name) for name in names_in(body, types))
        for match in re.finditer(r"^FC_API\b[^;]*;", text, re.M):
            function = public_headers.FUNCTION_NAME.search(match.group()).group(1)
            yield from ((function, name) for name in names_in(match.group(), types))


def check_functions():
    known = rows("CALLBACK_FUNCTIONS", 1)
    declared = {item.name for item in public_headers.functions()}
    for name in sorted(declared - set(known)):
        yield f"{name} has no row in CALLBACK_FUNCTIONS: call it in callback_calls.c"
    for name in sorted(set(known) - declared):
        yield f"{name} is in CALLBACK_FUNCTIONS and in no public header"


def check_places():
    known, declared = rows("CALLBACK_PLACES", 2), list(places())
    left_out = rows("CALLBACK_PLACES_LEFT_OUT", 2)
    for place in declared:
        if place not in known and place not in left_out:
            yield f"{'.'.join(place)} has no row in CALLBACK_PLACES: let a test visit it"
    for of, name in known + left_out:
        if not any(of == struct and (name == member or name.startswith(member + "_")) for struct, member in declared):
            yield f"{of}.{name} is in the table and in no public header"


def check_visits():
    tests = "".join(path.read_text() for path in sorted(TESTS.glob("test_*callbacks*.c")))
    for of, name in rows("CALLBACK_PLACES", 2):
        if f"PLACE({of}, {name})" not in tests:
            yield f"{of}.{name} is visited by no test"


def main():
    found = [*check_functions(), *check_places(), *check_visits()]
    for offence in found:
        print(offence)
    print(f"callbacks: {len(rows('CALLBACK_PLACES', 2))} places, {len(rows('CALLBACK_FUNCTIONS', 1))} functions, "
          f"{len(found)} offences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
