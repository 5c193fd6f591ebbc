"""Reads the public headers: their functions, callback types and option structs, each with its comment."""
import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"

DECLARATION = re.compile(r"(/\*\*(?:(?!\*/).)*\*/\s*)?^FC_API\b([^;]*);", re.S | re.M)
CALLBACK = re.compile(r"(/\*\*(?:(?!\*/).)*\*/\s*)?^typedef\b[^;{]*\(\*(fc_\w+)\)", re.S | re.M)
OPTIONS = re.compile(r"^typedef struct (fc_\w+) \{\s*size_t size;", re.M)
FUNCTION_NAME = re.compile(r"\b(fc_\w+)\s*\(")


@dataclasses.dataclass
class Item:
    header: pathlib.Path
    line: int
    name: str
    comment: str

    @property
    def where(self):
        return f"{self.header.relative_to(ROOT).as_posix()}:{self.line}"

    def field(self, name):
        """The text behind `name:` in the comment up to the end of its line, or None."""
        match = re.search(rf"\b{name}:\s*(\S.*)", self.comment)
        return match.group(1).strip() if match else None


def headers():
    return sorted((INCLUDE / "farcall").glob("*.h"))


def _items(pattern, group, name_of):
    for header in headers():
        text = header.read_text()
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start(group)) + 1
            yield Item(header, line, name_of(match.group(group)), match.group(1) or "")


def functions():
    """Everything marked FC_API."""
    return list(_items(DECLARATION, 2, lambda text: FUNCTION_NAME.search(text).group(1)))


def callbacks():
    return list(_items(CALLBACK, 2, str))


def options():
    """The structs that begin with their size, so that they can grow: (header, name)."""
    return [(header, name) for header in headers() for name in OPTIONS.findall(header.read_text())]
