#!/usr/bin/env python3
"""Writes src/http2/hpack_data.c, the constant tables of HPACK, to standard output.

    scripts/hpack_data.py > src/http2/hpack_data.c

The tokens come from FC__TOKEN_LIST in src/http2/hpack.h, so run it again when that list changes.
With --check it writes nothing and fails when the file is not what it would write.
"""
import itertools
import pathlib
import random
import re
import sys

HTTP2 = pathlib.Path(__file__).resolve().parent.parent / "src" / "http2"

# RFC 7541 appendix A, from index 1 on.
STATIC = """\
:authority
:method GET
:method POST
:path /
:path /index.html
:scheme http
:scheme https
:status 200
:status 204
:status 206
:status 304
:status 400
:status 404
:status 500
accept-charset
accept-encoding gzip, deflate
accept-language
accept-ranges
accept
access-control-allow-origin
age
allow
authorization
cache-control
content-disposition
content-encoding
content-language
content-length
content-location
content-range
content-type
cookie
date
etag
expect
expires
from
host
if-match
if-modified-since
if-none-match
if-range
if-unmodified-since
last-modified
link
location
max-forwards
proxy-authenticate
proxy-authorization
range
referer
refresh
retry-after
server
set-cookie
strict-transport-security
transfer-encoding
user-agent
vary
via
www-authenticate"""

# RFC 7541 appendix B: the symbols of each code length. Codes are canonical: they count upwards through
# this order, so the lengths say everything. 256 is EOS.
HUFFMAN = {
    5: "48-50 97 99 101 105 111 115 116",
    6: "32 37 45-47 51-57 61 65 95 98 100 102-104 108-110 112 114 117",
    7: "58 66-87 89 106 107 113 118-122",
    8: "38 42 44 59 88 90",
    10: "33 34 40 41 63",
    11: "39 43 124",
    12: "35 62",
    13: "0 36 64 91 93 126",
    14: "94 125",
    15: "60 96 123",
    19: "92 195 208",
    20: "128 130 131 162 184 194 224 226",
    21: "153 161 167 172 176 177 179 209 216 217 227 229 230",
    22: "129 132-134 136 146 154 156 160 163 164 169 170 173 178 181 185-187 189 190 196 198 228 232"
        " 233",
    23: "1 135 137-141 143 147 149-152 155 157 158 165 166 168 174 175 180 182 183 188 191 197 231 239",
    24: "9 142 144 145 148 159 171 206 215 225 236 237",
    25: "199 207 234 235",
    26: "192 193 200-202 205 210 213 218 219 238 240 242 243 255",
    27: "203 204 211 212 214 221-223 241 244-248 250-254",
    28: "2-8 11 12 14-21 23-31 127 220 249",
    30: "10 13 22 256",
}
EOS = 256


def static_table():
    rows = [line.partition(" ")[::2] for line in STATIC.split("\n")]
    assert len(rows) == 61
    return rows


def tokens():
    text = (HTTP2 / "hpack.h").read_text()
    return dict((name, token) for token, name in re.findall(r'X\((\w+), "([^"]+)"\)', text))


def huffman_codes():
    """Symbol -> (code, length), in the order of the codes."""
    codes, code, last = {}, 0, 0
    for length, text in HUFFMAN.items():
        code <<= length - last
        last = length
        for part in text.split():
            first, _, end = part.partition("-")
            for symbol in range(int(first), int(end or first) + 1):
                codes[symbol] = (code, length)
                code += 1
    assert len(codes) == 257 and code == 1 << 30, "the code is not complete"
    return codes


def columns(items, width=96):
    line = "   "
    for item in items:
        if len(line) + len(item) + 2 > width:
            yield line
            line = "   "
        line += f" {item},"
    yield line


def array(declaration, items):
    yield f"{declaration} = {{"
    yield from columns(items)
    yield "};"
    yield ""


def literal(text):
    return f'FC__HPACK_TEXT("{text}")'


def emit_static(rows, token):
    yield "const struct fc__field fc__hpack_static[FC__HPACK_STATIC_COUNT] = {"
    for name, value in rows:
        which = token.get(name, "NONE")
        yield f"    {{{literal(name)}, {literal(value)}, FC__TOKEN_{which}, false, NULL}},"
    yield "};"
    yield ""


def slot(name, mix):
    data = name.encode()
    return (len(data) * mix[0] + data[0] * mix[1] + data[len(data) // 2] * mix[2] + data[-1] * mix[3]) & 255


def perfect_mix(names):
    draw = random.Random(7541)
    while True:
        mix = [draw.randrange(1, 256) for _ in range(4)]
        if len({slot(name, mix) for name in names}) == len(names):
            return mix


def emit_names(rows, token):
    first, count = {}, {}
    for index, (name, _) in enumerate(rows, 1):
        first.setdefault(name, index)
        count[name] = count.get(name, 0) + 1
    names = list(dict.fromkeys(itertools.chain(token, first)))
    mix = perfect_mix(names)
    slots = [0] * 256
    for number, name in enumerate(names, 1):
        slots[slot(name, mix)] = number
    yield "/* Found by trial: no two known names share a slot. */"
    yield from array("const uint8_t fc__hpack_name_mix[4]", map(str, mix))
    yield from array("const uint8_t fc__hpack_name_slots[256]", map(str, slots))
    yield f"const struct fc__hpack_name fc__hpack_names[{len(names) + 1}] = {{"
    yield '    {"", 0, FC__TOKEN_NONE, 0, 0},'
    for name in names:
        which = f"FC__TOKEN_{token.get(name, 'NONE')}, {first.get(name, 0)}, {count.get(name, 0)}"
        yield f'    {{"{name}", {len(name)}, {which}}},'
    yield "};"
    yield ""


def short_codes(codes):
    """What the next eight bits begin with: {symbol, length}, or length 0 for a longer code."""
    table = ["{0, 0}"] * 256
    for symbol, (code, length) in codes.items():
        if length <= 8:
            first = code << (8 - length)
            for bits in range(first, first + (1 << (8 - length))):
                table[bits] = f"{{{symbol}, {length}}}"
    return table


def emit_huffman(codes):
    by_symbol = [codes[symbol] for symbol in range(256)]
    yield from array("const uint8_t fc__huffman_lengths[256]", (str(length) for _, length in by_symbol))
    yield from array("const uint32_t fc__huffman_codes[256]", (f"0x{code:x}" for code, _ in by_symbol))
    yield from array("const struct fc__huffman_short fc__huffman_shorts[256]", short_codes(codes))
    long_codes = [(symbol, *code) for symbol, code in codes.items() if code[1] > 8 and symbol != EOS]
    yield f"const struct fc__huffman_row fc__huffman_rows[FC__HUFFMAN_ROWS] = {{"
    at = 0
    for length, row in itertools.groupby(long_codes, key=lambda item: item[2]):
        row = list(row)
        first, last = (code << (32 - length) for code in (row[0][1], row[-1][1] + 1))
        yield f"    {{0x{first:08x}, 0x{last - 1:08x}, {length}, {at}}},"
        at += len(row)
    yield "};"
    yield ""
    yield from array("const uint8_t fc__huffman_long_symbols[]", (str(symbol) for symbol, _, _ in long_codes))


def generate():
    rows, token = static_table(), tokens()
    yield "/*"
    yield " * The constant tables of RFC 7541. Written by scripts/hpack_data.py, which says where each comes"
    yield " * from; change that and run it."
    yield " */"
    yield "/* clang-format off */"
    yield '#include "http2/hpack_data.h"'
    yield ""
    yield '#define FC__HPACK_TEXT(text) {(const uint8_t *)(text), sizeof(text) - 1}'
    yield ""
    yield from emit_static(rows, token)
    yield from emit_names(rows, token)
    yield from emit_huffman(huffman_codes())


def main():
    text = "\n".join(generate()).rstrip("\n") + "\n"
    if sys.argv[1:] == ["--check"]:
        if (HTTP2 / "hpack_data.c").read_text() != text:
            sys.exit("src/http2/hpack_data.c is out of date: run scripts/hpack_data.py")
    else:
        sys.stdout.write(text)


main()
