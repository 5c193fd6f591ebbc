#!/bin/bash
# Formats all C sources with clang-format 14; with --check only tells which differ.
. "$(dirname "$0")/common.sh"

tool=$(pinned clang-format)
case $("$tool" --version) in
  *" version 14."*) ;;
  *) echo "format: clang-format 14 is needed; other versions lay some lines out differently" >&2; exit 1 ;;
esac

mapfile -t files < <(git ls-files -co --exclude-standard -- '*.c' '*.h')
if [ "${1:-}" = --check ]; then
  "$tool" --dry-run --Werror --ferror-limit=1 "${files[@]}" && echo "format: ${#files[@]} files are fine"
else
  "$tool" -i "${files[@]}"
fi
