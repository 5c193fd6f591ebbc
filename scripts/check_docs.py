#!/usr/bin/env python3
"""Checks that the relative links of all Markdown pages lead somewhere, headings included.

Usage: scripts/check_docs.py
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.M)


def prose_of(text):
    return re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.S | re.M)


def anchors(page):
    """The names that a forge gives to the headings of a page."""
    headings = HEADING.findall(re.sub(r"^```.*?^```", "", page.read_text(), flags=re.S | re.M))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def check(page):
    for link in LINK.findall(prose_of(page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists():
            yield f"{link}: there is no such file"
        elif anchor and target.suffix == ".md" and anchor not in anchors(target):
            yield f"{link}: {target.name} has no such heading"


def main():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, check=True,
                            capture_output=True, text=True).stdout.splitlines()
    found = [f"{name}: {offence}" for name in listed for offence in check(ROOT / name)]
    for offence in found:
        print(offence)
    print(f"docs: {len(listed)} pages, {len(found)} offences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
