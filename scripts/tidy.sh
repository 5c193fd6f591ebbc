#!/bin/bash
# Runs clang-tidy with the list in .clang-tidy over the library; needs the dev preset to be configured.
. "$(dirname "$0")/common.sh"

tool=$(pinned clang-tidy)
printf '%s\0' src/*/*.c |
  xargs -0 -P "$jobs" -n 4 "$tool" -p "$BUILD/dev" --quiet 2> >(grep -v 'warnings\? generated' >&2)
echo "tidy: $(ls src/*/*.c | wc -l) files are fine"
