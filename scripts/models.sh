#!/bin/bash
# Plays the models of tests/models at random, under AddressSanitizer: SECONDS in all, which the models share.
#   scripts/models.sh [SECONDS [SEED [MODEL ...]]]     SEED 0: a new one, which a failure names
. "$(dirname "$0")/common.sh"

seconds=${1:-60}
seed=${2:-0}
shift $(($# < 2 ? $# : 2))
models=("$@")
if [ $# = 0 ]; then
  for source in tests/models/model_*.c; do models+=("$(basename "$source" .c)"); done
  models=("${models[@]/model_main/}")
  mapfile -t models < <(printf '%s\n' "${models[@]}" | grep .)
fi
if [ "$seed" = 0 ]; then seed=$(date +%s%N | cut -c5-16); fi

scripts/setup.sh test
cmake --preset asan -B "$BUILD/asan" ${CC:+"-DCMAKE_C_COMPILER=$CC"} >/dev/null
cmake --build "$BUILD/asan" --target "${models[@]}" >/dev/null

share=$("$PYTHON" -c "print($seconds * min($jobs, ${#models[@]}) / ${#models[@]})")
play() {
  "$BUILD/asan/tests/$1" "$share" "$seed" || {
    echo "$1: FAILED"
    return 1
  }
}
each play "${models[@]}"
